"""Expressions made of others: both, either, "the week after", "early", "the third day of"."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import ClassVar, Literal

from rag.memory.when.calendar import DAY, Span, Unit, moved
from rag.memory.when.frame import Expression, Frame, Series, chosen
from rag.memory.when.region import ALL, Part, Region, common, days_of, extent, without

__all__ = [
    "Both",
    "Containing",
    "Dated",
    "Edge",
    "Either",
    "Except",
    "Moved",
    "Nth",
    "Turned",
]


@dataclass(frozen=True)
class Both(Expression):
    """What two expressions share: the coarser is settled first, the finer within it."""

    one: Expression
    other: Expression

    def _ranked(self) -> int:
        return min(self.one.rank, self.other.rank)

    def _speaks(self) -> bool:
        return self.one.of_sessions or self.other.of_sessions

    def _candidates(self, frame: Frame, within: Region) -> Iterator[Region]:
        fine, coarse = sorted((self.one, self.other), key=lambda each: each.rank)
        for region in coarse.candidates(frame, within):
            if region:
                yield from fine.candidates(frame, region)


@dataclass(frozen=True)
class Except(Expression):
    """All but a time: "last week except on Tuesday"."""

    of: Expression

    def _ranked(self) -> int:
        return self.of.rank - 1

    def _speaks(self) -> bool:
        return self.of.of_sessions

    def _candidates(self, frame: Frame, within: Region) -> Iterator[Region]:
        taken = chosen(self.of.candidates(frame, within), frame)
        yield without(within, taken, frozenset(session.number for session in frame.begun))


@dataclass(frozen=True)
class Dated(Expression):
    """A date with its weekday: the weekday picks the year, and gives way where the two are at odds."""

    weekday: Expression
    date: Expression
    _rank: ClassVar[int] = 50

    def _candidates(self, frame: Frame, within: Region) -> Iterator[Region]:
        dates = list(islice(self.date.candidates(frame, within), 40))
        wanted = getattr(self.weekday, "day", None)
        yield from (region for region in dates if region and region[0].start.weekday() == wanted)
        yield from dates


@dataclass(frozen=True)
class Either(Expression):
    """One or the other: the union of what each means."""

    one: Expression
    other: Expression

    def _ranked(self) -> int:
        return max(self.one.rank, self.other.rank)

    def _speaks(self) -> bool:
        return self.one.of_sessions or self.other.of_sessions

    def _candidates(self, frame: Frame, within: Region) -> Iterator[Region]:
        yield chosen(self.one.candidates(frame, within), frame) + chosen(self.other.candidates(frame, within), frame)


@dataclass(frozen=True)
class Turned(Expression):
    """The last, this, or the k-th last of something that comes again ("last March", "two Fridays ago")."""

    of: Series
    how: Literal["last", "this", "back"]
    n: int = 1

    def _ranked(self) -> int:
        return self.of.rank

    def _candidates(self, frame: Frame, within: Region) -> Iterator[Region]:
        spans: Iterator[Span]
        if self.how == "back":
            spans = islice(self.of.spans(frame, self.of.latest(frame)), self.n - 1, self.n)
        elif self.how == "this":
            spans = islice(self.of.spans(frame, moved(frame.today, 1, "day")), 1)
        else:
            spans = (span for span in self.of.back(frame, self.of.latest(frame), frame.floor) if span[1] <= frame.now)
        yield from (common(within, (Part(start, end),)) for start, end in spans)


@dataclass(frozen=True)
class Containing(Expression):
    """The week, month, … that a time lies in: "the week of May 8th"."""

    unit: Unit
    of: Expression
    _rank: ClassVar[int] = 60

    def _candidates(self, frame: Frame, within: Region) -> Iterator[Region]:
        for region in self.of.candidates(frame, ALL):
            if (span := extent(region)) is not None:
                yield common(within, (Part(*frame.calendar.unit(span[0], self.unit)),))


@dataclass(frozen=True)
class Edge(Expression):
    """The beginning, middle or end of a time: its first, second, last third in whole days; or a half."""

    which: Literal["start", "middle", "end", "half"]
    of: Expression
    n: int = 1

    def _ranked(self) -> int:
        return self.of.rank - 5

    def _candidates(self, frame: Frame, within: Region) -> Iterator[Region]:
        for region in self.of.candidates(frame, within):
            if (span := extent(region)) is not None:
                yield (Part(*self._cut(*span)),)

    def _cut(self, start: datetime, end: datetime) -> Span:
        low, high = {"start": (0, 1), "middle": (1, 2), "end": (2, 3)}.get(self.which, (self.n - 1, self.n))
        pieces = 2 if self.which == "half" else 3
        length = end - start
        grain = DAY if length > 3 * DAY else timedelta(hours=1)
        return start + length * low / pieces // grain * grain, start - -(length * high / pieces) // grain * grain


@dataclass(frozen=True)
class Nth(Expression):
    """The n-th day, week, weekday or month of a time; negative from its end ("the last week of June")."""

    n: int
    unit: Unit | Series
    of: Expression

    def _ranked(self) -> int:
        return self.of.rank - 10

    def _candidates(self, frame: Frame, within: Region) -> Iterator[Region]:
        for region in self.of.candidates(frame, within):
            span = extent(region)
            if span is not None and (found := self._found(frame, *span)) is not None:
                yield (Part(*found),)

    def _found(self, frame: Frame, start: datetime, end: datetime) -> Span | None:
        if isinstance(self.unit, str):
            if self.unit == "weekend":
                spans = [span for n in range(60) if (span := self._weekend(frame, start, n))[0] < end]
            elif self.n > 0:
                found = moved(start, self.n - 1, self.unit), moved(start, self.n, self.unit)
                return found if found[0] < end else None
            else:
                found = moved(end, self.n, self.unit), moved(end, self.n + 1, self.unit)
                return found if found[1] > start else None
        else:
            spans = list(self.unit.back(frame, end, start))[::-1]
            spans = [span for span in spans if span[0] >= start]
        index = self.n - 1 if self.n > 0 else self.n
        return spans[index] if -len(spans) <= index < len(spans) else None

    def _weekend(self, frame: Frame, start: datetime, n: int) -> Span:
        first = frame.calendar.unit(moved(start, 6, "day"), "weekend")
        return moved(first[0], n, "week"), moved(first[1], n, "week")


@dataclass(frozen=True)
class Moved(Expression):
    """So many days, weeks, weekdays … before (negative) or after a time."""

    n: int
    unit: Unit | Series
    anchor: Expression
    _rank: ClassVar[int] = 50

    def _speaks(self) -> bool:
        return self.anchor.of_sessions

    def _candidates(self, frame: Frame, within: Region) -> Iterator[Region]:
        for region in self.anchor.candidates(frame, ALL):
            span = extent(region) if self.unit in ("minute", "hour") else days_of(region) if region else None
            if span is not None and (found := self._found(frame, *span)) is not None:
                yield common(within, (Part(*found),))

    def _found(self, frame: Frame, start: datetime, end: datetime) -> Span | None:
        if not isinstance(self.unit, str):
            if self.n < 0:
                return next(islice(self.unit.spans(frame, start), -self.n - 1, None), None)
            later = list(islice(self.unit.spans(frame, moved(end, 2 * self.n, "year")), 800))
            return next((span for span in reversed(later) if span[0] >= end), None)
        if self.unit in ("minute", "hour"):
            at = moved(start, self.n, self.unit)
            return min(at, start), max(at, start)
        at = moved(start if self.n < 0 else end - timedelta(microseconds=1), self.n, self.unit)
        return frame.calendar.unit(at, self.unit)
