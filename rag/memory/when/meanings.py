"""What the rules of combinations and of sessions mean; the rules of the calendar are in calendar_meanings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from rag.memory.when.calendar_meanings import Amount, Units, date_of, units
from rag.memory.when.dates import Ago, Month, Past
from rag.memory.when.frame import Expression, Series
from rag.memory.when.hours import Clock, clocks
from rag.memory.when.order import BeforeThis, Following, Said, Sessions
from rag.memory.when.recurrent import Now
from rag.memory.when.registry import MEANINGS, meaning
from rag.memory.when.relations import Both, Containing, Dated, Edge, Either, Except, Moved, Nth
from rag.memory.when.spans import Around, Beyond, Through

__all__ = ["MEANINGS", "Leaning"]

MEANINGS.update(all_but=Except, dated=Dated, either=Either, following=Following, said=Said)


@meaning
def _edge(which: Any, of: Expression) -> Expression:
    return Edge(which, of)


@meaning
def _half(n: int, of: Expression) -> Expression | None:
    return Edge("half", of, n) if n in (1, 2) else None


@meaning
def _nth_unit(n: int, unit: str, of: Expression) -> Expression | None:
    name, many = units(unit)
    return Nth(n, name, of) if many == 1 and of.rank > Ago(1, name).rank else None


@meaning
def _first_units(n: int, unit: str, of: Expression) -> Expression:
    name, many = units(unit)
    return Through(Nth(1, name, of), Nth(n * many, name, of))


@meaning
def _last_units(n: int, unit: str, of: Expression) -> Expression:
    name, many = units(unit)
    return Through(Nth(-n * many, name, of), Nth(-1, name, of))


@meaning
def _moved(n: int, unit: Any, anchor: Expression) -> Expression:
    return Moved(n * unit[1], unit[0], anchor) if isinstance(unit, tuple) else Moved(n, unit, anchor)


@meaning
def _moved_by(sign: int, amount: Amount, unit: Units, anchor: Expression) -> Expression:
    """So many days before or after a time."""
    return Moved(sign * amount[0] * unit[1], unit[0], anchor)


@meaning
def _month_days(month: int, a: int, b: int, year: int | None = None) -> Expression | None:
    first, last = date_of(month, a, year), date_of(month, b, year)
    return Through(first, last) if first and last and a < b else None


@meaning
def _months_days(month: int, a: int, b: int, year: int | None = None) -> Expression | None:
    first, last = date_of(month, a, year), date_of(month, b, year)
    return Either(first, last) if first and last and a < b else None


@meaning
def _either_like(one: Expression, other: Expression) -> Expression | None:
    if isinstance(one, Beyond) and isinstance(other, Beyond) and one.later != other.later:
        return Both(one, other)  # "after May and before July" is a span
    return Either(one, other) if one.rank == other.rank else None


@meaning
def _both(one: Expression, other: Expression) -> Expression | None:
    return Both(one, other) if one.rank != other.rank else None


@meaning
def _through(first: Expression, last: Expression) -> Expression | None:
    if isinstance(first, Sessions) and isinstance(last, Sessions):
        return _session_span(first.first, last.last)
    (day, begin), (last_day, end) = _parted(first), _parted(last)
    if day is not None and last_day is not None:
        return None if first.of_sessions != last.of_sessions else Through(first, last)
    if begin is None or end is None:
        return None
    span, of = clocks(begin, end), day or last_day  # "from 2 pm to 4 pm on Tuesday"
    return span if of is None else Both(of, span)


def _parted(expression: Expression) -> tuple[Expression | None, Clock | None]:
    """The day of an expression, and the part of it."""
    if isinstance(expression, Clock):
        return None, expression
    if isinstance(expression, Both):
        pairs = ((expression.one, expression.other), (expression.other, expression.one))
        return next(((day, part) for day, part in pairs if isinstance(part, Clock)), (expression, None))
    return expression, None


@meaning
def _session_span(a: int, b: int) -> Expression | None:
    return Sessions(a, b) if a <= b or b < 0 else Sessions(b, a)


@meaning
def _session_pair(a: int, b: int) -> Expression:
    return Either(Sessions(a, a), Sessions(b, b))


@meaning
def _beyond(how: Any, anchor: Expression) -> Expression:
    if not isinstance(anchor, Clock):
        return Beyond(how, anchor)
    outer = anchor.high if how in ("after", "until") else anchor.low
    edge = outer if anchor.moment is None else anchor.moment
    return Clock(edge, 24 * 60) if how in ("since", "after") else Clock(0, edge)


@meaning
def _around(of: Expression) -> Expression | None:
    return None if of.of_sessions else Around(of)


@meaning
def _said_before(n: int, text: str) -> Expression:
    return Moved(n, "day", Said(text))


@meaning
def _following_said(n: int, text: str) -> Expression:
    return Following(n, Said(text))


@meaning
def _following_by(sign: int, n: int, anchor: Expression) -> Expression | None:
    return Following(sign * n, anchor) if n else None


@meaning
def _before_now() -> Expression:
    return Beyond("before", Now())


@meaning
def _longer_ago(amount: Amount, unit: Units) -> Expression:
    return Beyond("before", Past(amount[1] * unit[1], unit[0]))


@meaning
def _nth_series(n: int, unit: Series, of: Expression) -> Expression | None:
    return Nth(n, unit, of) if of.rank > unit.rank else None


@meaning
def _containing(unit: str, of: Expression) -> Expression | None:
    name, many = units(unit)
    return Containing(name, of) if many == 1 and of.rank < Ago(1, name).rank else None


@meaning
def _either_month(a: int, b: int, year: int | None = None) -> Expression:
    return Either(Month(a, year), Month(b, year))


@meaning
def _a_week_from(weekday: Series) -> Expression:
    return Moved(-7, "day", weekday)


@meaning
def _session_number(n: int) -> Expression | None:
    return Sessions(n, n) if n > 0 else None


@meaning
def _session_nth(n: int) -> Expression | None:
    return Sessions(n, n) if n else None


@meaning
def _session_before_last(n: int) -> Expression:
    return Sessions(-n - 1, -n - 1)


@meaning
def _before_this(n: int = 1) -> Expression | None:
    return BeforeThis(n) if n > 0 else None


@meaning
def _session_back(n: int) -> Expression | None:
    return Sessions(-n, -n) if n else None


@meaning
def _session_ago(amount: Amount) -> Expression | None:
    low, high = amount
    return Sessions(-high, -low) if low else None


@meaning
def _session_first(amount: Amount) -> Expression | None:
    return Sessions(1, amount[1]) if amount[0] else None


@meaning
def _session_last(amount: Amount) -> Expression | None:
    return Sessions(-amount[1], -1) if amount[0] else None


@meaning
def _session_all() -> Expression:
    return Sessions(1, -1)


@meaning
def _session_three(a: int, b: int, c: int) -> Expression:
    return Either(_session_pair(a, b), Sessions(c, c))


@meaning
def _session_now() -> Expression:
    return Now()


@meaning
def _session_last_weak() -> Expression:
    return Sessions(-1, -1, weak=1)


@meaning
def _session_ends() -> Expression:
    return Either(Sessions(1, 1), Sessions(-1, -1))


# What leans on a time said before is a function of that time.
Leaning: TypeAlias = Callable[[Expression], Expression]


@meaning
def _then_nth(n: int) -> Leaning | None:
    return (lambda anchor: _nth_of(n, anchor)) if n else None


def _nth_of(n: int, anchor: Expression) -> Expression:
    """The n-th of what was counted: of Tuesday's talks after "the first talk on Tuesday", else of all."""
    if isinstance(anchor, Both):
        counted = (anchor.other if isinstance(anchor.one, Sessions) else anchor.one) if _counts(anchor) else anchor
        return Both(Sessions(n, n), counted)
    return Sessions(n, n) if anchor.of_sessions else Both(Sessions(n, n), anchor)


def _counts(anchor: Both) -> bool:
    return isinstance(anchor.one, Sessions) or isinstance(anchor.other, Sessions)


@meaning
def _then_following(n: int) -> Leaning:
    return lambda anchor: Following(n, anchor)


@meaning
def _then_moved(n: int, unit: str) -> Leaning:
    name, many = units(unit)
    return lambda anchor: Moved(n * many, name, anchor)


@meaning
def _then_by(sign: int, amount: Amount, unit: Units) -> Leaning:
    """So many days earlier or later."""
    return lambda anchor: _moved_by(sign, amount, unit, anchor)


@meaning
def _then_by_sessions(sign: int, n: int) -> Leaning | None:
    return (lambda anchor: Following(sign * n, anchor)) if n else None


@meaning
def _then_beside(n: int) -> Leaning:
    """What came just before or after: of a week or month its like, else the next session."""
    return lambda anchor: _beside(n, anchor)


def _beside(n: int, anchor: Expression) -> Expression:
    if isinstance(anchor, Ago | Month):
        return Moved(n, anchor.unit if isinstance(anchor, Ago) else "month", anchor)
    return Following(n, anchor)
