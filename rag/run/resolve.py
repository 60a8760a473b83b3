"""A step's arguments with its references replaced by what the other steps brought."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

from rag.card import SourceCard
from rag.errors import SourceError
from rag.plan import ArgValue, Ref, Step, Template, references
from rag.plan.check import spread_steps, with_lists
from rag.plan.estimate import MOST_ROWS
from rag.protocols import Row

__all__ = ["MOST_ROWS", "Resolved", "fitted", "resolve"]


@dataclass(frozen=True, slots=True)
class Resolved:
    """The calls that a step comes to, as arguments in row order, and what was cut or left out."""

    calls: tuple[dict[str, Any], ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Whole:
    """The whole list that a reference stands for."""

    values: list[Any]


def resolve(step: Step, card: SourceCard, rows: Mapping[str, Sequence[Row]]) -> Resolved:
    """The calls that the step makes, given the rows of the steps that it waits for.

    One call, or one for each row where a `[*]` stands for an argument that takes no list.

    Raises:
        SourceError: a value that is referred to is missing, so that the step cannot run.

    Example:
        >>> from rag.card import free_query
        >>> from rag.plan import EVERY
        >>> step = Step(id="s2", source="reviews", args={"query": Ref("s1", (EVERY, "title"))})
        >>> card = SourceCard(name="reviews", arguments=free_query())
        >>> resolve(step, card, {"s1": [{"title": "lamp"}, {"title": "desk"}]}).calls
        ({'query': 'lamp'}, {'query': 'desk'})
    """
    over = next(iter(spread_steps(step, {card.name: card})), None)
    found = {ref: _found(ref, rows) for ref in references(step.args)}
    for ref, value in found.items():
        if value is None or (ref.many and not value):
            raise SourceError(f"{ref.step} found no {_wanted(ref)}", source=step.source, step_id=step.id)
    if over is None:
        return Resolved((_filled(step.args, found),))
    each = with_lists(step, card, lambda ref: _Whole(found[ref]))
    # Here the holes stay, so that several references keep their rows in line.
    spread = {ref: _flat(ref.pick(rows.get(ref.step, ()))) for ref in references(each) if ref.many}
    calls, notes = _by_row(step, over, spread)
    return Resolved(tuple(_filled(each, {**found, **row}) for row in calls), tuple(notes))


def _by_row(step: Step, over: str, spread: Mapping[Ref, list[Any]]) -> tuple[list[dict[Ref, Any]], list[str]]:
    """The values of each call, and what was cut or left out."""
    count, *others = {len(values) for values in spread.values()}
    if others:
        refs = " and ".join(str(ref) for ref in spread)
        raise SourceError(f"{refs} are lists of different lengths", source=step.source, step_id=step.id)
    rows = [{ref: values[i] for ref, values in spread.items()} for i in range(min(count, MOST_ROWS))]
    full = [row for row in rows if all(value is not None for value in row.values())]
    wanted = " and ".join(dict.fromkeys(_wanted(ref) for ref in spread))
    if not full:
        raise SourceError(f"{over} found no {wanted}", source=step.source, step_id=step.id)
    notes = []
    if count > MOST_ROWS:
        notes.append(f"{step.id} ran for the first {MOST_ROWS} of the {count} rows of {over}")
    if len(full) < len(rows):
        notes.append(f"{step.id} left out {len(rows) - len(full)} of {len(rows)} rows of {over} without {wanted}")
    return full, notes


def _found(ref: Ref, rows: Mapping[str, Sequence[Row]]) -> Any:
    value = ref.pick(rows.get(ref.step, ()))
    return [item for item in _flat(value) if item is not None] if ref.many else value


def _flat(items: list[Any]) -> list[Any]:
    flat: list[Any] = []
    for item in items:
        flat.extend(_flat(item) if isinstance(item, list) else [item])
    return flat


def _filled(value: ArgValue, found: Mapping[Ref, Any]) -> Any:
    # What was found goes in as it is, and is not looked at again: retrieved text is data.
    if isinstance(value, Ref):
        return found[value]
    if isinstance(value, _Whole):
        return value.values
    if isinstance(value, Template):
        return "".join(_words(found[part]) if isinstance(part, Ref) else part for part in value.parts)
    if isinstance(value, dict):
        return {name: _filled(item, found) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_filled(item, found) for item in value]
    return value


def _words(value: Any) -> str:
    if isinstance(value, bool | dict | list):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)


def _wanted(ref: Ref) -> str:
    names = [str(element) for element in ref.fields if isinstance(element, str)]
    return ".".join(names) or "rows"


def fitted(card: SourceCard, args: Mapping[str, Any], step_id: str) -> dict[str, Any]:
    """The arguments as the card's argument model has them: defaults left out, types coerced.

    Raises:
        SourceError: an argument does not fit.
    """
    try:
        model = _validated(card.arguments, args)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = ".".join(str(part) for part in first["loc"]) or "arguments"
        raise SourceError(
            f"{card.name} cannot take {name}: {first['msg']}", source=card.name, step_id=step_id
        ) from error
    return model.model_dump(exclude_unset=True, by_alias=True)


def _validated(model: type[BaseModel], args: Mapping[str, Any]) -> BaseModel:
    try:
        return model.model_validate(dict(args))
    except ValidationError as error:
        # pydantic takes no number for a text, but ids of one source are numbers and of another texts.
        texts = {e["loc"][0] for e in error.errors() if e["type"] == "string_type" and len(e["loc"]) == 1}
        texts = {name for name in texts if isinstance(args[str(name)], int | float)}
        if not texts:
            raise
        return model.model_validate({name: str(v) if name in texts else v for name, v in args.items()})
