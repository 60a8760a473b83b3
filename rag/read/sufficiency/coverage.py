"""Sufficiency without a model: do passages that belong together bear out each part of the question?

Words that stand in texts on different things bear out nothing together. So what counts is the best
group of passages of which each names what another is about, or is about another name of the question:
"Where was the director of Alien born?" is borne out by the pages of the film and of Ridley Scott, whom
the first names, and not by the film's and some other director's. A single passage must have nearly all.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import Final

from rag.read.sufficiency.parts import MONTHS, Asked, asked, proper_names
from rag.read.sufficiency.passages import Read, has_word, met
from rag.read.terms import missing_numbers, terms
from rag.types import Evidence
from rag.verdict import Part, Verdict

__all__ = ["ENOUGH", "coverage"]

ENOUGH: Final = 0.8
"""The share of a question's words, those of names and figures counted twice, that must be borne out."""

_ALONE: Final = 0.85
"""What a single passage's share counts for: it is enough where it has nearly all."""

_LARGEST_GROUP: Final = 5
_MOST_OF_A_PHRASE: Final = 0.5

_TIME = (
    rf"\b\d{{4}}\b|\b\d{{1,2}}[:.]\d\d\b|\b(?:{MONTHS}|Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday"
    r"|yesterday|today|tomorrow)\b"
    r"|\b\d+ (?:seconds?|minutes?|hours?|days?|weeks?|months?|years?)\b"
)
_NUMBER = (
    r"\d|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|dozen|twenty|thirty|forty|fifty"
    r"|hundreds?|thousands?|millions?|half)\b"
)
_PLACE = r"\b(?:in|at|from|near|of|to|outside|within|on|around) (?:the )?(?:[\w-]+ ){0,3}?[^\W\d_a-z]"
_SPANS: Final = {"time": re.compile(_TIME), "number": re.compile(_NUMBER, re.IGNORECASE), "place": re.compile(_PLACE)}


def coverage(question: str, evidence: Evidence) -> Verdict:
    """Whether the evidence bears out each part of the question or claim.

    Example:
        >>> from rag.types import EvidenceItem, Passage
        >>> film = Passage(doc_id="f", chunk_id="f#0", title="Alien", text="Alien was directed by Ridley Scott.")
        >>> found = Evidence(items=(EvidenceItem(passage=film, step_id="s1"),))
        >>> coverage("Who directed Alien?", found).outcome
        'supported'
        >>> coverage("Where was the director of Alien born?", found).missing
        ('born', 'Where')
    """
    parts = asked(question)
    weights = _weights(parts)
    passages = [Read(item) for item in evidence.items]
    group, score = _best(parts, weights, passages)
    told = tuple(_parts(parts, group))
    answered = not (told and parts.answer and told[-1].missing)
    known = not any(part.missing for part in told[: len(parts.names)])
    enough = bool(group) and score >= ENOUGH and answered and known
    return Verdict(outcome="supported" if enough else "not enough", by="coverage", score=score, parts=told)


def _weights(parts: Asked) -> dict[str, float]:
    """The words of a question, and what each counts."""
    said = dict.fromkeys(terms(" ".join(parts.phrases)), 1.0)
    return said | dict.fromkeys(terms(" ".join([*parts.names, *parts.figures])), 2.0)


def _best(parts: Asked, weights: Mapping[str, float], passages: Sequence[Read]) -> tuple[list[Read], float]:
    """The group that has most of the question, and its share."""
    names = [frozenset(terms(name)) for name in parts.names]
    whole = sum(weights.values()) or 1.0
    own = {passage: met(weights, [passage]) for passage in passages}

    def together(one: Read, other: Read) -> bool:
        of_one, of_other = one.is_about(names), other.is_about(names)
        return one.is_linked(other) or bool(of_one - of_other and of_other - of_one)

    def share(group: Sequence[Read]) -> float:
        words = frozenset().union(*(own[passage] for passage in group))
        return sum(weights[word] for word in words) / whole * (1.0 if len(group) > 1 else _ALONE)

    pairs = [list(pair) for pair in combinations(passages, 2) if together(*pair)]
    best = max([*([each] for each in passages), *pairs], key=share, default=[])
    best = _grown(best, passages, together, share)
    return best, share(best) if best else 0.0


def _grown(
    group: list[Read],
    passages: Sequence[Read],
    together: Callable[[Read, Read], bool],
    share: Callable[[Sequence[Read]], float],
) -> list[Read]:
    """The group with what belongs to it and adds to it, best first."""
    while len(group) < _LARGEST_GROUP:
        more = [[*group, each] for each in passages if each not in group and any(together(each, own) for own in group)]
        best = max(more, key=share, default=group)
        if share(best) <= share(group):
            break
        group = best
    return group


def _parts(parts: Asked, group: Sequence[Read]) -> Iterator[Part]:
    """Each part of a question, with the passages of the group that bear it out."""
    for name in parts.names:
        yield _part(name, [each for each in group if each.has_name(name)])
    for figure in parts.figures:
        yield _part(
            figure, [each for each in group if not missing_numbers(figure, each.text) and met(terms(figure), [each])]
        )
    for phrase in parts.phrases:
        wanted = frozenset(terms(phrase))
        yield _part(phrase, [each for each in group if len(met(wanted, [each])) >= _MOST_OF_A_PHRASE * len(wanted)])
    if parts.answer:
        yield _part(parts.answer, [each for each in group if _answers(each, parts)])


def _part(text: str, found: Sequence[Read]) -> Part:
    return Part(text=text, evidence=tuple(each.item.key for each in found))


def _answers(passage: Read, parts: Asked) -> bool:
    """Whether a statement has a span of the kind that is asked for, beside words of the question."""
    wanted = {word for text in parts.phrases or parts.names for word in terms(text)}
    return any(
        _is_of_kind(statement, parts) and any(has_word(terms(statement), word) for word in wanted)
        for statement in passage.statements
    )


def _is_of_kind(statement: str, parts: Asked) -> bool:
    if parts.kind == "person":
        return any(name not in parts.names for name in proper_names(statement))
    span = _SPANS.get(parts.kind or "")
    return span is None or bool(span.search(statement))
