"""Parts of the day and times of the clock, and what the rules of them mean."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from rag.memory.when.frame import Expression, Frame
from rag.memory.when.region import Part, Region, common
from rag.memory.when.registry import meaning
from rag.memory.when.relations import Either

__all__ = ["Clock", "night"]


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


@meaning
def night(low: int) -> Clock:
    """The night from a minute of the day on, up to the calendar's day boundary."""
    return Clock(low, 24 * 60 + 5 * 60, "night")


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
def _at_hour(h: int) -> Expression | None:
    # Nobody says which half of the day, so either may be meant.
    return Either(Clock(h * 60, h * 60 + 60), Clock(h * 60 + 720, h * 60 + 780)) if 0 < h < 12 else None


@meaning
def _clock_span(a: Any, b: Any, half: int | None = None) -> Expression | None:
    if isinstance(a, Clock) and isinstance(b, Clock):
        return Clock(a.low, b.low, "time") if a.low < b.low else None
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
