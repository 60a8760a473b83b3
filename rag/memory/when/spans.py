"""Expressions of spans: from one time to another, since, before and around a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice
from typing import ClassVar, Literal

from rag.memory.when.calendar import DAY
from rag.memory.when.frame import Expression, Frame, Series, chosen
from rag.memory.when.region import ALL, Part, Region, common, extent
from rag.memory.when.relations import Both

__all__ = ["Around", "Beyond", "Through"]


@dataclass(frozen=True)
class Through(Expression):
    """From one time through another, both included; a side that is not dated falls before the other's."""

    first: Expression
    last: Expression

    def _ranked(self) -> int:
        return min(75, self.first.rank + 5)

    def _speaks(self) -> bool:
        return self.first.of_sessions and self.last.of_sessions

    def _candidates(self, frame: Frame, within: Region) -> Iterator[Region]:
        for ending in islice(self.last.candidates(frame, within), 120):
            if (end := extent(ending)) is None:
                continue
            begins = self._begin(frame, within, end[1])
            if begins is not None:
                yield common(within, (Part(begins, max(end[1], begins)),)) if begins < end[1] else ()

    def _begin(self, frame: Frame, within: Region, upto: datetime) -> datetime | None:
        series, part = _series(self.first)
        if series is not None and within == ALL:
            days = ((Part(start, end),) for start, end in islice(series.spans(frame, upto), 2))
            spans = (
                extent(region if part is None else chosen(part.candidates(frame, region), frame)) for region in days
            )
            return next((span[0] for span in spans if span is not None and span[0] < upto), None)
        span = extent(chosen(self.first.candidates(frame, within), frame))
        return span[0] if span else None


@dataclass(frozen=True)
class Beyond(Expression):
    """Since, after, before or until a time; `since` and `until` include it."""

    how: Literal["since", "after", "before", "until"]
    anchor: Expression
    _rank: ClassVar[int] = 75

    @property
    def later(self) -> bool:
        """Whether it lies after its anchor."""
        return self.how in ("since", "after")

    def _speaks(self) -> bool:
        return self.anchor.of_sessions

    def _candidates(self, frame: Frame, within: Region) -> Iterator[Region]:
        for region in self.anchor.candidates(frame, ALL):
            if (span := extent(region)) is not None:
                start, end = span
                edge = start if self.how in ("since", "before") else end
                part = Part(start=edge) if self.later else Part(end=edge)
                yield common(within, (part,))


@dataclass(frozen=True)
class Around(Expression):
    """About a time: a day gets two to either side, a clock time an hour; a week or month is rough enough."""

    of: Expression

    def _ranked(self) -> int:
        return self.of.rank

    def _candidates(self, frame: Frame, within: Region) -> Iterator[Region]:
        for region in self.of.candidates(frame, within):
            if region and all(part.hours is not None for part in region):
                yield tuple(replace(part, hours=_padded(part.hours or ())) for part in region)
            elif (span := extent(region)) is not None:
                length = span[1] - span[0]
                pad = timedelta(0) if length >= 7 * DAY else 2 * DAY if length >= DAY else timedelta(hours=1)
                yield (Part(span[0] - pad, span[1] + pad),)


def _padded(hours: tuple[tuple[int, int], ...]) -> tuple[tuple[int, int], ...]:
    return tuple((max(low - 60, 0), high + 60) for low, high in hours)


def _series(expression: Expression) -> tuple[Series | None, Expression | None]:
    """What comes again in an expression, and the part of it that is meant, if not all: "Tuesday", "evening"."""
    if isinstance(expression, Both):
        part, days = sorted((expression.one, expression.other), key=lambda each: each.rank)
        return (days if isinstance(days, Series) else None), part
    return (expression if isinstance(expression, Series) else None), None
