"""What of a plan served: the steps to show when a like question is asked."""

from __future__ import annotations

from rag.plan import Plan, Step

__all__ = ["served"]


def served(plan: Plan) -> Plan:
    """The plan's steps alone, without its stand-ins; one that found something takes the place of what it stood in for.

    What is kept of `sources` are those that the steps ask.

    Raises:
        PlanError: the plan cannot be put in order.

    Example:
        >>> from rag.plan.ran import Ran
        >>> steps = Step(id="s1", source="orders"), Step(id="s2", source="docs", if_empty="s1")
        >>> print(served(Plan(steps=steps)))
        s1  orders()
        >>> print(served(Plan(steps=steps, ran={"s1": Ran(), "s2": Ran(hits=3)})))
        s2  docs()
    """
    replaced = {step.if_empty for step in plan.steps if step.if_empty and _found(plan, step)}
    kept: dict[str, Step] = {}
    for step in map(plan.step, plan.order):
        stays = _found(plan, step) if step.if_empty else step.id not in replaced
        if stays and step.needs <= kept.keys():
            kept[step.id] = step.replace(after=(), if_empty=None)
    asked = {step.source for step in kept.values()}
    return Plan(steps=tuple(kept.values()), sources={n: mark for n, mark in plan.sources.items() if n in asked})


def _found(plan: Plan, step: Step) -> bool:
    return step.id in plan.ran and plan.ran[step.id].hits > 0
