"""Regions of civil time and of sessions: unions of parts, and what two of them share."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, TypeAlias

__all__ = ["ALL", "Part", "Region", "common", "days_of", "extent", "without"]

_DAY_MINUTES: Final = 24 * 60
_ONE_DAY: Final = timedelta(days=1)
_SECOND_DAY: Final = datetime.min + _ONE_DAY


@dataclass(frozen=True, slots=True)
class Part:
    """Civil times between `start` and `end` (exclusive) that also pass the filters that are set.

    `sessions` are session numbers, `weekdays` 0 for Monday to 6, `hours` spans of minutes of the day: what
    runs past midnight (1260 to 1740, the night) belongs to the day it began on.
    """

    start: datetime = datetime.min
    end: datetime = datetime.max
    sessions: frozenset[int] | None = None
    weekdays: frozenset[int] | None = None
    hours: tuple[tuple[int, int], ...] | None = None

    def holds(self, civil: datetime, session: int) -> bool:
        """Whether a turn said at a civil time, in a session, is meant."""
        if self.sessions is not None and session not in self.sessions:
            return False
        if self.hours is None:
            return self._on(civil)
        minute = civil.hour * 60 + civil.minute
        return any(
            (low <= minute < high and self._on(civil))
            or (minute + _DAY_MINUTES < high and civil > _SECOND_DAY and self._on(_begun(civil, low)))
            for low, high in self.hours
        )

    def _on(self, civil: datetime) -> bool:
        return self.start <= civil < self.end and (self.weekdays is None or civil.weekday() in self.weekdays)

    @property
    def close(self) -> datetime:
        """The first civil time after which it holds nothing: the end, and what of a night runs past it."""
        past = max((high for _, high in self.hours or ()), default=0) - _DAY_MINUTES
        return self.end if past <= 0 or self.end == datetime.max else self.end + timedelta(minutes=past)

    @property
    def hull(self) -> tuple[datetime, datetime]:
        """The first time that it holds and the one after its last, to the minute where it is a part of one day."""
        if self.hours is None or self.end - self.start > _ONE_DAY:
            return self.start, self.end
        day = self.start.replace(hour=0, minute=0, second=0, microsecond=0)
        low, high = min(low for low, _ in self.hours), max(high for _, high in self.hours)
        start = max(self.start, day + timedelta(minutes=low))
        return start, max(start, min(self.close, day + timedelta(minutes=high)))

    def __and__(self, other: Part) -> Part | None:
        """What both hold; None where that is nothing."""
        both = Part(
            max(self.start, other.start),
            min(self.end, other.end),
            _shared(self.sessions, other.sessions),
            _shared(self.weekdays, other.weekdays),
            _overlaps(self.hours, other.hours),
        )
        empty = (
            both.start >= both.end or both.sessions == frozenset() or both.weekdays == frozenset() or both.hours == ()
        )
        return None if empty else both


def _begun(civil: datetime, low: int) -> datetime:
    """When the night began, at a minute of the day before, that a time after midnight lies in."""
    return civil.replace(hour=0, minute=0, second=0, microsecond=0) - _ONE_DAY + timedelta(minutes=low)


Region: TypeAlias = tuple[Part, ...]
ALL: Final[Region] = (Part(),)


def extent(region: Region) -> tuple[datetime, datetime] | None:
    """The first moment of a region and the one after its last; None when it is empty."""
    if not region:
        return None
    starts, ends = zip(*(part.hull for part in region), strict=True)
    return min(starts), max(ends)


def days_of(region: Region) -> tuple[datetime, datetime]:
    """The first moment of a region, and the one after the last of its days."""
    return min(part.start for part in region), max(part.end for part in region)


def common(one: Region, other: Region) -> Region:
    """What lies in both of two regions."""
    return tuple(both for a in one for b in other if (both := a & b) is not None)


def without(region: Region, taken: Region, sessions: frozenset[int]) -> Region:
    """What is left of a region when another is taken out of it; `sessions` are all that there are."""
    for part in taken:
        region = common(region, _outside(part, sessions))
    return region


def _outside(part: Part, sessions: frozenset[int]) -> Region:
    outside = [Part(end=part.start), Part(start=part.end)]
    if part.sessions is not None:
        outside.append(Part(sessions=sessions - part.sessions))
    if part.weekdays is not None:
        outside.append(Part(weekdays=frozenset(range(7)) - part.weekdays))
    for low, high in part.hours or ():
        past = max(high - _DAY_MINUTES, 0)
        outside.append(Part(hours=((past, low), *(((high, _DAY_MINUTES),) if high < _DAY_MINUTES else ()))))
    return tuple(outside)


def _shared(one: frozenset[int] | None, other: frozenset[int] | None) -> frozenset[int] | None:
    return other if one is None else one if other is None else one & other


def _overlaps(
    one: tuple[tuple[int, int], ...] | None, other: tuple[tuple[int, int], ...] | None
) -> tuple[tuple[int, int], ...] | None:
    if one is None or other is None:
        return other if one is None else one
    pairs = ((max(a, c), min(b, d)) for a, b in one for c, d in other)
    return tuple((low, high) for low, high in pairs if low < high)
