"""Find each [n] that a model wrote, check where it points, and number the passages that are cited.

A citation is a bracket of numbers, as [2], [1, 3], [1-3], [source 2] or 【2】, in prose. Code between
backticks is left as it is, so `a[0]` there is no citation, but a[0] in prose is read as one; (1)
never is, since lists are numbered that way. A number beyond the passages is taken out and noted.
Each bracket becomes one [n] a passage, and passages are numbered from 1 in the order in which the
model first cites them, so that number n is `answer.cited[n - 1]` and streamed text already carries
its final numbers; passages that the model did not cite itself come after those.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rag.read.marks import Bare, Mark, Numbering, Place, TokenFilter, parted, put_back, still
from rag.read.statements import statements
from rag.read.terms import missing_numbers, numbers, overlap, terms
from rag.types import Citation, Passage

__all__ = [
    "CLEAR_OVERLAP",
    "Cited",
    "TokenFilter",
    "best_quote",
    "cite",
    "needs_source",
    "speaks_of_absence",
    "text_of",
]

CLEAR_OVERLAP = 0.6
"""The share of an uncited sentence's words, and all of its numbers, that a passage must have to be cited for it."""

_CONCLUSION = re.compile(r"(?:so|therefore|thus|hence),? the (?:final )?answer is\b", re.IGNORECASE)

_SOURCES = r"\b(?:sources?|passages?|documents?|texts?|context|information)\b"
_NOT = r"(?:\b(?:not|no|nothing|cannot)\b|n['’]t\b)"
_SAY = (
    r"\b(?:say|said|stat|mention|contain|provid|specif|includ|giv|tell|answer|cover|find|found|address|indicat|availab)"
)
_ABSENCE = re.compile(
    rf"{_SOURCES}.{{0,40}}?{_NOT}.{{0,30}}?{_SAY}|{_SOURCES}.{{0,20}}?{_SAY}\w* (?:nothing|no)\b"
    rf"|{_NOT}.{{0,40}}?{_SAY}.{{0,60}}?\b(?:in|from|by)\b.{{0,20}}?{_SOURCES}"
    rf"|\bno (?:information|mention|details?|answer)\b|\bcan(?:not| not|['’]t) (?:find|answer)\b",
    re.IGNORECASE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Cited:
    """A text whose every [n] points at a passage, its citations in the order of the text, and notes."""

    text: str
    citations: tuple[Citation, ...] = ()
    notes: tuple[str, ...] = ()


def cite(text: str, passages: Sequence[Passage]) -> Cited:
    """Check the citations of a text that was written from `passages`, numbered from 1.

    A sentence without a citation gets the passage that bears it out best, if the overlap is clear.

    Example:
        >>> passage = Passage(doc_id="d", chunk_id="d#0", text="It ships free. The battery lasts 38 hours.")
        >>> cited = cite("The battery lasts 38 hours [1][7].", [passage])
        >>> cited.text, cited.citations[0].quote
        ('The battery lasts 38 hours [1].', 'The battery lasts 38 hours.')
    """
    numbering = Numbering(len(passages))
    bare = parted(still(text.strip()), numbering)
    if not bare.text.strip():
        return Cited("", (), tuple(numbering.notes()))
    added, uncited = _for_uncited(bare, passages, numbering)
    marks = sorted([*bare.marks, *added], key=lambda mark: mark.at)
    final, places = put_back(bare.text, marks)
    # Where a citation was taken from the front, the space after it goes too.
    lead = len(final) - len(final.lstrip())
    citations = []
    for place in places:
        passage = passages[numbering.order[place.n - 1] - 1]
        quote = best_quote(bare.statement(bare.owner(place.at)), passage)
        start, end = place.start - lead, place.end - lead
        citations.append(Citation(n=place.n, passage=passage, quote=quote, start=start, end=end))
    notes = [*numbering.notes(), *_doubts(bare, citations, places)]
    if uncited:
        notes.append(f"sentences of the answer that name no source: {uncited}")
    return Cited(final.strip(), tuple(citations), tuple(notes))


def best_quote(claim: str, passage: Passage) -> str:
    """The statement of the passage that has most of a claim's words and numbers; empty when none has any."""
    words, figures = set(terms(claim)), numbers(claim)

    def shared(statement: str) -> tuple[int, float]:
        own = set(terms(statement))
        both = len(words & own) + len(figures & numbers(statement))
        return both, both / (len(own) + 1)

    quotes = [passage.text[start:end] for start, end in statements(passage.text)]
    shares = [shared(quote) for quote in quotes]
    best = max(shares, default=(0, 0.0))
    return quotes[shares.index(best)] if best[0] else ""


def speaks_of_absence(sentence: str) -> bool:
    """Whether a sentence says that the sources lack something, and so has no source itself.

    Example:
        >>> speaks_of_absence("The passages do not say how long it lasts.")
        True
        >>> speaks_of_absence("None of the lamps can be dimmed.")
        False
    """
    return bool(_ABSENCE.search(sentence))


def _for_uncited(bare: Bare, passages: Sequence[Passage], numbering: Numbering) -> tuple[list[Mark], int]:
    """Marks for the sentences that lack one, and how many still do."""
    cited = {bare.owner(mark.at) for mark in bare.marks}
    added, uncited = list[Mark](), 0
    for place, (start, end) in enumerate(bare.spans):
        sentence = bare.text[start:end]
        if place in cited or not needs_source(sentence):
            continue
        at = start + len(sentence.rstrip(" .!?…,;|"))
        best = _bearing_out(sentence, passages)
        if best is None or any(first < at < last for first, last in bare.code):
            uncited += 1
        else:
            added.append(Mark(at, " ", (numbering.number(best),)))
    return added, uncited


def _doubts(bare: Bare, citations: Sequence[Citation], places: Sequence[Place]) -> Iterator[str]:
    """A note on numbers in a sentence that are in none of the passages it cites."""
    read: dict[int, str] = {}
    for citation, place in zip(citations, places, strict=True):
        owner = bare.owner(place.at)
        read[owner] = f"{read.get(owner, '')} {text_of(citation.passage)}"
    missing = [
        number for owner, text in read.items() for number in sorted(missing_numbers(bare.statement(owner), text))
    ]
    if missing:
        yield f"numbers of the answer that the passages cited for them do not hold: {', '.join(missing)}"


def text_of(passage: Passage) -> str:
    """All that a prompt shows of a passage."""
    return " ".join([passage.title, passage.text, *(str(value) for value in passage.metadata.values())])


def needs_source(sentence: str) -> bool:
    """Whether a sentence needs a source: not code, a question, the head of a list or the end of a chain of thought."""
    if sentence.startswith("```") or sentence.endswith((":", "?")) or _CONCLUSION.match(sentence):
        return False
    return len(set(terms(sentence))) > 1 and not speaks_of_absence(sentence)


def _bearing_out(sentence: str, passages: Sequence[Passage]) -> int | None:
    """The number of the first passage that has most of the sentence, if the overlap is clear."""
    shares = [overlap(sentence, text_of(passage)) for passage in passages]
    best = max(shares, default=0.0)
    return shares.index(best) + 1 if best >= CLEAR_OVERLAP else None
