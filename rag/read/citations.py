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
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from rag.read.statements import Span, statements
from rag.read.terms import numbers, overlap, terms
from rag.types import Citation, Passage

__all__ = ["CLEAR_OVERLAP", "Cited", "TokenFilter", "best_quote", "cite", "speaks_of_absence"]

CLEAR_OVERLAP = 0.6
"""The share of an uncited sentence's words, and all of its numbers, that a passage must have to be cited for it."""

_NUMBERS = r"#?[0-9]+(?:[ \t]*[-–—][ \t]*[0-9]+)?"
# What would close a bracket around a citation goes with it, or the outer one could become a citation.
_LEFTOVER = r"(?:[#0-9,;& \t–—-]*[\]】])*+"
_MARK = (
    r"[\[【]{1,2}[ \t]*(?:(?:source|passage|document|ref)s?[ \t]*:?[ \t]*)?"
    rf"{_NUMBERS}(?:[ \t]*[,;&][ \t]*{_NUMBERS})*[ \t]*(?:†[^\[\]【】\n]*)?[\]】]{_LEFTOVER}"
)
_CODE = r"(?P<code>```.*?```|`[^`\n]+`)"
# Taken whole and from its start only: a long run of spaces is read once.
_SPACE = r"(?<![ \t])[ \t]*+"
_MARKS = rf"(?P<space>{_SPACE})(?P<marks>{_MARK}(?:[ \t]*{_MARK})*)"
_WHOLE = re.compile(rf"{_CODE}|{_MARKS}|```.*\Z", re.DOTALL | re.IGNORECASE)
# What the next token may yet turn into code or a citation, or add a citation to.
_UNDECIDED = r"```.*|`{1,2}[^`\n]*|[\[【]{1,2}[ \t]*(?:[a-z]{0,9}[ \t]*:?[ \t]*)?[#0-9,;& \t–—-]*(?:†[^\[\]【】\n]*)?"
_STREAM = re.compile(
    rf"{_CODE}|(?P<open>{_SPACE}(?:(?:{_MARK}[ \t]*)+(?:{_UNDECIDED}|[#0-9,;& \t–—-]*)|{_UNDECIDED})?\Z)|{_MARKS}",
    re.DOTALL | re.IGNORECASE,
)
_EACH = re.compile(r"[\[【]([^\[【\]】†]+)")

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
    numbering = _Numbering(len(passages))
    bare = _parted(text.strip(), numbering)
    if not bare.text.strip():
        return Cited("", (), tuple(numbering.notes()))
    added, uncited = _for_uncited(bare, passages, numbering)
    marks = sorted([*bare.marks, *added], key=lambda mark: mark.at)
    final, places = _put_back(bare.text, marks)
    # Where a citation was taken from the front, the space after it goes too.
    lead = len(final) - len(final.lstrip())
    citations = []
    for n, at, start in places:
        passage = passages[numbering.order[n - 1] - 1]
        quote = best_quote(bare.sentence_of(at), passage)
        citations.append(
            Citation(n=n, passage=passage, quote=quote, start=start - lead, end=start - lead + len(f"[{n}]"))
        )
    notes = list(numbering.notes())
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
    best = max(quotes, key=shared, default="")
    return best if shared(best)[0] else ""


def speaks_of_absence(sentence: str) -> bool:
    """Whether a sentence says that the sources lack something, and so has no source itself.

    Example:
        >>> speaks_of_absence("The passages do not say how long it lasts.")
        True
        >>> speaks_of_absence("None of the lamps can be dimmed.")
        False
    """
    return bool(_ABSENCE.search(sentence))


class TokenFilter:
    """Makes streamed text fit to show: its citations carry their final numbers, those beyond `count` are gone.

    What may yet become a citation or code is held back until it is decided.

    Example:
        >>> tokens = TokenFilter(2)
        >>> [tokens.feed(piece) for piece in ("It folds ", "[", "2", "] [9", "].")], tokens.close()
        (['It folds', '', '', '', ' [1].'], '')
    """

    def __init__(self, count: int) -> None:
        self._numbering = _Numbering(count)
        self._held = ""
        self._begun = False

    def feed(self, piece: str) -> str:
        """What may be shown, now that `piece` has arrived."""
        text = self._held + piece
        cut = next((match.start() for match in _STREAM.finditer(text) if match["open"] is not None), len(text))
        self._held = text[cut:]
        return self._shown(text[:cut])

    def close(self) -> str:
        """What was still held back when the text ended."""
        text, self._held = self._held, ""
        return self._shown(text).rstrip()

    def _shown(self, text: str) -> str:
        bare = _parted(text, self._numbering)
        shown, _ = _put_back(bare.text, bare.marks)
        shown = shown if self._begun else shown.lstrip()
        self._begun = self._begun or bool(shown)
        return shown


