"""Expressions made of others: both, either, from … to, since, before, around, "the week after", "early"."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import ClassVar, Literal

from rag.memory.when.calendar import DAY, Span, Unit, moved
from rag.memory.when.frame import Expression, Frame, Series, chosen
from rag.memory.when.region import ALL, Part, Region, common

__all__ = [
    "Around",
    "Beyond",
    "Both",
    "Containing",
    "Dated",
    "Edge",
    "Either",
    "Moved",
    "Nth",
    "Through",
    "Turned",
    "extent",
]


def extent(region: Region) -> Span | None:
    """The first moment of a region and the one after its last; None when it is empty."""
    if not region:
        return None
    return min(part.start for part in region), max(part.end for part in region)


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
class Through(Expression):
    """From one time through another, both included; a side that is not dated falls before the other's."""

    first: Expression
    last: Expression

    def _ranked(self) -> int:
        return min(75, self.first.rank + 5)

    def _speaks(self) -> bool:
        return self.first.of_sessions and self.last.of_sessions

    def _candidates(self, frame: Frame, within: Region) -> Iterator[Region]:
        for ending in islice(self.last.candidates(frame, within), 120):
            if (end := extent(ending)) is None:
                continue
            begins = self._begin(frame, within, end[1])
            if begins is not None:
                yield common(within, (Part(begins, max(end[1], begins)),)) if begins < end[1] else ()

    def _begin(self, frame: Frame, within: Region, upto: datetime) -> datetime | None:
        if isinstance(self.first, Series) and within == ALL:
            span = next(self.first.spans(frame, upto), None)
            return span[0] if span else None
        span = extent(chosen(self.first.candidates(frame, within), frame))
        return span[0] if span else None


@dataclass(frozen=True)
class Beyond(Expression):
    """Since, after, before or until a time; `since` and `until` include it."""

    how: Literal["since", "after", "before", "until"]
    anchor: Expression
    _rank: ClassVar[int] = 75

    @property
    def later(self) -> bool:
        """Whether it lies after its anchor."""
        return self.how in ("since", "after")

    def _speaks(self) -> bool:
        return self.anchor.of_sessions

    def _candidates(self, frame: Frame, within: Region) -> Iterator[Region]:
        for region in self.anchor.candidates(frame, ALL):
            if (span := extent(region)) is not None:
                start, end = span
                edge = start if self.how in ("since", "before") else end
                part = Part(start=edge) if self.later else Part(end=edge)
                yield common(within, (part,))


@dataclass(frozen=True)
class Around(Expression):
    """About a time: a day gets two to either side, a clock time an hour; a week or month is rough enough."""

    of: Expression

    def _ranked(self) -> int:
        return self.of.rank

    def _candidates(self, frame: Frame, within: Region) -> Iterator[Region]:
        for region in self.of.candidates(frame, within):
            if (span := extent(region)) is not None:
                length = span[1] - span[0]
                pad = timedelta(0) if length >= 7 * DAY else 2 * DAY if length >= DAY else timedelta(hours=1)
                yield (Part(span[0] - pad, span[1] + pad),)


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
            span = extent(region)
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
