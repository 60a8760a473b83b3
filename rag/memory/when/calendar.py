"""The civil calendar that time words are read by: its zone, its weeks, its nights, its names."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Final, Literal, TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field, field_validator

__all__ = ["DAY", "Calendar", "Span", "Unit", "moved"]

DAY: Final = timedelta(days=1)
Unit: TypeAlias = Literal["minute", "hour", "day", "weekend", "week", "month", "quarter", "season", "year"]
Span: TypeAlias = tuple[datetime, datetime]
_MONTHS: Final = {"month": 1, "quarter": 3, "season": 3, "year": 12}


class Calendar(BaseModel):
    """How civil time is counted where the question is asked.

    `week_start` is 0 for Monday to 6 for Sunday. `day_boundary` is the hour until which the night still
    belongs to the day before: at 5, what was said at 01:00 is "last night". `fiscal_start` is the month in
    which the fiscal year begins; it is called after the year in which it ends. `day_first` reads 5/8 as
    5 August. `southern` has summer from December. `names` are spans of the asker's own, first and last day.

    Example:
        >>> Calendar(zone="Europe/Berlin", names={"sprint 14": (date(2026, 5, 4), date(2026, 5, 15))}).week_start
        0
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    zone: str = "UTC"
    week_start: int = Field(default=0, ge=0, le=6)
    day_boundary: int = Field(default=5, ge=0, le=12)
    fiscal_start: int = Field(default=1, ge=1, le=12)
    day_first: bool = False
    southern: bool = False
    names: Mapping[str, tuple[date, date]] = Field(default_factory=dict)

    @field_validator("zone")
    @classmethod
    def _known(cls, zone: str) -> str:
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise ValueError(f"{zone!r} is no time zone that is known here: write one such as Europe/Berlin") from error
        return zone

    @cached_property
    def tz(self) -> ZoneInfo:
        """The zone."""
        return ZoneInfo(self.zone)

    def civil(self, at: datetime) -> datetime:
        """What the clock on the wall showed at an aware time; without a zone."""
        return at.astimezone(self.tz).replace(tzinfo=None)

    def unit(self, at: datetime, unit: Unit, *, fiscal: bool = False) -> Span:
        """The minute, day, week, … that a civil time lies in: its first moment and the one after its last."""
        if unit in ("minute", "hour"):
            start = at.replace(second=0, microsecond=0, minute=at.minute if unit == "minute" else 0)
            return start, start + timedelta(**{unit + "s": 1})
        day = at.replace(hour=0, minute=0, second=0, microsecond=0)
        if unit == "day":
            return day, moved(day, 1, "day")
        if unit == "week":
            start = moved(day, -((day.weekday() - self.week_start) % 7), "day")
            return start, moved(start, 7, "day")
        if unit == "weekend":
            start = moved(day, -((day.weekday() - 5) % 7), "day")
            return start, moved(start, 2, "day")
        months = _MONTHS[unit]
        first = 12 if unit == "season" else self.fiscal_start if fiscal else 1
        start = moved(day.replace(day=1), -((day.month - first) % months), "month")
        return start, moved(start, months, "month")


def moved(at: datetime, n: int, unit: Unit) -> datetime:
    """A civil time `n` units on; the 31st of a shorter month is its last day, and the ends of the era hold.

    Example:
        >>> moved(datetime(2026, 3, 31), -1, "month")
        datetime.datetime(2026, 2, 28, 0, 0)
    """
    try:
        if unit in _MONTHS:
            return _months_on(at, n * _MONTHS[unit])
        if unit in ("week", "weekend"):
            return at + timedelta(weeks=n)
        return at + timedelta(**{unit + "s": n})
    except OverflowError:
        return datetime.min if n < 0 else datetime.max


def _months_on(at: datetime, n: int) -> datetime:
    year, month = divmod(at.year * 12 + at.month - 1 + n, 12)
    if not 1 < year < 9998:
        raise OverflowError(year)
    return at.replace(year=year, month=month + 1, day=min(at.day, monthrange(year, month + 1)[1]))
