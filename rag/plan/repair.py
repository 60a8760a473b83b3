"""Mending a plan without a model: nearest names, other types, dropped extras; each with a note."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from rag.card import Schema, SourceCard
from rag.plan.check import MAX_STEPS, argument_problem, check
from rag.plan.fields import field_known, nearest, nearest_path
from rag.plan.refs import ArgValue, Ref, Template, references
from rag.plan.shapes import argument_shape
from rag.plan.value import Plan, Step
from rag.plan.waits import with_sound_waits
from rag.plan.words import cut

__all__ = ["repair"]

_SHOWN: Final = 60  # letters of a value that a note quotes
_MOST_UNKNOWN: Final = 20
"""How many arguments that a source does not take are looked at for what they were meant to be."""

_Sources: TypeAlias = Mapping[str, SourceCard | None]
"""The card of the source of each step, by the step's id."""


@dataclass(frozen=True, slots=True)
class _Notes:
    """Where the notes on one step go."""

    step_id: str
    all: list[str]

    def append(self, note: str) -> None:
        self.all.append(f"{self.step_id}: {note}")


def repair(plan: Plan, cards: Sequence[SourceCard], *, question: str = "", max_steps: int = MAX_STEPS) -> Plan:
    """The plan with what rules can mend mended, and a note for each repair.

    A plan with nothing wrong comes back as it was.

    Args:
        plan: the plan as a model wrote it.
        cards: the sources that there are.
        question: stands in where a step lacks the text to search for.
        max_steps: steps beyond these are dropped, with those that wait for them.

    Raises:
        PlanError: the first problem that is left.

    Example:
        >>> from rag.card import Schema, SourceCard, free_query
        >>> docs = SourceCard(name="docs", arguments=free_query())
        >>> plan = Plan.from_json({"steps": [{"id": "s1", "source": "Docs", "args": {"query": "x", "page": 2}}]})
        >>> mended = repair(plan, [docs])
        >>> print(mended)
        s1  docs(query="x")
        >>> for note in mended.notes: print(note)
        s1: source 'Docs' read as 'docs'
        s1: argument 'page' dropped, since 'docs' does not take it
    """
    by_name = {card.name: card for card in cards}
    notes: list[str] = []
    steps = _within(plan.steps, max_steps, notes)
    steps = [_named(step, by_name, notes) for step in steps]
    steps = with_sound_waits(steps, by_name, notes)
    sources = {step.id: by_name.get(step.source) for step in steps}
    steps = [
        _mended(step, by_name[step.source], sources, question, notes) if step.source in by_name else step
        for step in steps
    ]
    mended = plan.replace(steps=tuple(steps)) if notes else plan
    return check(mended.noted(*notes), cards, max_steps=max_steps)


def _within(steps: Sequence[Step], limit: int, notes: list[str]) -> list[Step]:
    kept, gone = list(steps[:limit]), {step.id for step in steps[limit:]}
    while lost := [step for step in kept if step.waits_for & gone]:
        gone |= {step.id for step in lost}
        kept = [step for step in kept if step.id not in gone]
    if gone:
        named = cut(", ".join(sorted(gone)), _SHOWN)
        notes.append(f"steps {named} dropped, since a plan has at most {limit} steps")
    return kept


def _named(step: Step, cards: Mapping[str, SourceCard], notes: list[str]) -> Step:
    if step.source in cards or (name := nearest(step.source, cards)) is None:
        return step
    notes.append(f"{step.id}: source {step.source!r} read as {name!r}")
    return step.replace(source=name)


def _mended(
    step: Step, card: SourceCard, sources: Mapping[str, SourceCard | None], question: str, notes: list[str]
) -> Step:
    args: dict[str, ArgValue] = {}
    free, unknown = card.properties.keys() - step.args.keys(), 0
    for name, value in step.args.items():
        key: str | None = name
        if name not in card.properties:
            unknown += 1
            key = nearest(name, free - args.keys()) if unknown <= _MOST_UNKNOWN else None
        if key is None:
            notes.append(f"{step.id}: argument {_quoted(name)} dropped, since {card.name!r} does not take it")
            continue
        if key != name:
            notes.append(f"{step.id}: argument {_quoted(name)} read as {key!r}")
        told = _Notes(step.id, notes)
        args[key] = _in_place(_with_known_fields(value, sources, told), key, card, sources, told)
    args = _fitted(args, step.id, card, notes)
    query = card.query_argument
    if query in card.required and query not in args and question:
        args[str(query)] = question
        notes.append(f"{step.id}: argument {query!r} was missing; the question stands in")
    return step if args == step.args else step.replace(args=args)


