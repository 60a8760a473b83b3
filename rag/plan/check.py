"""What is wrong with a plan, found before anything runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from pydantic import ValidationError

from rag.card import SourceCard
from rag.errors import BadReference, PlanCycle, PlanError, UnknownSource
from rag.plan.fields import field_known
from rag.plan.refs import ArgValue, Ref, references
from rag.plan.shapes import argument_shape
from rag.plan.value import Plan, Step

__all__ = ["MAX_STEPS", "argument_problem", "check", "problems", "spread_steps", "with_lists"]

MAX_STEPS: Final = 16


def check(plan: Plan, cards: Sequence[SourceCard], *, max_steps: int = MAX_STEPS) -> Plan:
    """The plan itself, when nothing is wrong with it.

    Raises:
        PlanError: the first of its problems.
    """
    for problem in problems(plan, cards, max_steps=max_steps):
        raise problem
    return plan


def problems(plan: Plan, cards: Sequence[SourceCard], *, max_steps: int = MAX_STEPS) -> tuple[PlanError, ...]:
    """Everything wrong with the plan: sources, arguments, references, rings, size.

    Example:
        >>> from rag.card import SourceCard, free_query
        >>> plan = Plan.from_json({"steps": [{"id": "s1", "source": "doc", "args": {"query": "x"}}]})
        >>> [str(p) for p in problems(plan, [SourceCard(name="docs", arguments=free_query())])]
        ["step 's1' asks 'doc', which is not a source; there are: docs"]
    """
    by_name = {card.name: card for card in cards}
    return tuple(_problems(plan, by_name, max_steps))


def _problems(plan: Plan, cards: Mapping[str, SourceCard], max_steps: int) -> Iterator[PlanError]:
    if len(plan.steps) > max_steps:
        yield PlanError(f"the plan has {len(plan.steps)} steps; at most {max_steps} are allowed")
    told_by = {step.id: cards.get(step.source) for step in plan.steps}
    for step in plan.steps:
        if step.source not in cards:
            known = ", ".join(cards) or "none"
            yield UnknownSource(f"step {step.id!r} asks {step.source!r}, which is not a source; there are: {known}")
        else:
            yield from _argument_problems(step, cards[step.source])
            yield from _reference_problems(step, told_by, cards)
    yield from _order_problems(plan)


def _order_problems(plan: Plan) -> Iterator[PlanError]:
    ids = {step.id for step in plan.steps}
    lost = [(step, name) for step in plan.steps for name in sorted(step.waits_for - ids)]
    for step, name in lost:
        yield BadReference(f"step {step.id!r} refers to {name!r}, which is not a step of the plan")
    try:
        _ = plan.order
    except BadReference:
        return  # told above, each of them
    except PlanCycle as error:
        yield error


def _argument_problems(step: Step, card: SourceCard) -> Iterator[PlanError]:
    for name in step.args:
        if name not in card.properties:
            takes = ", ".join(card.properties) or "none"
            yield PlanError(f"step {step.id!r}: {card.name!r} takes no argument {name!r}; it takes: {takes}")
    for name in sorted(card.required - step.args.keys()):
        yield PlanError(f"step {step.id!r}: {card.name!r} needs the argument {name!r}")
    for name, value in step.args.items():
        if name in card.properties and (why := argument_problem(card, name, value)):
            yield PlanError(f"step {step.id!r}: argument {name!r} of {card.name!r}: {why}")


def argument_problem(card: SourceCard, name: str, value: ArgValue) -> str | None:
    """Why a value does not fit the argument; None when it does, or cannot be known before running."""
    if any(True for _ in references(value)):
        return argument_shape(card, name).misfit(value)
    try:
        card.arguments.model_validate({name: value})
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            if detail["loc"][:1] == (name,):
                return detail["msg"]
    return None


def _reference_problems(
    step: Step, told_by: Mapping[str, SourceCard | None], cards: Mapping[str, SourceCard]
) -> Iterator[PlanError]:
    for ref in references(step.args):
        card = told_by.get(ref.step)
        if card and not field_known(card.output, ref):
            fields = ", ".join(card.fields)
            yield BadReference(f"step {step.id!r}: {ref} is no field that {card.name!r} returns; it returns: {fields}")
    spread = spread_steps(step, cards)
    if len(spread) > 1:
        yield PlanError(
            f"step {step.id!r} goes through the rows of {' and '.join(spread)}; only one step's rows can be"
        )


def spread_steps(step: Step, cards: Mapping[str, SourceCard]) -> list[str]:
    """The steps over whose rows the step runs once each: `[*]` where no list is taken."""
    if not any(ref.many for ref in references(step.args)):
        return []
    args = with_lists(step, cards[step.source], lambda ref: None) if step.source in cards else step.args
    return sorted({ref.step for ref in references(args) if ref.many})


def with_lists(step: Step, card: SourceCard, put: Callable[[Ref], Any]) -> dict[str, ArgValue]:
    """The arguments with each `[*]` that stands where a list is taken replaced by what `put` gives for it."""
    return {name: argument_shape(card, name).with_lists(value, put) for name, value in step.args.items()}
