"""Parts of the day and times of the clock, and what the rules of them mean."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from rag.memory.when.dates import Date, Days
from rag.memory.when.frame import Expression, Frame
from rag.memory.when.region import Part, Region, common
from rag.memory.when.registry import meaning
from rag.memory.when.relations import Both, Either
from rag.memory.when.spans import Around

__all__ = ["Clock", "clocks", "dayless", "night", "on_its_day"]

_A_DAY = Date(1, 1).rank


@dataclass(frozen=True)
class Clock(Expression):
    """A part of the day, in minutes from midnight; past 1440 it runs into the next day.

    `moment` is the minute that was named, where one was: what is after 8 pm begins there.
    """

    low: int
    high: int
    kind: Literal["part", "time", "night"] = "part"
    moment: int | None = None
    _rank: ClassVar[int] = 30

    def _candidates(self, frame: Frame, within: Region) -> Iterator[Region]:
        high = 24 * 60 + frame.calendar.day_boundary * 60 if self.kind == "night" else self.high
        region = common(within, (Part(hours=((self.low, high),)),))
        yield region
        # Mornings run late: an empty part of a day reaches an hour to either side.
        yield common(within, (Part(hours=((max(self.low - 60, 0), high + 60),)),))


def dayless(expression: Expression) -> bool:
    """Whether it is a time of the day that leaves open on which day: "in the afternoon", "around 3"."""
    if isinstance(expression, Either):
        return dayless(expression.one) and dayless(expression.other)
    return isinstance(expression, Clock) or (isinstance(expression, Around) and dayless(expression.of))


def on_its_day(part: Expression, anchor: Expression) -> Expression:
    """A time of the day on the day of another time: "and in the afternoon?" after "on Tuesday morning"."""
    if isinstance(anchor, Both):
        day = next((each for each in (anchor.one, anchor.other) if not dayless(each)), anchor)
        if dayless(anchor.one) or dayless(anchor.other):
            return Both(day, part)
    return Both(anchor, part)


@meaning
def night(low: int) -> Clock:
    """The night from a minute of the day on, up to the calendar's day boundary."""
    return Clock(low, 24 * 60 + 5 * 60, "night")


def clocks(first: Clock, last: Clock) -> Clock:
    """From one time of the day to another, if need be past midnight."""
    low = first.low if first.moment is None else first.moment
    high = last.high if last.moment is None else last.moment
    return Clock(low, high if low < high else high + 24 * 60, "time")


@meaning
def _within_day(day: Expression, part: Clock) -> Expression | None:
    """A part of one day as the end of a span, where a time of the clock is that minute alone."""
    if day.rank != _A_DAY or isinstance(day, Days) or not isinstance(part, Clock):
        return None
    moment = part.moment
    return Both(day, part if moment is None else Clock(moment, moment + 1, "time", moment))


@meaning
def _oclock(h: int, m: int | None = None, half: int = 0) -> Expression | None:
    if h > 24 or (m or 0) > 59 or (half and h > 12):
        return None
    low = (h % 12 + half if half else h) * 60 + (m or 0)
    start, end = (low, low + 60) if m is None else (max(low - 15, 0), low + 16)
    return Clock(start, end, "time", low)


@meaning
def _moment(at: int) -> Expression:
    return Clock(at, at + 1, "time", at)


@meaning
def _at_hour(h: int, past: int = 0, about: int = 0) -> Expression | None:
    """An hour, or so many minutes past it, where nobody says which half of the day: either may be meant."""
    if not 0 < h < 24:
        return None
    about = about or 15 * bool(past)
    low, high = h * 60 + past - about, h * 60 + past + about + (1 if past else 60)
    if h > 12:
        return Clock(low, high, "time", low)
    return Either(Clock(low % 720, low % 720 + high - low), Clock(low % 720 + 720, low % 720 + 720 + high - low))


@meaning
def _clock_span(a: Any, b: Any, half: int | None = None) -> Expression | None:
    if isinstance(a, Clock) and isinstance(b, Clock):
        return clocks(a, b)
    if half is None or not (0 < a <= 12 and 0 < b <= 12):
        return None
    low, high = (n % 12 + half for n in (a, b))
    return Clock(low * 60, high * 60, "time") if low < high else None


@meaning
def _clock(span: list[int]) -> Expression:
    return Clock(span[0], span[1])


@meaning
def _early_clock(span: list[int]) -> Expression:
    return Clock(span[0], (span[0] + span[1]) // 2)


@meaning
def _late_clock(span: list[int]) -> Expression:
    return Clock((span[0] + span[1]) // 2, span[1])
