"""Mending what the steps of a plan wait for: names of no step, a step that waits for itself, rings."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import Any, Final

from rag.card import SourceCard
from rag.plan.fields import field_known
from rag.plan.refs import ArgValue, Ref, Template, references
from rag.plan.value import Step

__all__ = ["with_sound_waits"]

# What models call a step besides its id, before its number.
_STEP_WORDS: Final = frozenset(("", "s", "step", "task", "result", "output", "var", "call", "query"))


def with_sound_waits(steps: Sequence[Step], cards: Mapping[str, SourceCard], notes: list[str]) -> list[Step]:
    """The steps with names that mean no step read as the step they mean, and hints that cannot be kept dropped.

    A reference is never dropped: where rules cannot tell which step it means, it stays as it is. Of a
    ring, what is not a reference goes: `after` before `if_empty`, and first where a step would wait for
    one that is written later.
    """
    steps = [_known(step, steps, cards, notes) for step in steps]
    while (edge := _weakest(_ring(steps), steps)) is not None:
        step_id, needed = edge
        steps = [
            _without_wait(step, needed, "they wait for each other", notes) if step.id == step_id else step
            for step in steps
        ]
    return steps


def _known(step: Step, steps: Sequence[Step], cards: Mapping[str, SourceCard], notes: list[str]) -> Step:
    ids = {other.id for other in steps}
    meant = {name: _meant(name, step, steps) for name in step.waits_for - ids}
    for ref in references(step.args):
        if ref.step == step.id:
            meant[ref.step] = _holder(ref, step, steps, cards)
    renamed = {name: other for name, other in meant.items() if other}
    for name, other in sorted(renamed.items()):
        notes.append(f"{step.id}: {name!r} read as the step {other!r}")
    if renamed:
        after = tuple(dict.fromkeys(renamed.get(name, name) if name != step.id else name for name in step.after))
        first = renamed.get(step.if_empty or "", step.if_empty) if step.if_empty != step.id else step.if_empty
        step = step.replace(args=_renamed(step.args, renamed), after=after, if_empty=first)
    hints = {*step.after, *([step.if_empty] if step.if_empty else [])}
    for name in sorted(hints - (ids - {step.id})):
        step = _without_wait(step, name, "it is no other step", notes)
    return step


def _meant(name: str, step: Step, steps: Sequence[Step]) -> str | None:
    """The one other step that a name of no step means: its id or its source otherwise written, or its number."""
    others = [other for other in steps if other.id != step.id]
    for same in (_same_word, _same_number, _same_source):
        found = [other.id for other in others if same(name, other)]
        if found:
            return found[0] if len(found) == 1 else None
    return None


def _same_word(name: str, step: Step) -> bool:
    return _folded(name) == _folded(step.id)


def _same_number(name: str, step: Step) -> bool:
    (word, number), (other_word, other_number) = _parts(name), _parts(step.id)
    return bool(number) and number == other_number and word in _STEP_WORDS and other_word in _STEP_WORDS


def _same_source(name: str, step: Step) -> bool:
    return bool(_folded(name)) and _folded(name) == _folded(step.source)


def _parts(name: str) -> tuple[str, str]:
    match = re.fullmatch(r"(.*?)0*([0-9]*)", _folded(name)[:40])
    return (match[1], match[2]) if match else ("", "")


def _folded(name: str) -> str:
    return "".join(c for c in name.casefold() if c.isalnum())


def _holder(ref: Ref, step: Step, steps: Sequence[Step], cards: Mapping[str, SourceCard]) -> str | None:
    """The one earlier step whose source is known to return what a step seems to want of itself."""
    earlier = itertools.takewhile(lambda other: other.id != step.id, steps)
    outputs = {other.id: cards[other.source].output for other in earlier if other.source in cards}
    held = [name for name, output in outputs.items() if output is not None and field_known(output, ref)]
    return held[0] if len(held) == 1 and ref.fields else None


def _renamed(value: ArgValue, names: Mapping[str, str]) -> Any:
    if isinstance(value, Ref):
        return Ref(names.get(value.step, value.step), value.path)
    if isinstance(value, Template):
        return Template(tuple(_renamed(part, names) for part in value.parts))
    if isinstance(value, dict):
        return {key: _renamed(item, names) for key, item in value.items()}
    return [_renamed(item, names) for item in value] if isinstance(value, list) else value


def _without_wait(step: Step, needed: str, why: str, notes: list[str]) -> Step:
    """The step without its hint to wait for another."""
    after = tuple(name for name in step.after if name != needed)
    first = step.if_empty if after != step.after or step.if_empty != needed else None
    kind = "after" if after != step.after else "if_empty"
    notes.append(f"{step.id}: {kind} {needed!r} dropped, since {why}")
    return step.replace(after=after, if_empty=first)


def _ring(steps: Sequence[Step]) -> list[str]:
    ids = {step.id for step in steps}
    try:
        TopologicalSorter({s.id: sorted(s.waits_for & ids) for s in steps}).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def _weakest(ring: Sequence[str], steps: Sequence[Step]) -> tuple[str, str] | None:
    """The edge of a ring to drop: a step, and the one that it need not wait for; None when all are references."""
    places = {step.id: place for place, step in enumerate(steps)}
    hints = sorted(_hints(ring, {step.id: step for step in steps}, places))
    return (hints[0][2], hints[0][3]) if hints else None


def _hints(
    ring: Sequence[str], steps: Mapping[str, Step], places: Mapping[str, int]
) -> Iterator[tuple[bool, bool, str, str]]:
    for needed, step_id in itertools.pairwise(ring):
        step = steps[step_id]
        if needed not in step.needs:
            yield needed not in step.after, places[needed] < places[step_id], step_id, needed
