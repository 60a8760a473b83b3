"""What the rules of dates, days and spans of the calendar mean."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final, TypeAlias

from rag.memory.when.calendar import Unit
from rag.memory.when.dates import (
    Ago,
    Ahead,
    Date,
    Days,
    Fixed,
    Month,
    MonthDay,
    Named,
    Ordered,
    Past,
    Period,
    Recurring,
    Season,
    Weekday,
    Year,
)
from rag.memory.when.frame import Expression, Series
from rag.memory.when.hours import Clock, night
from rag.memory.when.order import Earlier
from rag.memory.when.registry import MEANINGS, meaning
from rag.memory.when.relations import Both, Moved, Nth, Turned

__all__ = ["Amount", "Units", "date_of", "units"]

_YEARS: Final = range(1900, 2200)
# Amounts are (fewest, most), units (name, how many of it): a fortnight is two weeks.
Amount: TypeAlias = tuple[int, int]
Units: TypeAlias = tuple[Unit, int]
_MANY: Final[Mapping[str, Units]] = MappingProxyType({"fortnight": ("week", 2), "decade": ("year", 10)})


@meaning
def _same(x: Any) -> Any:
    return x


@meaning
def _sum(a: int, b: int) -> int:
    return a + b


@meaning
def _hundreds(a: int = 1, b: int = 0) -> int:
    return a * 100 + b


@meaning
def _day(n: int) -> int | None:
    return n if 1 <= n <= 31 else None


@meaning
def _year(n: int) -> int | None:
    return n if n in _YEARS else None


@meaning
def _short_year(n: int) -> int:
    return n + (2000 if n < 70 else 1900)


def date_of(month: int, day: int, year: int | None = None) -> Date | None:
    """A date, or None where there is no such day."""
    try:
        datetime(2024 if year is None else year, month, day)
    except ValueError:
        return None
    return Date(month, day, year)


@meaning
def _date(month: int, day: int, year: int | None = None) -> Date:
    """A date that was said; of a month that is shorter, its last day: "31 April"."""
    last = monthrange(year or (2024 if day < 30 else 2023), month)[1]
    return Date(month, min(day, last), year)


@meaning
def _spoken_year(a: int = 20, b: int = 0) -> int | None:
    return a * 100 + b if a * 100 + b in _YEARS and b != 1 else None


@meaning
def _numeric(a: int, b: int, y: int | None = None, first: str = "") -> Expression | None:
    # The order of day and month is the calendar's when the numbers leave it open.
    year = None if y is None else y if y > 99 else _short_year(y)
    if year is not None and year not in _YEARS:
        return None
    month_first, day_first = date_of(a, b, year), date_of(b, a, year)
    if first == "day":
        return day_first
    if month_first is None or day_first is None or month_first == day_first:
        return month_first or day_first
    return Ordered(month_first, day_first)


@meaning
def _iso(y: int, m: int, d: int) -> Expression | None:
    return Fixed(datetime(y, m, d)) if y in _YEARS and date_of(m, d, y) else None


@meaning
def _feast(month: int, day: int, n: int, year: int | None = None, after: int = 0) -> Expression:
    feast = Nth(n, Weekday(day), Month(month, year))
    return Moved(after, "day", feast) if after else feast


def units(x: str) -> Units:
    """The calendar's unit for a word, and how many of it the word means."""
    return _MANY.get(x, (x, 1))  # type: ignore[arg-type]


@meaning
def _exactly(n: int = 1) -> Amount:
    return n, n


@meaning
def _vague(x: list[int]) -> Amount:
    return x[0], x[1]


@meaning
def _either_number(a: int, b: int) -> Amount | None:
    return (a, b) if a <= b else None


@meaning
def _ago(amount: Amount, unit: Units) -> Expression:
    (low, high), (name, many) = amount, unit
    return Ago(low * many, name, most=high * many)


@meaning
def _ago_today(amount: Amount, unit: Units) -> Expression:
    # "A week ago" is some day of that week; "a week ago today" is its day.
    (low, high), (name, many) = amount, unit
    return Ago(low * many * 7, "day", most=high * many * 7) if name == "week" else _ago(amount, unit)


@meaning
def _unit_ago(unit: str, n: int, fiscal: int = 0) -> Expression:
    name, many = units(unit)
    if n < 0:
        return Ahead()
    return Ago(n * many, name, fiscal=fiscal) if many == 1 else Past(n * many, name)


@meaning
def _rolling(unit: Any, amount: Amount = (1, 1)) -> Expression:
    name, many = units(unit) if isinstance(unit, str) else unit
    return Past(amount[1] * many, name)


@meaning
def _future(amount: Amount = (1, 1), unit: Units = ("day", 1), of: Series | None = None) -> Expression:
    return Ahead()


@meaning
def _back(unit: Unit, n: int, most: int | None = None) -> Expression:
    return Ago(n, unit, most) if n >= 0 else Ahead()


@meaning
def _part_of(part: Clock, n: int = 0) -> Expression:
    # This evening goes on after midnight, while somebody is still up.
    return Both(Ago(n, "day"), night(part.low) if n == 0 and part.high == 24 * 60 else part)


@meaning
def _night_ago(n: int) -> Expression:
    return Both(Ago(n, "day"), night(18 * 60))


@meaning
def _tonight() -> Expression:
    return Both(Ago(0, "day"), night(17 * 60))


@meaning
def _earlier_part(part: Clock) -> Expression:
    return Earlier(_part_of(part), wider=Ago(0, "day"))


@meaning
def _earlier_day() -> Expression:
    return Earlier(Ago(0, "day"))


@meaning
def _earlier_unit(unit: str, n: int) -> Expression:
    return Earlier(_unit_ago(unit, n))


@meaning
def _days(day: int) -> Expression:
    return Days(frozenset({day}))


@meaning
def _weekdays() -> Expression:
    return Days(frozenset(range(5)))


@meaning
def _weekends() -> Expression:
    return Days(frozenset({5, 6}))


@meaning
def _quarter(n: int, year: int | None = None, fiscal: int = 0) -> Expression | None:
    return Period(n, 3, year, fiscal) if 1 <= n <= 4 else None


@meaning
def _fiscal_year(n: int) -> Expression | None:
    year = n if n > 99 else _short_year(n)
    return Year(year, fiscal=1) if year in _YEARS else None


MEANINGS.update(
    unit=units,
    weekday=Weekday,
    month=Month,
    monthday=MonthDay,
    season=Season,
    year_number=Year,
    recurring=Recurring,
    turned=Turned,
    named=Named,
    past=Past,
)