@dataclass(slots=True)
class _Numbering:
    """The new number of each of `count` passages, given out as they are first cited."""

    count: int
    order: list[int] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)

    def number(self, old: int) -> int:
        if old not in self.order:
            self.order.append(old)
        return self.order.index(old) + 1

    def of(self, written: str) -> tuple[int, ...]:
        """The new numbers for what stood in a row of brackets, each once; those beyond the passages are lost."""
        found: dict[int, None] = {}
        for part in (part for bracket in _EACH.findall(written) for part in re.split(r"[,;&]", bracket)):
            ends = [self._bounded(digits) for digits in re.findall(r"[0-9]+", part)]
            within = range(max(min(ends), 1), min(max(ends), self.count) + 1)
            found |= {self.number(old): None for old in within}
            if min(ends) < 1 or max(ends) > self.count:
                self.lost.append(part.strip(" \t#"))
        return tuple(found)

    def _bounded(self, digits: str) -> int:
        # Python refuses to read an endless row of digits; any number above the count is lost alike.
        return int(digits) if len(digits) < 10 else self.count + 1

    def notes(self) -> Iterator[str]:
        if self.lost:
            gone = ", ".join(f"[{part}]" for part in dict.fromkeys(self.lost))
            yield f"removed {gone} from the answer: there are {self.count} passages, numbered from 1"


@dataclass(frozen=True, slots=True)
class _Mark:
    """New numbers to stand at a place of a bare text, after `space`."""

    at: int
    space: str
    numbers: tuple[int, ...]


@dataclass(frozen=True)
class _Bare:
    """A text without its citations, where they stood, and the spans of code in it."""

    text: str
    marks: tuple[_Mark, ...]
    code: tuple[Span, ...]

    @cached_property
    def spans(self) -> list[Span]:
        return statements(self.text)

    def owner(self, at: int) -> int:
        """Which statement a mark belongs to: the one it stands in or after."""
        return max(bisect_left([start for start, _ in self.spans], at) - 1, 0)

    def sentence_of(self, at: int) -> str:
        start, end = self.spans[self.owner(at)] if self.spans else (0, 0)
        return self.text[start:end]


def _parted(text: str, numbering: _Numbering) -> _Bare:
    bare, marks, code = "", list[_Mark](), list[Span]()
    position = 0
    for match in _WHOLE.finditer(text):
        bare += text[position : match.start()]
        position = match.end()
        if match["marks"] is None:
            code.append((len(bare), len(bare) + len(match[0])))
            bare += match[0]
        elif new := numbering.of(match["marks"]):
            marks.append(_Mark(len(bare), match["space"], new))
    return _Bare(bare + text[position:], tuple(marks), tuple(code))


def _put_back(bare: str, marks: Sequence[_Mark]) -> tuple[str, list[tuple[int, int, int]]]:
    """The text with its marks, and for each [n]: n, its place in the bare text, its start in the result."""
    text, places, position = "", list[tuple[int, int, int]](), 0
    for mark in marks:
        text += bare[position : mark.at] + mark.space
        position = mark.at
        for n in mark.numbers:
            places.append((n, mark.at, len(text)))
            text += f"[{n}]"
    return text + bare[position:], places


def _for_uncited(bare: _Bare, passages: Sequence[Passage], numbering: _Numbering) -> tuple[list[_Mark], int]:
    """Marks for the sentences that lack one, and how many still do."""
    cited = {bare.owner(mark.at) for mark in bare.marks}
    added, uncited = list[_Mark](), 0
    for place, (start, end) in enumerate(bare.spans):
        sentence = bare.text[start:end]
        if place in cited or not _is_claim(sentence):
            continue
        at = start + len(sentence.rstrip(" .!?…,;|"))
        best = _bearing_out(sentence, passages)
        if best is None or any(first < at < last for first, last in bare.code):
            uncited += 1
        else:
            added.append(_Mark(at, " ", (numbering.number(best),)))
    return added, uncited


def _is_claim(sentence: str) -> bool:
    """Whether a sentence needs a source: not code, a question, the head of a list or the end of a chain of thought."""
    if sentence.startswith("```") or sentence.endswith((":", "?")) or _CONCLUSION.match(sentence):
        return False
    return len(set(terms(sentence))) > 1 and not speaks_of_absence(sentence)


def _bearing_out(sentence: str, passages: Sequence[Passage]) -> int | None:
    """The number of the first passage that has most of the sentence, if the overlap is clear."""
    shares = [overlap(sentence, f"{passage.title} {passage.text}") for passage in passages]
    best = max(shares, default=0.0)
    return shares.index(best) + 1 if best >= CLEAR_OVERLAP else None
