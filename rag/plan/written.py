"""Plans as models write them: close to the form, and not quite of it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from rag.errors import PlanError
from rag.plan.normal import MOST_DEPTH, is_deep
from rag.plan.refs import NAME
from rag.plan.spelling import Spelling
from rag.plan.value import Plan, Step
from rag.plan.words import counted, cut

__all__ = ["from_model", "step_fields"]

_FORM: Final = 'a plan is a JSON object with "steps": [{"id", "source", "args"}, …]'
_FIELDS: Final = frozenset(Step.model_fields)
_PLAN_FIELDS: Final = frozenset({*Plan.model_fields, "version"})
# What function-calling formats call the fields of a step.
_ALIASES: Final[Mapping[str, tuple[str, ...]]] = {
    "id": ("label", "step_id", "step"),
    "source": ("name", "tool", "function"),
    "args": ("arguments", "parameters", "params", "inputs"),
    "after": ("depends_on", "dependencies"),
}
_SHOWN: Final = 60  # letters of a name that a note quotes
_MOST_NOTES: Final = 20


def from_model(written: Mapping[str, Any]) -> Plan:
    """The plan in what a model wrote: what plans do not have is dropped, ids are made good, each with a note.

    Raises:
        PlanError: there are no steps in it, or they are not of a step's form.

    Example:
        >>> plan = from_model({"thought": "…", "steps": [
        ...     {"id": 1, "source": "orders", "args": {"query": "lamp"}, "reason": "…"},
        ...     {"source": "reviews", "args": {"query": "{{1.title}}"}}]})
        >>> print(plan)
        s1  orders(query="lamp")
        s2  reviews(query="$s1[0].title")  ← s1
        >>> for note in plan.notes: print(note)
        dropped 'thought', which plans do not have
        s1: dropped 'reason', which steps do not have
        s2: '{{1.title}}' read as '$s1.title'
    """
    notes = [f"dropped {_quoted(name)}, which plans do not have" for name in written if name not in _PLAN_FIELDS]
    steps = _steps(written.get("steps"), notes)
    steps = [_with_own_names(step) for step in steps]
    ids = _good_ids([step.get("id") for step in steps])
    # Where two steps are called the same, the first one keeps the name.
    renamed = {new: new for new in ids}
    renamed |= {str(step["id"]): new for step, new in reversed([*zip(steps, ids, strict=True)]) if "id" in step}
    spelling, kept = Spelling(renamed), []
    for step, new in zip(steps, ids, strict=True):
        extra = [name for name in step if name not in _FIELDS]
        notes += [f"{new}: dropped {_quoted(name)}, which steps do not have" for name in extra]
        fields = {name: step[name] for name in ("source",) if name in step}
        args, told = spelling.read(_args(step.get("args"), new))
        kept.append({**fields, "id": new, "args": args, **_waits(step, renamed)})
        notes += [f"{new}: {note}" for note in told]
    return Plan.from_json({"steps": kept}).noted(*notes[:_MOST_NOTES])


def step_fields(written: Mapping[str, Any], step_id: str) -> dict[str, Any]:
    """The fields of one step, called as steps have them; no text in its arguments is read for references.

    Raises:
        PlanError: its arguments are nested too deep.

    Example:
        >>> step_fields({"tool": "docs", "arguments": '{"query": "$5 lamps"}'}, "s1")
        {'source': 'docs', 'args': {'query': '$5 lamps'}}
    """
    own = _with_own_names(written)
    return own | {"args": _args(own.get("args"), step_id)}


def _steps(written: Any, notes: list[str]) -> list[Mapping[str, Any]]:
    if isinstance(written, Mapping) and all(isinstance(step, Mapping) for step in written.values()):
        written = [{"id": name, **step} for name, step in written.items()]
    if not isinstance(written, list | tuple):
        raise PlanError(_FORM)
    steps = [step for step in written if isinstance(step, Mapping)]
    if len(steps) < len(written):
        if not steps:
            raise PlanError(_FORM)
        notes.append(f"dropped {counted(len(written) - len(steps), 'item')} among the steps that are none")
    return steps


def _with_own_names(step: Mapping[str, Any]) -> dict[str, Any]:
    """The step with its fields called as steps have them; where it has no arguments, its other fields are these."""
    own = dict(step)
    for name, aliases in _ALIASES.items():
        found = [alias for alias in aliases if alias in own]
        if own.get(name) is None and found:
            own[name] = own.pop(found[0])
    if own.get("args") is None:
        own["args"] = {name: own.pop(name) for name in [*own] if name not in _FIELDS}
    return own


def _args(written: Any, step_id: str) -> Any:
    if isinstance(written, str):  # function-calling formats write the arguments as text
        try:
            written = json.loads(written)
        except (ValueError, RecursionError):
            return written
    if is_deep(written):
        raise PlanError(f"step {step_id!r}: its arguments are nested more than {MOST_DEPTH} deep")
    return written or {}


def _waits(step: Mapping[str, Any], renamed: Mapping[str, str]) -> dict[str, Any]:
    waits: dict[str, Any] = {}
    if after := [renamed.get(name, name) for name in _names(step.get("after"), renamed)]:
        waits["after"] = after
    if first := [renamed.get(name, name) for name in _names(step.get("if_empty"), renamed)]:
        waits["if_empty"] = first[0]
    return waits


def _names(written: Any, known: Mapping[str, str]) -> Iterator[str]:
    """The steps that `after` or `if_empty` names, which a model may write as one text or as a list."""
    for each in written if isinstance(written, list) else [written]:
        if isinstance(each, bool) or not isinstance(each, str | int):
            continue
        name = str(each).strip().lstrip("$")
        yield from [name] if name in known else filter(None, re.split(r"[\s,;]+", name))


def _good_ids(written: Sequence[Any]) -> list[str]:
    """An id for each step: its own where that can stand, else one like it."""
    ids: dict[str, int] = {}
    for place, given in enumerate(written, start=1):
        word = re.sub(r"[^A-Za-z0-9_]+", "_", str(given)).strip("_") if given is not None else str(place)
        name = word if re.fullmatch(NAME, word) else f"s{word}"
        while name in ids:
            ids[name] += 1
            name = f"{name}_{ids[name]}"
        ids[name] = 1
    return list(ids)


def _quoted(name: Any) -> str:
    return repr(cut(str(name), _SHOWN))
