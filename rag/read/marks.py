"""The [n] of a text as it was written: where they stand, and the numbers they get."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from rag.read.statements import Span, statements

__all__ = ["Bare", "Mark", "Numbering", "Place", "TokenFilter", "parted", "put_back", "still", "unmarked"]

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
_CITES = re.compile(_MARK, re.IGNORECASE)
_PARENTHESES = str.maketrans("[]【】", "()()")
_EACH = re.compile(r"[\[【]([^\[【\]】†]+)")


@dataclass(slots=True)
class Numbering:
    """The new number of each of `count` passages, given out as they are first cited."""

    count: int
    order: list[int] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)

    def number(self, old: int) -> int:
        """The new number of a passage."""
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
        """A note on what pointed nowhere."""
        if self.lost:
            gone = ", ".join(f"[{part}]" for part in dict.fromkeys(self.lost))
            yield f"removed {gone} from the answer: there are {self.count} passages, numbered from 1"


@dataclass(frozen=True, slots=True)
class Mark:
    """New numbers to stand at a place of a bare text, after `space`."""

    at: int
    space: str
    numbers: tuple[int, ...]


@dataclass(frozen=True)
class Bare:
    """A text without its citations, where they stood, and the spans of code in it."""

    text: str
    marks: tuple[Mark, ...]
    code: tuple[Span, ...]

    @cached_property
    def spans(self) -> tuple[Span, ...]:
        """Where the statements are."""
        return statements(self.text)

    def owner(self, at: int) -> int:
        """Which statement a mark belongs to: the one it stands in or after."""
        return max(bisect_left(self._starts, at) - 1, 0)

    @cached_property
    def _starts(self) -> list[int]:
        return [start for start, _ in self.spans]

    def statement(self, owner: int) -> str:
        """The text of a statement; empty when the text is but a heading or a rule."""
        start, end = self.spans[owner] if owner < len(self.spans) else (0, 0)
        return self.text[start:end]


class Place(NamedTuple):
    """Where one [n] stands: in the bare text, and from `start` to `end` in the final one."""

    n: int
    at: int
    start: int
    end: int


def parted(text: str, numbering: Numbering) -> Bare:
    """The text without its citations, which are given their numbers."""
    bare, marks, code = "", list[Mark](), list[Span]()
    position = 0
    for match in _WHOLE.finditer(text):
        bare += text[position : match.start()]
        position = match.end()
        if match["marks"] is None:
            code.append((len(bare), len(bare) + len(match[0])))
            bare += match[0]
        elif new := numbering.of(match["marks"]):
            marks.append(Mark(len(bare), match["space"], new))
    return Bare(bare + text[position:], tuple(marks), tuple(code))


def unmarked(text: str) -> str:
    """The text of a source with what would be read as a citation in parentheses: it cites nothing here.

    Example:
        >>> unmarked("Free of charge [1], as 【2】 says.")
        'Free of charge (1), as (2) says.'
    """
    return still(_CITES.sub(lambda match: match[0].translate(_PARENTHESES), text))


def still(text: str) -> str:
    """The text without images as Markdown writes them: a page that shows one tells its address whatever stands in it.

    Example:
        >>> still("See ![a map](http://maps.example/?who=ann).")
        'See ! [a map](http://maps.example/?who=ann).'
    """
    return text.replace("![", "! [")


def put_back(bare: str, marks: Sequence[Mark], line: str = "") -> tuple[str, list[Place]]:
    """The text with its marks, and where each [n] stands in it; `line` is what stands before it on its line."""
    text, places, position = "", list[Place](), 0
    for mark in marks:
        text += bare[position : mark.at] + mark.space
        position = mark.at
        for n in mark.numbers:
            places.append(Place(n, mark.at, len(text), len(text) + len(f"[{n}]")))
            text += f"[{n}]"
        text += _parting(line + text, bare[position : position + 1])
    return text + bare[position:], places


def _parting(text: str, then: str) -> str:
    """A space where Markdown would take the [n] that ends a text, and what follows, for a link to elsewhere."""
    opens_line = re.fullmatch(r"\s*(?:\[[0-9]+\])+", text.rpartition("\n")[2])
    return " " if then in ("(", "[") or (then == ":" and opens_line) else ""


class TokenFilter:
    """Makes streamed text fit to show: its citations carry their final numbers, those beyond `count` are gone.

    What may yet become a citation or code is held back until it is decided.

    Example:
        >>> tokens = TokenFilter(2)
        >>> [tokens.feed(piece) for piece in ("It folds ", "[", "2", "] [9", "].")], tokens.close()
        (['It folds', '', '', '', ' [1].'], '')
    """

    def __init__(self, count: int) -> None:
        self._numbering = Numbering(count)
        self._held = ""
        self._last = ""
        self._begun = False
        self._line = ""

    def feed(self, piece: str) -> str:
        """What may be shown, now that `piece` has arrived."""
        piece, self._last = still(self._last + piece)[len(self._last) :], piece[-1:] or self._last
        text = self._held + piece
        cut = next((match.start() for match in _STREAM.finditer(text) if match["open"] is not None), len(text))
        self._held = text[cut:]
        return self._shown(text[:cut])

    def close(self) -> str:
        """What was still held back when the text ended."""
        text, self._held = self._held, ""
        return self._shown(text).rstrip()

    def _shown(self, text: str) -> str:
        bare = parted(text, self._numbering)
        shown, _ = put_back(bare.text, bare.marks, self._line)
        self._line = (self._line + shown).rpartition("\n")[2]
        shown = shown if self._begun else shown.lstrip()
        self._begun = self._begun or bool(shown)
        return shown
