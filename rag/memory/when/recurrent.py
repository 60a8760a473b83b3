"""Expressions of feasts, of weeks by their number, of the last few of something, and of the time just past."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import islice
from typing import ClassVar

from rag.memory.when.calendar import Span, moved
from rag.memory.when.dates import Past, Weekday
from rag.memory.when.frame import Expression, Frame, Series
from rag.memory.when.region import Part, Region, common
from rag.memory.when.registry import meaning

__all__ = ["Easter", "Feast", "IsoWeek", "LastFew", "Lately", "Now"]

_MOMENT = timedelta(microseconds=1)


class _Yearly(Series):
    """What comes once in a year."""

    year: int | None

    @abstractmethod
    def _in(self, year: int) -> Span | None: ...

    def _spans(self, frame: Frame, upto: datetime) -> Iterator[Span]:
        for year in (self.year,) if self.year is not None else range(upto.year, max(upto.year - 100, 1), -1):
            span = self._in(year)
            if span is not None and (span[0] < upto or self.year is not None):
                yield span


@dataclass(frozen=True)
class Feast(_Yearly):
    """Some days of every year, from a date on."""

    month: int
    day: int
    days: int
    year: int | None = None
    _rank: ClassVar[int] = 55

    def _in(self, year: int) -> Span:
        start = datetime(year, self.month, self.day)
        return start, moved(start, self.days, "day")


@dataclass(frozen=True)
class Easter(_Yearly):
    """The days from one to another, counted from Easter Sunday."""

    first: int
    last: int
    year: int | None = None
    _rank: ClassVar[int] = 55

    def _in(self, year: int) -> Span:
        sunday = _easter(year)
        return moved(sunday, self.first, "day"), moved(sunday, self.last + 1, "day")


@dataclass(frozen=True)
class IsoWeek(_Yearly):
    """A week by its number, as ISO 8601 counts."""

    n: int
    year: int | None = None
    _rank: ClassVar[int] = 60

    def _in(self, year: int) -> Span | None:
        try:
            monday = date.fromisocalendar(year, self.n, 1)
        except ValueError:  # a year without a week 53
            return None
        start = datetime(monday.year, monday.month, monday.day)
        return start, moved(start, 7, "day")


@dataclass(frozen=True)
class LastFew(Expression):
    """The last `n` of a weekday: "the last two Tuesdays"."""

    of: Weekday
    n: int

    def _ranked(self) -> int:
        return self.of.rank

    def _candidates(self, frame: Frame, within: Region) -> Iterator[Region]:
        spans = islice(self.of.spans(frame, self.of.latest(frame)), self.n)
        yield common(within, tuple(Part(start, end) for start, end in spans))


@dataclass(frozen=True)
class Lately(Past):
    """The last days of a word that says no number, which people use of the world far more than of a talk."""


@dataclass(frozen=True)
class Now(Expression):
    """The session that goes on, also where it is not counted; the latest where none does."""

    _rank: ClassVar[int] = 5
    _spoken: ClassVar[bool] = True

    def _candidates(self, frame: Frame, within: Region) -> Iterator[Region]:
        session = frame.under_way or (frame.sessions[-1] if frame.sessions else None)
        if session is not None:
            end = max(session.end, frame.now) + _MOMENT
            yield common(within, (Part(session.start, end, sessions=frozenset({session.number})),))


def _easter(year: int) -> datetime:
    """Easter Sunday of the western churches.

    Source: the anonymous Gregorian algorithm (Nature, 20 April 1876; Meeus, Astronomical Algorithms, chapter 8).
    """
    a, (b, c) = year % 19, divmod(year, 100)
    d, e = divmod(b, 4)
    h = (19 * a + b - d - (b - (b + 8) // 25 + 1) // 3 + 15) % 30
    i, k = divmod(c, 4)
    rest = (32 + 2 * e + 2 * i - h - k) % 7
    m = (a + 11 * h + 22 * rest) // 451
    month, day = divmod(h + rest - 7 * m + 114, 31)
    return datetime(year, month, day + 1)


@meaning
def _feast_days(month: int, day: int, days: int, year: int | None = None) -> Expression:
    return Feast(month, day, days, year)


@meaning
def _holiday(x: list[int], year: int | None = None) -> Expression:
    return Feast(x[0], x[1], x[2], year)


@meaning
def _easter_days(first: int, last: int, year: int | None = None) -> Expression:
    return Easter(first, last, year)


@meaning
def _iso_week(n: int, year: int | None = None) -> Expression | None:
    return IsoWeek(n, year) if 1 <= n <= 53 else None


@meaning
def _last_few(of: Weekday, n: int) -> Expression | None:
    return LastFew(of, n) if n > 0 else None


@meaning
def _lately(days: int) -> Expression:
    return Lately(days, "day")
