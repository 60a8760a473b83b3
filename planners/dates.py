"""Spans of days that a question names, absolute or relative to today."""

from __future__ import annotations

import calendar
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, TypeAlias

__all__ = ["Days", "find_days"]


@dataclass(frozen=True, slots=True)
class Days:
    """Days from `start` to `end`, both inclusive; None leaves a side open. `words` is how it was said."""

    start: date | None
    end: date | None
    words: str = ""


_Span: TypeAlias = tuple[date, date]
_DAY: Final = timedelta(days=1)

_COUNTS: Final = {
    "a": 1,
    "an": 1,
    "one": 1,
    "two": 2,
    "three": 3,
    "four": 4,
    "five": 5,
    "six": 6,
    "seven": 7,
    "ten": 10,
}
_WEEKDAYS: Final = [name.casefold() for name in calendar.day_name]
_MONTHS: Final = [name.casefold() for name in calendar.month_abbr]

_MONTH: Final = (
    r"(?P<month>Jan(?:uary)?|Feb(?:ruary)?|Mar(?:ch)?|Apr(?:il)?|May|June?|July?|Aug(?:ust)?|Sept?(?:ember)?|"
    r"Oct(?:ober)?|Nov(?:ember)?|Dec(?:ember)?)\b"
)
_DAY_OF: Final = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
_YEAR: Final = r"(?P<year>(?:19|20)\d\d)\b"
_COUNT: Final = rf"(?P<count>\d{{1,3}}|{'|'.join(_COUNTS)})"
_FUTURE: Final = re.compile(r"\b(?:will|shall|going\s+to|upcoming|coming)\b", re.IGNORECASE)
_UNIT: Final = r"(?P<unit>day|week|month|year)"


def find_days(text: str, today: date) -> Days | None:
    """The span of days that a text names; None when it names none.

    A month or day without a year is the latest that has begun, unless the text speaks of what will
    be. "since" takes its day in, "after" does not.

    Example:
        >>> today = date(2026, 11, 20)
        >>> print(find_days("orders since 3 November", today).start)
        2026-11-03
        >>> find_days("between May and July 2026", today).end
        datetime.date(2026, 7, 31)
        >>> find_days("May I return it?", today) is None
        True
    """
    for match in _BETWEEN.finditer(text):
        two = _first(text, today, *match.span("two"))
        # "from May to July 2025": the second year holds for both.
        one = _first(text, two[0][1], *match.span("one")) if two else None
        if one and two:
            return Days(min(one[0][0], two[0][0]), max(one[0][1], two[0][1]), match.group())
    if (found := _first(text, today, 0, len(text))) is None:
        return None
    (start, end), words, at = found
    lead = _LEAD.search(text[:at])
    said = (lead.group() if lead else "") + words
    match lead["side"].casefold() if lead else "":
        case "since" | "from" | "starting":
            return Days(start, None, said)
        case "after":
            return Days(end + _DAY, None, said)
        case "before":
            return Days(None, start - _DAY, said)
        case "until" | "till" | "by" | "up to":
            return Days(None, end, said)
        case _:
            return Days(start, end, said)


def _first(text: str, today: date, start: int, end: int) -> tuple[_Span, str, int] | None:
    """The earliest date expression between two places in a text, the longest where several start together."""
    found = []
    for pattern, read in _READERS:
        for match in pattern.finditer(text, start, end):
            try:
                found.append((match.start(), -match.end(), read(match, today), match.group()))
            except (ValueError, OverflowError):  # a day that no calendar has, such as 31 June
                continue
    if not found:
        return None
    at, _, days, words = min(found, key=lambda each: each[:2])
    return days, words, at


def _iso(match: re.Match[str], today: date) -> _Span:
    day = date.fromisoformat(match.group())
    return day, day


def _day_and_month(match: re.Match[str], today: date) -> _Span:
    month, number = _MONTHS.index(match["month"][:3].casefold()), int(match["day"])
    year = match.groupdict().get("year")
    day = date(int(year) if year else today.year, month, number)
    if not year and day > today and not _FUTURE.search(match.string):
        day = date(today.year - 1, month, number)
    return day, day


def _month(match: re.Match[str], today: date) -> _Span:
    month, year = _MONTHS.index(match["month"][:3].casefold()), match.groupdict().get("year")
    return _whole_month(int(year) if year else today.year - (month > today.month), month)


def _year(match: re.Match[str], today: date) -> _Span:
    return date(int(match["year"]), 1, 1), date(int(match["year"]), 12, 31)


