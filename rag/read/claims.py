"""A verdict on a claim without a model: where one statement says just that, or just that but for a figure or a "not".

Enough words to read from are not a proof. So word for word, in their order, a statement must begin with
the claim, and end there or go on with what takes nothing back. All else is left open.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from rag.read.passages import Statement, statements_of
from rag.read.rows import is_row
from rag.read.statements import plain
from rag.read.sufficiency.conflicts import conflicts
from rag.read.sufficiency.coverage import coverage
from rag.read.terms import numbers, terms
from rag.types import Evidence
from rag.verdict import Outcome, Verdict

__all__ = ["decide"]

_OPEN: Final = re.compile(
    r"\b(?:before|after|until|till|since|during|while|only|never|unless|except|without|if|may|might|could|would|should"
    r"|perhaps|possibly|probably|allegedly|reportedly|supposedly|rumou?red|claim(?:s|ed)?|false|untrue|almost|nearly"
    r"|about|approximately|around|roughly|over|under|at (?:least|most)|up to|(?:more|less|fewer) than|no|nobody|none"
    r"|neither|nor|hardly|some|sometimes|few|or)\b|\?",
    re.IGNORECASE,
)
"""Words of order, restriction or doubt, of which no count of words tells what they do."""

_TOKEN: Final = re.compile(r"\d+(?:[.,:]\d+)*(?![^\W_])|[^\W_]+|[,;]")
_ARTICLES: Final = frozenset(["a", "an", "the"])
_PRONOUN: Final = re.compile(r"(?:it|he|she|they)\b", re.IGNORECASE)
_GOES_ON: Final = frozenset(["in", "at", "on", "by", "of", "and", ",", ";"])
_CONTRACTED: Final = re.compile(r"n['’]t\b", re.IGNORECASE)
_NOT: Final = "not"


def decide(claim: str, evidence: Evidence) -> Verdict:
    """The verdict by words, with the parts and the score of `coverage` as its reasons.

    A claim with a word of order, restriction or doubt is left open, and so is one that some statement bears
    out and another refutes. Rows are not read as statements.

    Example:
        >>> from rag.types import EvidenceItem, Passage
        >>> film = Passage(doc_id="f", chunk_id="f#0", title="Alien", text="Alien was released in 1979.")
        >>> found = Evidence(items=(EvidenceItem(passage=film, step_id="s1"),))
        >>> [decide(f"Alien was {rest}.", found).outcome for rest in ("released in 1979", "released in 1982", "made")]
        ['supported', 'refuted', 'not enough']
    """
    said: set[Outcome] = set() if _OPEN.search(claim) else set(_said(claim, evidence))
    outcome: Outcome = said.pop() if len(said) == 1 else "not enough"
    found = coverage(claim, evidence)
    return found.model_copy(update={"outcome": outcome, "by": "words", "conflicts": conflicts(evidence)})


def _said(claim: str, evidence: Evidence) -> Iterator[Outcome]:
    """What each statement says of the claim, of those that say anything."""
    own = _words(claim)
    for each in statements_of([item for item in evidence.items if not is_row(item)]):
        text = _whole(each)
        if not own or _OPEN.search(text):
            continue
        words = _words(text)
        after = words[len(own) :]
        # What follows may deny: "directed by Scott, not by Fincher" is a statement on both.
        if words[: len(own)] == own and (not after or (after[0] in _GOES_ON and _NOT not in after)):
            yield "supported"
        elif _is_contrary(own, words):
            yield "refuted"


def _is_contrary(own: Sequence[str], words: Sequence[str]) -> bool:
    """Whether two statements are one but for a single figure, or but for a "not"."""
    figures = [(one, other) for one, other in zip(own, words, strict=False) if one != other]
    if len(own) == len(words):
        return len(figures) == 1 and all(word[0].isdigit() for word in figures[0])
    one, other = ([word for word in each if word != _NOT] for each in (own, words))
    return one == other and abs(own.count(_NOT) - words.count(_NOT)) == 1


def _whole(statement: Statement) -> str:
    """A statement, with what its document is about where it begins with a pronoun."""
    title = re.sub(r"\s*\([^)]*\)", "", statement.item.passage.title)
    text = plain(statement.text)
    return _PRONOUN.sub(lambda _: title, text, count=1) if title and _PRONOUN.match(text) else text


def _words(text: str) -> list[str]:
    """The words in their order, stemmed where they carry meaning, less articles; a figure is one word."""
    told = _CONTRACTED.sub(" not", text.replace("cannot", "can not").replace("can't", "can not"))
    words = []
    for token in _TOKEN.findall(told.casefold().rstrip(" .!")):
        if token[0].isdigit():
            words += sorted(numbers(token)) or [token]
        elif token not in _ARTICLES:
            words += terms(token) or [token]
    return words
