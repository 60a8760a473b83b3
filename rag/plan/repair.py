"""Mending a plan without a model: nearest names, other types, dropped extras; each with a note."""

from __future__ import annotations

import contextlib
import difflib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from rag.card import Schema, SourceCard
from rag.plan.check import MAX_STEPS, argument_problem, check, field_known
from rag.plan.refs import EVERY, ArgValue, Ref, Template, references
from rag.plan.value import Plan, Step

__all__ = ["repair"]


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
        notes.append(f"steps {', '.join(sorted(gone))} dropped, since a plan has at most {limit} steps")
    return kept


def _named(step: Step, cards: Mapping[str, SourceCard], notes: list[str]) -> Step:
    if step.source in cards or (name := _nearest(step.source, cards)) is None:
        return step
    notes.append(f"{step.id}: source {step.source!r} read as {name!r}")
    return step.replace(source=name)


def _mended(
    step: Step, card: SourceCard, sources: Mapping[str, SourceCard | None], question: str, notes: list[str]
) -> Step:
    args: dict[str, ArgValue] = {}
    for name, value in step.args.items():
        key = name if name in card.properties else _nearest(name, card.properties.keys() - step.args.keys())
        if key is None:
            notes.append(f"{step.id}: argument {name!r} dropped, since {card.name!r} does not take it")
            continue
        if key != name:
            notes.append(f"{step.id}: argument {name!r} read as {key!r}")
        args[key] = _with_known_fields(value, step.id, sources, notes)
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
        others = [v for v in _other_forms(value, card.kinds(name)) if not argument_problem(card, name, v)]
        if others:
            fitted[name] = others[0]
            notes.append(f"{step_id}: {name}={value!r} read as {others[0]!r}")
        elif name in card.required:
            fitted[name] = value
        else:
            notes.append(f"{step_id}: {name}={value!r} dropped, since it does not fit")
    return fitted


def _other_forms(value: Any, kinds: Sequence[Schema]) -> Iterator[Any]:
    for kind in kinds:
        choices = {str(choice): choice for choice in kind.get("enum", ())}
        if (near := _nearest(str(value), choices)) is not None:
            yield choices[near]
    if isinstance(value, str):
        with contextlib.suppress(ValueError):
            yield json.loads(value)
        yield [value]
    elif isinstance(value, list) and len(value) == 1:
        yield value[0]
    elif isinstance(value, bool | int | float):
        yield str(value)
    if isinstance(value, float) and value.is_integer():
        yield int(value)


def _with_known_fields(
    value: ArgValue, step_id: str, sources: Mapping[str, SourceCard | None], notes: list[str]
) -> ArgValue:
    """The value with each reference to a field that its source does not return set to the nearest that it does."""
    if isinstance(value, Ref):
        return _known_field(value, step_id, sources.get(value.step), notes)
    if isinstance(value, Template):
        return Template(tuple(_with_known_fields(p, step_id, sources, notes) for p in value.parts))
    if not any(True for _ in references(value)):
        return value
    if isinstance(value, dict):
        return {k: _with_known_fields(v, step_id, sources, notes) for k, v in value.items()}
    return [_with_known_fields(v, step_id, sources, notes) for v in value]


def _known_field(ref: Ref, step_id: str, card: SourceCard | None, notes: list[str]) -> Ref:
    if card is None or field_known(card.output, ref):
        return ref
    fields = (card.output or {}).get("properties", {})
    name = next((e for e in ref.fields if isinstance(e, str)), "")
    near = _nearest(name, fields) or (card.title_field if not ref.fields or name in ("name", "product") else None)
    if near is None:
        return ref
    rows = EVERY if ref.path[0] is EVERY else 0
    mended = Ref(ref.step, (rows, near))
    notes.append(f"{step_id}: {ref} read as {mended}")
    return mended


def _nearest(name: str, names: Iterable[str]) -> str | None:
    """The name that was probably meant: the same but for case and punctuation, else a close spelling."""
    folded = {_folded(other): other for other in sorted(names)}
    if _folded(name) in folded:
        return folded[_folded(name)]
    close = difflib.get_close_matches(_folded(name), folded, n=1, cutoff=0.8)
    return folded[close[0]] if close else None


def _folded(name: str) -> str:
    return "".join(c for c in name.casefold() if c.isalnum())