def _near_day(match: re.Match[str], today: date) -> _Span:
    day = today + _DAY * {"yesterday": -1, "today": 0, "tomorrow": 1}[match.group().casefold()]
    return day, day


def _weekday(match: re.Match[str], today: date) -> _Span:
    back = (today.weekday() - _WEEKDAYS.index(match["weekday"].casefold())) % 7
    day = today + _DAY * (7 - back) if _FUTURE.search(match.string) else today - _DAY * (back or 7)
    return day, day


def _calendar_unit(match: re.Match[str], today: date) -> _Span:
    shift = {"last": -1, "previous": -1, "past": -1, "this": 0, "next": 1}[match["which"].casefold()]
    unit = match["unit"].casefold()
    if unit == "week":
        monday = today - _DAY * today.weekday() + 7 * _DAY * shift
        return monday, monday + 6 * _DAY
    if unit == "month":
        months = today.year * 12 + today.month - 1 + shift
        return _whole_month(months // 12, months % 12 + 1)
    return date(today.year + shift, 1, 1), date(today.year + shift, 12, 31)


def _last_units(match: re.Match[str], today: date) -> _Span:
    return _ago(match, today), today


def _units_ago(match: re.Match[str], today: date) -> _Span:
    day = _ago(match, today)
    return day, day


def _ago(match: re.Match[str], today: date) -> date:
    count, unit = _COUNTS.get(match["count"].casefold()), match["unit"].casefold()
    number = count if count is not None else int(match["count"])
    if unit in ("day", "week"):
        return today - _DAY * number * (7 if unit == "week" else 1)
    months = today.year * 12 + today.month - 1 - number * (12 if unit == "year" else 1)
    year, month = months // 12, months % 12 + 1
    return date(year, month, min(today.day, calendar.monthrange(year, month)[1]))


def _whole_month(year: int, month: int) -> _Span:
    return date(year, month, 1), date(year, month, calendar.monthrange(year, month)[1])


_LEADS: Final = re.findall(
    r"\w+",
    """
    in of during since from until till before after between and to by last this early late
""",
)
_LED: Final = "(?:{})".format("|".join(rf"(?<=\b{word}\s)" for word in _LEADS))
_READERS: Final[tuple[tuple[re.Pattern[str], Callable[[re.Match[str], date], _Span]], ...]] = (
    (re.compile(r"\b\d{4}-\d\d-\d\d\b"), _iso),
    (re.compile(rf"\b{_DAY_OF}\s+(?:of\s+)?{_MONTH}\.?(?:,?\s+{_YEAR})?", re.IGNORECASE), _day_and_month),
    (re.compile(rf"\b{_MONTH}\.?\s+{_DAY_OF}\b(?:,?\s+{_YEAR})?", re.IGNORECASE), _day_and_month),
    (re.compile(rf"\b{_MONTH}\.?,?\s+(?:of\s+)?{_YEAR}", re.IGNORECASE), _month),
    # "may" and "march" are verbs and 1999 is a number, too: a month or year alone needs a word before it.
    (re.compile(rf"{_LED}{_MONTH}", re.IGNORECASE), _month),
    (re.compile(rf"{_LED}{_YEAR}", re.IGNORECASE), _year),
    (re.compile(r"\b(?:yesterday|today|tomorrow)\b", re.IGNORECASE), _near_day),
    (
        re.compile(rf"\b(?:last|on|since|until|before|after)\s+(?P<weekday>{'|'.join(_WEEKDAYS)})\b", re.IGNORECASE),
        _weekday,
    ),
    (
        re.compile(r"\b(?P<which>last|this|next|previous|past)\s+(?P<unit>week|month|year)\b", re.IGNORECASE),
        _calendar_unit,
    ),
    (re.compile(rf"\b(?:last|past|previous)\s+{_COUNT}\s+{_UNIT}s?\b", re.IGNORECASE), _last_units),
    (re.compile(rf"\b{_COUNT}\s+{_UNIT}s?\s+ago\b", re.IGNORECASE), _units_ago),
)
_LEAD: Final = re.compile(
    r"\b(?P<side>since|from|starting|after|before|until|till|by|up to)\s+(?:the\s+)?$", re.IGNORECASE
)
_BETWEEN: Final = re.compile(
    r"\b(?:between|from)\s+(?P<one>.{3,30}?)\s+(?:and|to|until|till)\s+(?P<two>.{3,30})", re.IGNORECASE
)
