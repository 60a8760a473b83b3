"""What a plan will cost before it runs: calls, tokens, seconds and money, each as a range."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Final, NamedTuple, TypeAlias

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer

from rag.plan.refs import references

if TYPE_CHECKING:
    from rag.plan.value import Plan, Step

__all__ = [
    "MOST_ROWS",
    "MOST_SHOWN",
    "READING",
    "STEPS_AT_ONCE",
    "Cost",
    "Estimate",
    "Range",
    "estimated",
    "finished_by",
    "surely_called",
]

MOST_ROWS: Final = 20
"""How many rows of another step a step goes through at most."""

STEPS_AT_ONCE: Final = 8
"""How many calls one question has under way at most."""

MOST_SHOWN: Final = 3000
"""Tokens of evidence that the model that reads is shown at most."""

READING: Final = "(reading)"
"""Under this name a plan keeps what one call of the model that reads costs."""


class Range(NamedTuple):
    """From the least to the most; `high` is infinite where nothing bounds it.

    Example:
        >>> Range(1, 2).plus(Range(0, 3)), str(Range(0.5, math.inf)), str(Range(1, 2.5))
        (Range(low=1, high=5), '0.5 or more', '1–2.5')
    """

    low: float = 0.0
    high: float = 0.0

    def plus(self, other: Range) -> Range:
        """The range of the sum."""
        return Range(self.low + other.low, self.high + other.high)

    def times(self, other: Range) -> Range:
        """The range of the product; nothing at all of what has no bound is nothing."""
        return Range(self.low * other.low, self.high * other.high if self.high and other.high else 0.0)

    def or_more(self, other: Range) -> Range:
        """The range of whichever is more."""
        return Range(max(self.low, other.low), max(self.high, other.high))

    def at_most(self, limit: float) -> Range:
        """The range cut at a limit."""
        return Range(min(self.low, limit), min(self.high, limit))

    def __str__(self) -> str:
        if math.isinf(self.high):
            return f"{self.low:.3g} or more"
        return f"{self.low:.4g}" if self.low == self.high else f"{self.low:.3g}–{self.high:.4g}"


def _read(pair: Any) -> Any:
    return (pair[0], math.inf) if isinstance(pair, list | tuple) and len(pair) == 2 and pair[1] is None else pair


def _saved(found: Range) -> list[float | None]:
    return [found.low, None if math.isinf(found.high) else found.high]


# JSON has no number without bound, so that null stands for it.
_Range: TypeAlias = Annotated[Range, BeforeValidator(_read), PlainSerializer(_saved, when_used="json")]


class Cost(BaseModel):
    """What one call costs: seconds, USD, and the tokens of what it brings, or that it reads and writes.

    `at_once` is how many calls may run at once.
    """

    model_config = ConfigDict(frozen=True)

    seconds: _Range = Range(0.0, math.inf)
    usd: _Range = Range()
    tokens: _Range = Range(0.0, math.inf)
    at_once: int = Field(default=STEPS_AT_ONCE, ge=1)


class Estimate(BaseModel):
    """What a plan costs that is run once and read once; what planning cost is not in it.

    `tokens` are those of the reading call. Seconds are those of the critical path, or of what queues for
    its turn where that takes longer, and of the reading. Calls that fail and are made again are not in it.
    """

    model_config = ConfigDict(frozen=True)

    source_calls: _Range = Range()
    model_calls: _Range = Range()
    tokens: _Range = Range()
    seconds: _Range = Range()
    usd: _Range = Range()

    def __str__(self) -> str:
        told = {
            "source call": self.source_calls,
            "model call": self.model_calls,
            "token": self.tokens,
        }
        words = [f"{value} {unit}{'' if value.high == 1 else 's'}" for unit, value in told.items() if value.high]
        words += [f"{self.seconds} s"] if self.seconds.high else []
        words += [f"{self.usd} USD"] if self.usd.high else []
        return " · ".join(words) or "nothing"


def estimated(plan: Plan, costs: Mapping[str, Cost]) -> Estimate:
    """What the plan costs, where a call of each source, by name, costs so much.

    The least is what surely comes: a step that builds on another's rows may find none and make no
    call. The most has each `[*]` go through as many rows as it may. A source without a cost may take
    any time.
    """
    calls = {step.id: _calls(step) for step in plan.steps}
    cost = {step.id: costs.get(step.source, Cost()) for step in plan.steps}
    found = Range()
    usd = Range()
    for step_id, number in calls.items():
        found = found.plus(number.times(cost[step_id].tokens))
        usd = usd.plus(number.times(cost[step_id].usd))
    reading = costs.get(READING)
    ends = finished_by(plan, costs).values()
    seconds = Range(max((e.low for e in ends), default=0.0), max((*(e.high for e in ends), _queued(plan, costs))))
    return Estimate(
        source_calls=Range(sum(n.low for n in calls.values()), sum(n.high for n in calls.values())),
        model_calls=Range(1, 1) if reading else Range(),
        # What a call read before, evidence and all; this one reads what is found, as far as it is shown.
        tokens=reading.tokens.or_more(found.at_most(MOST_SHOWN)) if reading else Range(),
        seconds=seconds.plus(reading.seconds) if reading else seconds,
        usd=usd.plus(reading.usd) if reading else usd,
    )


def finished_by(plan: Plan, costs: Mapping[str, Cost]) -> dict[str, Range]:
    """When each step will have ended, in seconds from the start."""
    steps = {step.id: step for step in plan.steps}
    ends: dict[str, Range] = {}
    for step_id in plan.order:
        step = steps[step_id]
        before = [ends[needed] for needed in step.waits_for]
        cost, calls = costs.get(step.source, Cost()), _calls(step)
        waves = Range(min(calls.low, 1), math.ceil(calls.high / min(STEPS_AT_ONCE, cost.at_once)))
        start = Range(max((e.low for e in before), default=0.0), max((e.high for e in before), default=0.0))
        ends[step_id] = start.plus(waves.times(cost.seconds))
    return ends


def surely_called(step: Step) -> bool:
    """Whether the step comes to a call whatever others bring."""
    return _calls(step).low > 0


def _queued(plan: Plan, costs: Mapping[str, Cost]) -> float:
    """The seconds that all calls take at most, so many at once as a question has, and as each source has."""
    longest: dict[str, float] = {}
    for step in plan.steps:
        seconds = _calls(step).times(costs.get(step.source, Cost()).seconds).high
        longest[step.source] = longest.get(step.source, 0.0) + seconds
    at_once = {name: min(STEPS_AT_ONCE, costs.get(name, Cost()).at_once) for name in longest}
    return max((sum(longest.values()) / STEPS_AT_ONCE, *(longest[name] / at_once[name] for name in longest)))


def _calls(step: Step) -> Range:
    """How many calls a step comes to."""
    many = any(ref.many for ref in references(step.args))
    return Range(0 if step.needs or step.if_empty else 1, MOST_ROWS if many else 1)
