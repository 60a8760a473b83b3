"""What is wrong with a plan, found before anything runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from pydantic import ValidationError

from rag.card import Schema, SourceCard
from rag.errors import BadReference, PlanCycle, PlanError, UnknownSource
from rag.plan.refs import EVERY, ArgValue, Element, Ref, references
from rag.plan.value import Plan, Step

__all__ = ["MAX_STEPS", "argument_problem", "check", "field_known", "problems", "spread_steps", "takes_list"]

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
    for step in plan.steps:
        if step.source not in cards:
            known = ", ".join(cards) or "none"
            yield UnknownSource(f"step {step.id!r} asks {step.source!r}, which is not a source; there are: {known}")
        else:
            yield from _argument_problems(step, cards[step.source])
            yield from _reference_problems(step, plan, cards)
    try:
        _ = plan.order
    except (BadReference, PlanCycle) as error:
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
        return None
    try:
        card.arguments.model_validate({name: value})
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            if detail["loc"][:1] == (name,):
                return detail["msg"]
    return None


def _reference_problems(step: Step, plan: Plan, cards: Mapping[str, SourceCard]) -> Iterator[PlanError]:
    sources = {s.id: s.source for s in plan.steps}
    for ref in references(step.args):
        card = cards.get(sources.get(ref.step, ""))
        if card and not field_known(card.output, ref):
            fields = ", ".join((card.output or {}).get("properties", {}))
            yield BadReference(f"step {step.id!r}: {ref} is no field that {card.name!r} returns; it returns: {fields}")
    if len(spread := spread_steps(step, cards)) > 1:
        yield PlanError(
            f"step {step.id!r} goes through the rows of {' and '.join(spread)}; only one step's rows can be"
        )


def spread_steps(step: Step, cards: Mapping[str, SourceCard]) -> list[str]:
    """The steps over whose rows the step runs once each: `[*]` where an argument takes no list."""
    card = cards.get(step.source)
    spread = set()
    for name, value in step.args.items():
        if not (isinstance(value, Ref) and card and takes_list(card, name)):
            spread |= {ref.step for ref in references(value) if ref.many}
    return sorted(spread)


def takes_list(card: SourceCard, name: str) -> bool:
    """Whether an argument of the source takes a list."""
    return any(kind.get("type") == "array" for kind in card.kinds(name))


def field_known(output: Schema | None, ref: Ref) -> bool:
    """Whether rows of the declared output can hold the reference; True when the output is not declared."""
    return output is None or _has(output, ref.fields, output.get("$defs", {}))


def _has(schema: Any, path: tuple[Element, ...], definitions: Mapping[str, Any]) -> bool:
    if isinstance(schema, dict) and "$ref" in schema:
        schema = definitions.get(str(schema["$ref"]).rsplit("/", 1)[-1], {})
    if not path or not isinstance(schema, dict):
        return True
    if "anyOf" in schema:
        return any(_has(kind, path, definitions) for kind in schema["anyOf"])
    head, rest = path[0], path[1:]
    if isinstance(head, int) or head is EVERY:
        return schema.get("type", "array") == "array" and _has(schema.get("items", {}), rest, definitions)
    if schema.get("type", "object") != "object":
        return False
    fields = schema.get("properties")
    if fields is None or (head not in fields and schema.get("additionalProperties")):
        return True
    return head in fields and _has(fields[head], rest, definitions)
