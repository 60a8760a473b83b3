"""Fits a plan to what is left of a budget before any of it runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from rag.plan import Plan, Step
from rag.plan.estimate import Cost, estimated, finished_by

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
        asks = f"{self.step.id} asks {self.step.source!r}"
        if self.limit == "calls_per_source":
            return f"{asks}, which may be called {self.left:g} times more"
        return (
            f"{asks}, up to which it needs at least {self.needed:.3g} {self.limit}; {max(0.0, self.left):.3g} are left"
        )


def excess(plan: Plan, costs: Mapping[str, Cost], left: Left) -> Excess | None:
    """The last step of the plan that cannot fit, if there is one.

    What counts is the least that the plan takes; that it may take more is seen to while it runs.
    """
    if left.calls_per_source is not None:
        counted = Counter(left.calls or {})
        for step in plan.steps:
            counted[step.source] += 1
            if counted[step.source] > left.calls_per_source:
                allowed = max(0, left.calls_per_source - (left.calls or {}).get(step.source, 0))
                return Excess(_last(plan, step.source), "calls_per_source", counted[step.source], allowed)
    if left.seconds is not None:
        ends = finished_by(plan, costs)
        late = max(plan.steps, key=lambda step: ends[step.id].low, default=None)
        if late is not None and ends[late.id].low > max(0.0, left.seconds):
            return Excess(late, "seconds", ends[late.id].low, left.seconds)
    if left.usd is not None:
        steps_alone = {name: cost for name, cost in costs.items() if name in {s.source for s in plan.steps}}
        needed = estimated(plan, steps_alone).usd.low
        if needed > max(0.0, left.usd):  # what is overspent already is no step's doing
            dear = [step for step in plan.steps if costs.get(step.source, Cost()).usd.low > 0]
            return Excess(dear[-1], "usd", needed, left.usd)
    return None


def trimmed(plan: Plan, costs: Mapping[str, Cost], left: Left) -> tuple[Plan, tuple[Excess, ...]]:
    """The plan less the steps that cannot fit, and less those that wait for these; and why each went."""
    gone: list[Excess] = []
    while over := excess(plan, costs, left):
        gone.append(over)
        plan = plan.without(*_with_dependents(plan, over.step.id))
    return plan, tuple(gone)


def _last(plan: Plan, source: str) -> Step:
    return [step for step in plan.steps if step.source == source][-1]


def _with_dependents(plan: Plan, step_id: str) -> Iterable[str]:
    """The step and all that wait for it, directly or not."""
    found = {step_id}
    for each in plan.order:
        if plan.step(each).waits_for & found:
            found.add(each)
    return sorted(found)
