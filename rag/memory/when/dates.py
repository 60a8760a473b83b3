"""Expressions of the calendar: dates, weekdays, months, seasons, "three weeks ago", "the past two days"."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar

from rag.memory.when.calendar import Span, Unit, moved
from rag.memory.when.frame import Expression, Frame, Series
from rag.memory.when.region import Part, Region, common

__all__ = [
    "Ago",
    "Ahead",
    "Date",
    "Days",
    "Fixed",
    "Month",
    "MonthDay",
    "Named",
    "Ordered",
    "Past",
    "Period",
    "Recurring",
    "Season",
    "Weekday",
    "Year",
]

_RANKS = {"minute": 10, "hour": 20, "day": 50, "weekend": 50, "week": 60, "month": 70, "quarter": 80, "season": 80}


class _Once(Expression):
    """A span that comes only once, seen from now."""

    def _candidates(self, frame: Frame, within: Region) -> Iterator[Region]:
        for start, end in self._once(frame):
            yield common(within, (Part(start, end),))

    @abstractmethod
    def _once(self, frame: Frame) -> Iterator[Span]: ...


@dataclass(frozen=True)
class Date(Series):
    """A day of a month, of a year if one is said."""

    month: int
    day: int
    year: int | None = None
    _rank: ClassVar[int] = 50

    def _latest(self, frame: Frame) -> datetime:
        return frame.now + timedelta(microseconds=1)

    def _spans(self, frame: Frame, upto: datetime) -> Iterator[Span]:
        years = range(upto.year, 0, -1) if self.year is None else (self.year,)
        for year in years:
            try:
                start = datetime(year, self.month, self.day)
            except ValueError:  # 29 February
                continue
            if start < upto or self.year is not None:
                yield start, moved(start, 1, "day")
            if year < upto.year - 12:
                return


@dataclass(frozen=True)
class Ordered(Series):
    """A date in numbers that may be read in two ways: as the calendar has it."""

    month_first: Date
    day_first: Date
    _rank: ClassVar[int] = 50

    def _latest(self, frame: Frame) -> datetime:
        return self.month_first.latest(frame)

    def _spans(self, frame: Frame, upto: datetime) -> Iterator[Span]:
        return (self.day_first if frame.calendar.day_first else self.month_first).spans(frame, upto)


@dataclass(frozen=True)
class MonthDay(Series):
    """A day of the month whose month is not said: "the 8th"."""

    day: int
    _rank: ClassVar[int] = 50

    def _spans(self, frame: Frame, upto: datetime) -> Iterator[Span]:
        first = upto.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        for n in range(0, -1200, -1):
            start = moved(first, n, "month")
            if moved(start, self.day - 1, "day").month == start.month and moved(start, self.day - 1, "day") < upto:
                yield moved(start, self.day - 1, "day"), moved(start, self.day, "day")


@dataclass(frozen=True)
class Weekday(Series):
    """A day of the week, 0 for Monday; never today, of which nobody speaks so."""

    day: int
    _rank: ClassVar[int] = 50

    def _latest(self, frame: Frame) -> datetime:
        return frame.today

    def _spans(self, frame: Frame, upto: datetime) -> Iterator[Span]:
        last = frame.calendar.unit(upto - timedelta(microseconds=1), "day")[0]
        start = moved(last, -((last.weekday() - self.day) % 7), "day")
        yield from ((moved(start, -n, "week"), moved(start, 1 - 7 * n, "day")) for n in _forever(start, 7))


@dataclass(frozen=True)
class Days(Expression):
    """Every day of the week that is named: "weekends", "on Tuesdays"."""

    days: frozenset[int]
    _rank: ClassVar[int] = 50

    def _candidates(self, frame: Frame, within: Region) -> Iterator[Region]:
        yield common(within, (Part(weekdays=self.days),))


@dataclass(frozen=True)
class Recurring(Series):
    """A unit of the calendar as something that comes again: "the weekend"."""

    unit: Unit
    _rank: ClassVar[int] = 60

    def _spans(self, frame: Frame, upto: datetime) -> Iterator[Span]:
        start, _ = frame.calendar.unit(upto - timedelta(microseconds=1), self.unit)
        for n in _forever(start, 366):
            yield frame.calendar.unit(moved(start, -n, self.unit), self.unit)


@dataclass(frozen=True)
class Month(Series):
    """A month, of a year if one is said."""

    month: int
    year: int | None = None
    _rank: ClassVar[int] = 70

    def _spans(self, frame: Frame, upto: datetime) -> Iterator[Span]:
        for start in _firsts(self.month, self.year, upto):
            yield start, moved(start, 1, "month")


@dataclass(frozen=True)
class Season(Series):
    """Three months that begin with one, or with its counterpart in the south."""

    month: int
    year: int | None = None
    _rank: ClassVar[int] = 80

    def _spans(self, frame: Frame, upto: datetime) -> Iterator[Span]:
        month = (self.month + 5) % 12 + 1 if frame.calendar.southern else self.month
        for start in _firsts(month, self.year, upto):
            yield start, moved(start, 1, "season")


@dataclass(frozen=True)
class Period(Series):
    """A quarter by its number, or a half of the year; `fiscal` years are named after their end."""

    n: int
    months: int = 3
    year: int | None = None
    fiscal: int = 0
    _rank: ClassVar[int] = 80

    def _spans(self, frame: Frame, upto: datetime) -> Iterator[Span]:
        first = frame.calendar.fiscal_start if self.fiscal else 1
        year = self.year - 1 if self.year is not None and first > 1 else self.year
        into = (self.n - 1) * self.months + first - 1
        for start in _firsts(into % 12 + 1, year if year is None else year + into // 12, upto):
            yield start, moved(start, self.months, "month")


@dataclass(frozen=True)
class Year(_Once):
    """A year by its number."""

    year: int
    fiscal: int = 0
    _rank: ClassVar[int] = 90

    def _once(self, frame: Frame) -> Iterator[Span]:
        month = frame.calendar.fiscal_start if self.fiscal else 1
        start = datetime(self.year - (month > 1), month, 1)
        yield start, moved(start, 1, "year")


@dataclass(frozen=True)
class Fixed(_Once):
    """A civil time that is said in full; without a clock time, its day."""

    at: datetime
    _rank: ClassVar[int] = 50

    def _once(self, frame: Frame) -> Iterator[Span]:
        yield frame.calendar.unit(self.at, "day")


@dataclass(frozen=True)
class Named(_Once):
    """A span of the calendar's own, by its name."""

    name: str
    _rank: ClassVar[int] = 75

    def _once(self, frame: Frame) -> Iterator[Span]:
        first, last = frame.calendar.names[self.name]
        start, end = (datetime(day.year, day.month, day.day) for day in (first, last))
        yield start, moved(end, 1, "day")