def _fitted(args: dict[str, ArgValue], step_id: str, card: SourceCard, notes: list[str]) -> dict[str, ArgValue]:
    fitted: dict[str, ArgValue] = {}
    for name, value in args.items():
        if not argument_problem(card, name, value):
            fitted[name] = value
            continue
        others = (v for v in _other_forms(value, name, card) if not argument_problem(card, name, v))
        if (other := next(others, None)) is not None:
            fitted[name] = other
            notes.append(f"{step_id}: {name}={_quoted(value)} read as {_quoted(other)}")
        elif name in card.required:
            fitted[name] = value
        else:
            notes.append(f"{step_id}: {name}={_quoted(value)} dropped, since it does not fit")
    return fitted


def _other_forms(value: Any, name: str, card: SourceCard) -> Iterator[Any]:
    yield from _choices(value, card.kinds(name))
    if isinstance(value, str):
        with contextlib.suppress(ValueError, RecursionError):
            yield json.loads(value)
        yield [value]
    elif isinstance(value, list) and len(value) == 1:
        yield value[0]
    elif isinstance(value, bool | int | float):
        yield str(value)
    if isinstance(value, float) and value.is_integer():
        yield int(value)
    yield argument_shape(card, name).cast(value)


def _choices(value: Any, kinds: Sequence[Schema]) -> Iterator[Any]:
    for kind in kinds:
        choices = {str(choice): choice for choice in kind.get("enum", ())}
        if isinstance(value, str | int | float) and (near := nearest(str(value), choices)) is not None:
            yield choices[near]


def _in_place(value: ArgValue, name: str, card: SourceCard, sources: _Sources, notes: _Notes) -> ArgValue:
    """The value with a reference set to what its argument takes: a list where it stands in one, a title for a row."""
    shape = argument_shape(card, name)
    lone = value[0] if isinstance(value, list) and len(value) == 1 else None
    if isinstance(lone, Ref) and lone.many and shape.takes("array") and not shape.lists("array"):
        notes.append(f"{name}=[{lone}] read as {lone}")
        return lone
    if not isinstance(value, Ref) or value.fields or shape.takes_anything or shape.takes("object"):
        return value
    told = sources.get(value.step)
    if told is None or told.title_field is None or shape.lists("object"):
        return value
    titled = Ref(value.step, (*value.path, told.title_field))
    notes.append(f"{value} read as {titled}")
    return titled


def _with_known_fields(value: ArgValue, sources: _Sources, notes: _Notes) -> ArgValue:
    """The value with each reference to a field that its source does not return set to the nearest that it does."""
    if isinstance(value, Ref):
        return _known_field(value, sources.get(value.step), notes)
    if isinstance(value, Template):
        return Template(tuple(_with_known_fields(p, sources, notes) for p in value.parts))
    if not any(True for _ in references(value)):
        return value
    if isinstance(value, dict):
        return {k: _with_known_fields(v, sources, notes) for k, v in value.items()}
    return [_with_known_fields(v, sources, notes) for v in value]


def _known_field(ref: Ref, card: SourceCard | None, notes: _Notes) -> Ref:
    if card is None or card.output is None or field_known(card.output, ref):
        return ref
    path = nearest_path(card.output, ref.fields)
    name = next((e for e in ref.fields if isinstance(e, str)), "")
    if path is None and card.title_field and name in ("name", "product"):
        path = (card.title_field,)
    if path is None:
        return ref
    mended = Ref(ref.step, (ref.path[0], *path))
    notes.append(f"{ref} read as {mended}")
    return mended


def _quoted(value: ArgValue) -> str:
    return cut(repr(value) if not isinstance(value, Ref | Template) else str(value), _SHOWN)
