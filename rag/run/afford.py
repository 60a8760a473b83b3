"""Fits a plan to what is left of a budget before any of it runs."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from rag.plan import Plan, Step
from rag.plan.estimate import Cost, finished_by, surely_called

__all__ = ["Excess", "Left", "excess", "trimmed"]


@dataclass(frozen=True, slots=True)
class Left:
    """What is left of a budget; None is no limit. `calls` counts, by source, what was made of `calls_per_source`."""

    seconds: float | None = None
    usd: float | None = None
    calls_per_source: int | None = None
    calls: Mapping[str, int] | None = None


@dataclass(frozen=True, slots=True)
class Excess:
    """A step that cannot fit: which limit it breaks, how much is needed at least, and how much is left."""

    step: Step
    limit: str
    needed: float
    left: float

    def __str__(self) -> str:
        unit = f"call{'' if self.needed == 1 else 's'} of it" if self.limit == "calls_per_source" else self.limit
        left = max(0.0, self.left)
        return (
            f"{self.step.id} asks {self.step.source!r}, up to which it needs at least {self.needed:.3g} {unit};"
            f" {left:.3g} {'is' if left == 1 else 'are'} left"
        )


def excess(plan: Plan, costs: Mapping[str, Cost], left: Left) -> Excess | None:
    """The last step of the plan that cannot fit, if there is one.

    What counts is the least that the plan takes; that it may take more is seen to while it runs.
    """
    sure = _sure(plan)
    if left.calls_per_source is not None:
        made, counted = left.calls or {}, Counter(step.source for step in sure)
        for step in reversed(sure):
            allowed = max(0, left.calls_per_source - made.get(step.source, 0))
            if counted[step.source] > allowed:
                return Excess(step, "calls_per_source", counted[step.source], allowed)
    if left.seconds is not None and sure:
        ends = finished_by(plan, costs)
        late = max(sure, key=lambda step: ends[step.id].low)
        if ends[late.id].low > max(0.0, left.seconds):
            return Excess(late, "seconds", ends[late.id].low, left.seconds)
    if left.usd is not None:
        dear = [step for step in sure if costs.get(step.source, Cost()).usd.low > 0]
        needed = sum(costs[step.source].usd.low for step in dear)
        if needed > max(0.0, left.usd):  # what is overspent already is no step's doing
            return Excess(dear[-1], "usd", needed, left.usd)
    return None


def trimmed(plan: Plan, costs: Mapping[str, Cost], left: Left) -> tuple[Plan, tuple[Excess, ...]]:
    """The plan less the steps that cannot fit, and less those that wait for these; and why each went."""
    gone: list[Excess] = []
    while over := excess(plan, costs, left):
        gone.append(over)
        plan = plan.without(*_with_dependents(plan, over.step.id))
    return plan, tuple(gone)


def _sure(plan: Plan) -> list[Step]:
    """The steps that come to a call in any case, the first of those that ask the same: it is one call."""
    asked = {
        (step.source, json.dumps(step.saved()["args"], sort_keys=True)): step
        for step in reversed(plan.steps)
        if surely_called(step)
    }
    return list(reversed(asked.values()))


def _with_dependents(plan: Plan, step_id: str) -> Iterable[str]:
    """The step and all that wait for it, directly or not."""
    found = {step_id}
    for each in plan.order:
        if plan.step(each).waits_for & found:
            found.add(each)
    return sorted(found)
