"""Plans as models write them: close to the form, and not quite of it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from rag.errors import PlanError
from rag.plan.refs import NAME
from rag.plan.value import Plan, Step

__all__ = ["from_model"]

_FIELDS: Final = frozenset(Step.model_fields)


def from_model(written: Mapping[str, Any]) -> Plan:
    """The plan in what a model wrote: what plans do not have is dropped, ids are made good, each with a note.

    Raises:
        PlanError: there are no steps in it, or they are not of a step's form.

    Example:
        >>> plan = from_model({"thought": "…", "steps": [
        ...     {"id": 1, "source": "orders", "args": {"query": "lamp"}, "reason": "…"},
        ...     {"source": "reviews", "args": {"query": "$1.title"}}]})
        >>> print(plan)
        s1  orders(query="lamp")
        s2  reviews(query="$s1[0].title")  ← s1
        >>> plan.notes
        ("dropped 'thought', which plans do not have", "s1: dropped 'reason', which steps do not have")
    """
    steps = written.get("steps")
    if not isinstance(steps, Sequence) or isinstance(steps, str) or not all(isinstance(s, Mapping) for s in steps):
        raise PlanError('a plan is a JSON object with "steps": [{"id", "source", "args"}, …]')
    notes = [f"dropped {name!r}, which plans do not have" for name in written if name not in Plan.model_fields]
    ids = _good_ids([step.get("id") for step in steps])
    renamed = {str(step["id"]): new for step, new in zip(steps, ids, strict=True) if step.get("id") not in (None, new)}
    kept = []
    for step, new in zip(steps, ids, strict=True):
        notes += [f"{new}: dropped {name!r}, which steps do not have" for name in step if name not in _FIELDS]
        fields = {name: value for name, value in step.items() if name in _FIELDS}
        fields |= {"id": new, "args": _renamed(fields.get("args") or {}, renamed)}
        if after := fields.pop("after", None):
            fields["after"] = [renamed.get(str(each), each) for each in after] if isinstance(after, list) else after
        if first := fields.pop("if_empty", None):
            fields["if_empty"] = renamed.get(str(first), first)
        kept.append(fields)
    return Plan.from_json({"steps": kept}).noted(*notes)


def _good_ids(written: Sequence[Any]) -> list[str]:
    """An id for each step: its own where that can stand, else one like it."""
    ids: list[str] = []
    for place, given in enumerate(written, start=1):
        word = re.sub(r"[^A-Za-z0-9_]+", "_", str(given)).strip("_") if given is not None else str(place)
        name = word if re.fullmatch(NAME, word) else f"s{word}"
        while name in ids:
            name += "_"
        ids.append(name)
    return ids


def _renamed(value: Any, renamed: Mapping[str, str]) -> Any:
    """The value with the steps that its references name called by their new ids."""
    if isinstance(value, str):
        for old, new in renamed.items():
            value = re.sub(rf"\${re.escape(old)}(?=[.\[])", f"${new}", value)
        return value
    if isinstance(value, Mapping):
        return {key: _renamed(item, renamed) for key, item in value.items()}
    return [_renamed(item, renamed) for item in value] if isinstance(value, list) else value