@dataclass(frozen=True)
class Ago(_Once):
    """The day, week, month, … `n` before this one; `most` where the words leave a choice ("a few days ago")."""

    n: int
    unit: Unit
    most: int | None = None
    fiscal: int = 0

    def _ranked(self) -> int:
        return _RANKS.get(self.unit, 90)

    def _once(self, frame: Frame) -> Iterator[Span]:
        start, end = (self._one(frame, n) for n in (self.most or self.n, self.n))
        yield start[0], end[1]
        if self.unit == "day" and 1 < self.n == self.most:
            # Who counts full days from this hour means the day before.
            yield self._one(frame, self.n + 1)
        if self.unit == "day" and self.n == 0 and frame.now.hour < frame.calendar.day_boundary:
            # Whoever is still up at one in the morning calls the evening before "today" too.
            yield tuple(moved(at, frame.calendar.day_boundary - 24, "hour") for at in (start[0], end[1]))  # type: ignore[misc]

    def _one(self, frame: Frame, n: int) -> Span:
        at = moved(frame.now, -n, self.unit)
        if self.unit in ("minute", "hour"):
            rough = max(frame.now - at, moved(frame.now, 2, self.unit) - frame.now) / 4
            return at - rough, at + rough
        if self.unit == "weekend" and n > 0:  # one that is over
            at = moved(moved(frame.now, -2, "day"), 1 - n, "week")
        return frame.calendar.unit(at, self.unit, fiscal=bool(self.fiscal))


@dataclass(frozen=True)
class Past(_Once):
    """The last `n` days, weeks, …, up to now and with today."""

    n: int
    unit: Unit
    _rank: ClassVar[int] = 65

    def _once(self, frame: Frame) -> Iterator[Span]:
        tomorrow = moved(frame.today, 1, "day")
        if self.unit in ("minute", "hour"):
            yield moved(frame.now, -self.n, self.unit), tomorrow
        else:
            yield moved(frame.today, -self.n, self.unit), tomorrow


def _firsts(month: int, year: int | None, upto: datetime) -> Iterator[datetime]:
    if year is not None:
        yield datetime(year, month, 1)
        return
    start = datetime(upto.year, month, 1)
    if start >= upto:
        start = moved(start, -1, "year")
    yield from (moved(start, -n, "year") for n in _forever(start, 366))


def _forever(start: datetime, days: int) -> Iterator[int]:
    """0, 1, 2, … while the era lasts."""
    return iter(range((start - datetime.min).days // days))


@dataclass(frozen=True)
class Ahead(Expression):
    """What is yet to come: nothing of it was said."""

    def _candidates(self, frame: Frame, within: Region) -> Iterator[Region]:
        yield from ()
