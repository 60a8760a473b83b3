"""Sufficiency without a model: does the evidence bear out each part of the question?

A part that is a name or a figure is borne out by the passages that have it. What is said of the names
counts only in passages that are about them, or about what such a passage names: the same words in a
text on something else bear out nothing. The answer needs a span of its kind in a statement that has
words of the question.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final

from rag.read.statements import statements
from rag.read.sufficiency.parts import Asked, Kind, asked, proper_names
from rag.read.terms import missing_numbers, numbers, terms
from rag.types import Evidence, EvidenceItem
from rag.verdict import Part, Verdict

if TYPE_CHECKING:
    from rag.protocols import Embedder

__all__ = ["ENOUGH", "coverage"]

ENOUGH: Final = 0.8
"""The share of a question's parts, by weight, that must be borne out."""

_WEIGHTS: Final = {"name": 2.0, "figure": 1.0, "phrase": 1.0, "answer": 2.0}
_MOST_OF_A_NAME: Final = 0.75
_MOST_OF_A_PHRASE: Final = 0.5
_SAME_MEANING: Final = 0.65
"""The cosine of two words from which on they may stand for one another."""

_FORM: Final = 5
"""Letters that two stems must begin with alike to be forms of one word, as "director" and "directed"."""

_TIME = (
    r"\b\d{4}\b|\b\d{1,2}[:.]\d\d\b|\b(?:January|February|March|April|May|June|July|August|September|October"
    r"|November|December|Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday|yesterday|today|tomorrow)\b"
    r"|\b\d+ (?:seconds?|minutes?|hours?|days?|weeks?|months?|years?)\b"
)
_NUMBER = (
    r"\d|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|dozen|twenty|thirty|forty|fifty"
    r"|hundreds?|thousands?|millions?|half)\b"
)
_PLACE = r"\b(?:in|at|from|near|of|to|outside|within|on|around) (?:the )?(?:[\w-]+ ){0,3}?[^\W\d_a-z]"


@dataclass(frozen=True)
class _Passage:
    item: EvidenceItem

    @cached_property
    def text(self) -> str:
        passage = self.item.passage
        return f"{passage.title}\n{passage.text}"

    @cached_property
    def words(self) -> frozenset[str]:
        return frozenset(terms(self.text))

    @cached_property
    def title(self) -> frozenset[str]:
        # What a title says in brackets tells it from others of the name: "Alien (film)".
        return frozenset(terms(re.sub(r"\s*\([^)]*\)", "", self.item.passage.title)))

    @cached_property
    def names(self) -> tuple[frozenset[str], ...]:
        return tuple(frozenset(terms(name)) for name in proper_names(self.item.passage.text))

    @cached_property
    def statements(self) -> tuple[str, ...]:
        text = self.item.passage.text
        return tuple(text[start:end] for start, end in statements(text))


def coverage(question: str, evidence: Evidence, *, embedder: Embedder | None = None) -> Verdict:
    """Whether the evidence bears out each part of the question or claim.

    Args:
        question: in its own words.
        evidence: what was found.
        embedder: takes words of one meaning for one another; without one, words alone count.

    Raises:
        ModelError: the embedder failed.

    Example:
        >>> from rag.types import Passage
        >>> film = Passage(doc_id="f", chunk_id="f#0", title="Alien", text="Alien was directed by Ridley Scott.")
        >>> found = Evidence(items=(EvidenceItem(passage=film, step_id="s1"),))
        >>> coverage("Who directed Alien?", found).outcome
        'supported'
        >>> coverage("Where was the director of Alien born?", found).missing
        ('born', 'Where')
    """
    parts = asked(question)
    passages = [_Passage(item) for item in evidence.items]
    named = [(name, [each for each in passages if _has_name(each, name)]) for name in parts.names]
    about = _about(parts, passages, named)
    borne: list[tuple[str, Part]] = [("name", _part(name, found)) for name, found in named]
    for figure in parts.figures:
        borne.append(("figure", _part(figure, [each for each in about if not missing_numbers(figure, each.text)])))
    for phrase in parts.phrases:
        borne.append(("phrase", _part(phrase, [each for each in about if _has_phrase(each.words, phrase)])))
    if parts.answer:
        borne.append(("answer", _part(parts.answer, [each for each in about if _answers(each, parts)])))
    full = sum(_WEIGHTS[kind] for kind, _ in borne) or 1.0
    score = sum(_WEIGHTS[kind] for kind, part in borne if not part.missing) / full
    enough = bool(about) and score >= ENOUGH and not any(part.missing for kind, part in borne if kind != "phrase")
    return Verdict(
        outcome="supported" if enough else "not enough",
        by="coverage",
        score=score if about else 0.0,
        parts=tuple(part for _, part in borne),
    )


def _part(text: str, found: Iterable[_Passage]) -> Part:
    return Part(text=text, evidence=tuple(each.item.key for each in found))


def _has_name(passage: _Passage, name: str) -> bool:
    words = set(terms(name))
    if numbers(name) - numbers(passage.text):
        return False
    return len(words & passage.words) >= (_MOST_OF_A_NAME if len(words) > 2 else 1.0) * len(words)


def _has_phrase(words: frozenset[str], phrase: str) -> bool:
    wanted = set(terms(phrase))
    return sum(_has_word(words, word) for word in wanted) >= _MOST_OF_A_PHRASE * len(wanted)


def _has_word(words: frozenset[str], word: str) -> bool:
    return word in words or (len(word) >= _FORM and any(own[:_FORM] == word[:_FORM] for own in words))


def _about(
    parts: Asked, passages: Sequence[_Passage], named: Sequence[tuple[str, Sequence[_Passage]]]
) -> list[_Passage]:
    """The passages about a name of the question, or about what such a passage names; all where it has no name."""
    if not parts.names:
        return list(passages)
    first = [each for each in passages if any(each in found for _, found in named)]
    told = {name for each in first for name in each.names}
    return [each for each in passages if each in first or (each.title and each.title in told)]


def _answers(passage: _Passage, parts: Asked) -> bool:
    own = parts.names if not parts.phrases else ()
    wanted = {word for text in (*parts.phrases, *own) for word in terms(text)}
    return any(
        _is_of_kind(statement, parts.kind, parts) and any(_has_word(frozenset(terms(statement)), w) for w in wanted)
        for statement in passage.statements
    )


def _is_of_kind(statement: str, kind: Kind | None, parts: Asked) -> bool:
    match kind:
        case "time":
            return bool(re.search(_TIME, statement, re.IGNORECASE))
        case "number":
            return bool(re.search(_NUMBER, statement, re.IGNORECASE))
        case "place":
            return bool(re.search(_PLACE, statement))
        case "person":
            return any(name not in parts.names for name in proper_names(statement))
    return True
