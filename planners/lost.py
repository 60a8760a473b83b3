"""What a run of a plan lost: the steps that brought nothing though they were needed."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from rag.plan import ArgValue, Plan, Ref, Step, Template
from rag.protocols import Executed

__all__ = ["FOUND_NOTHING", "Lost", "referring"]

FOUND_NOTHING: Final = "it found nothing"
"""Why a step is lost that ended well, without a row."""


@dataclass(frozen=True, slots=True)
class Lost:
    """The part of a plan that has to be planned anew.

    `steps` are in plan order, and `why` tells by id why each brought nothing. `down` are the sources that
    failed by themselves. `kept` is the plan less that part.
    """

    steps: tuple[Step, ...]
    why: Mapping[str, str]
    down: frozenset[str]
    kept: Plan

    @classmethod
    def of(cls, executed: Executed, needed: Collection[str] = ()) -> Lost:
        """What a run lost: steps that failed, and those that found nothing though others need it.

        Args:
            executed: what the run brought.
            needed: steps that stand for a part lost before: they must have found something between them.
        """
        plan, rows = executed.plan, executed.rows
        gone = _gone(executed, needed)
        steps = tuple(step for step in plan.steps if step.id in gone)
        otherwise = {step.id: FOUND_NOTHING if step.id in rows else "it was not run" for step in steps}
        kept = tuple(_less(step, gone) for step in plan.steps if step.id not in gone)
        why = {step_id: executed.failures.get(step_id, reason) for step_id, reason in otherwise.items()}
        return cls(steps, why, executed.down, plan.replace(steps=kept))


def referring(value: ArgValue, ids: Mapping[str, str]) -> ArgValue:
    """The value with each reference to a step that has another id now set to that."""
    if isinstance(value, Ref):
        return Ref(ids.get(value.step, value.step), value.path)
    if isinstance(value, Template):
        return Template(tuple(referring(part, ids) if isinstance(part, Ref) else part for part in value.parts))
    if isinstance(value, dict):
        return {name: referring(item, ids) for name, item in value.items()}
    return [referring(item, ids) for item in value] if isinstance(value, list | tuple) else value


def _gone(executed: Executed, needed: Collection[str]) -> set[str]:
    steps, rows = executed.plan.steps, executed.rows
    empty = {step.id for step in steps if step.id in rows and not rows[step.id]}
    gone = {step.id for step in steps if step.id in executed.failures}
    gone |= {other for step in steps if step.id in gone for other in step.needs & empty}
    # Where nothing was found at all, it is the reader that needs it.
    if not executed.evidence:
        gone |= empty
    elif not any(rows.get(step_id) for step_id in needed):
        gone |= empty & set(needed)
    # What stood in for them, or builds on them, and brought nothing either.
    while more := {step.id for step in steps if not rows.get(step.id) and _behind(step) & gone} - gone:
        gone |= more
    return gone


def _behind(step: Step) -> frozenset[str]:
    return step.needs | ({step.if_empty} if step.if_empty else set())


def _less(step: Step, gone: Collection[str]) -> Step:
    """The step, waiting for nothing that is gone: it has been run already."""
    if not step.waits_for & set(gone):
        return step
    after = tuple(other for other in step.after if other not in gone)
    return step.replace(after=after, if_empty=None if step.if_empty in gone else step.if_empty)
