"""Regions in words, for people."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from rag.memory.when.region import Part, Region

__all__ = ["day", "listed", "told"]

# In English whatever the locale, which `%A` and `%B` go by.
_WEEKDAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS: Final = tuple(
    "January February March April May June July August September October November December".split()  # noqa: SIM905
)
_AT_MOST: Final = 4


def day(at: datetime) -> str:
    """A civil day: "Tuesday, 5 May 2026".

    Example:
        >>> day(datetime(2026, 5, 5))
        'Tuesday, 5 May 2026'
    """
    return f"{_WEEKDAYS[at.weekday()]}, {_date(at)}"


def listed(names: Iterable[str]) -> str:
    """A few names, and how many more there are.

    Example:
        >>> listed("abcdef")
        'a, b, c, d and 2 more'
    """
    all_names = list(names)
    more = len(all_names) - _AT_MOST
    return ", ".join(all_names[:_AT_MOST]) + (f" and {more} more" if more > 0 else "")


def told(region: Region) -> str:
    """A region in words, never empty; its parts stand in order of time."""
    parts = sorted(region, key=lambda part: (part.start, part.end))
    return listed(dict.fromkeys(_part(part) for part in parts)).replace(", session", "; session") or "no time at all"


def _part(part: Part) -> str:
    if part.sessions is not None:
        return _sessions(part)
    within_a_day = part.hours is not None and part.end - part.start <= timedelta(days=1)
    words = [day(part.start) if within_a_day else _span(part)]
    if part.weekdays is not None:
        words.append(" and ".join(_WEEKDAYS[n] + "s" for n in sorted(part.weekdays)))
    words += [f"{_clock(low)}–{_clock(high)}" for low, high in part.hours or ()]
    return ", ".join(words)


def _sessions(part: Part) -> str:
    numbers = ", ".join(str(n) for n in sorted(part.sessions or ()))
    names = "session" if len(part.sessions or ()) == 1 else "sessions"
    if datetime.min in (part.start, part.end) or part.end == datetime.max:
        return f"{names} {numbers}"
    return f"{names} {numbers} ({day(part.start)}, {part.start:%H:%M}–{part.end:%H:%M})"


def _span(part: Part) -> str:
    start, end = part.start, part.end
    if end == datetime.max:
        return "any time" if start == datetime.min else f"from {_moment(start)} on"
    if start == datetime.min:
        return f"before {_moment(end)}"
    if start.time() == end.time() == datetime.min.time():
        last = end - timedelta(days=1)
        return day(start) if last <= start else f"{_date(start)} to {_date(last)}"
    if start.date() == end.date():
        return f"{day(start)}, {start:%H:%M}–{end:%H:%M}"
    return f"{_moment(start)} to {_moment(end)}"


def _date(at: datetime) -> str:
    return f"{at.day} {_MONTHS[at.month - 1]} {at.year}"


def _moment(at: datetime) -> str:
    return day(at) if at.time() == datetime.min.time() else f"{day(at)}, {at:%H:%M}"


def _clock(minutes: int) -> str:
    return f"{minutes // 60 % 24:02}:{minutes % 60:02}"
