"""A plan that rules cannot mend: the model is shown it, with all that is wrong with it, once."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from functools import cache
from typing import Final, TypeAlias

from planners.actions import affords, complete
from planners.mend import mended
from planners.offer import offered
from planners.written import read_plan
from prompts.inert import on_one_line
from rag.card import SourceCard
from rag.errors import BudgetExceeded, ModelError, PlanError, PromptError
from rag.plan import Plan, Step, problems
from rag.protocols import Action, Observation, Task

__all__ = ["Reading", "reading", "sound", "usable"]

Reading: TypeAlias = Callable[[str], tuple[Plan, Plan]]
"""Reads the plan in what a model wrote: as it was written, and mended. Raises a PlanError where it cannot be mended."""

_MOST_TOKENS: Final = 1000
_MOST_PROBLEMS: Final = 8
_PLAN_LENGTH: Final = 3000  # characters


def reading(task: Task, cards: Sequence[SourceCard]) -> Reading:
    """How plans over these sources are read: once, for whether a text is worth keeping and for what becomes of it."""

    def read(text: str) -> tuple[Plan, Plan]:
        written = read_plan(text)
        return written, mended(written, task, cards)

    return cache(read)


def sound(
    text: str, read: Reading, task: Task, cards: Sequence[SourceCard]
) -> Generator[tuple[Action, ...], tuple[Observation, ...], tuple[Plan, Plan]]:
    """The plan in what a model wrote: as it was written, and mended.

    Where rules cannot mend it, and the budget leaves a call besides the one that reads, the model is
    asked once more; a note on the plan says so.

    Raises:
        PlanError: it cannot be mended.
    """
    try:
        return read(text)
    except PlanError as error:
        if not affords(task, made=1):
            raise
        wrong = _wrong(text, cards) or [str(error)]
    written = read_plan((yield from _rewritten(text, wrong, task, cards)))
    plan = _sound_part(written, task, cards)
    return written, plan.noted(f"the model was asked once more, since its first plan could not be used: {wrong[0]}")


def _sound_part(plan: Plan, task: Task, cards: Sequence[SourceCard]) -> Plan:
    """The plan mended, less the steps that nothing mends, with a note on each.

    Raises:
        PlanError: no step is left.
    """
    try:
        return mended(plan, task, cards)
    except PlanError as error:
        whole = error
    kept: list[Step] = []
    notes = []
    for step in plan.steps:
        try:
            mended(Plan(steps=(*kept, step)), task, cards)
        except PlanError as error:
            notes.append(f"{step.id} left out: {error}")
        else:
            kept.append(step)
    if not kept:
        raise whole
    return mended(plan.replace(steps=tuple(kept)), task, cards).noted(*notes)


def usable(text: str, read: Reading) -> bool:
    """Whether what a model wrote has a plan that rules can mend, if it needs that."""
    try:
        read(text)
    except PlanError:
        return False
    return True


def _wrong(text: str, cards: Sequence[SourceCard]) -> list[str]:
    """All that is wrong with the plan; nothing where there is no plan to look at."""
    try:
        return [str(problem) for problem in problems(read_plan(text), cards)]
    except PlanError:
        return []


def _rewritten(
    text: str, wrong: Sequence[str], task: Task, cards: Sequence[SourceCard]
) -> Generator[tuple[Action, ...], tuple[Observation, ...], str]:
    values, schema = offered(cards, task)
    values |= {
        "plan": on_one_line(text, _PLAN_LENGTH),
        "problems": "\n".join(f"- {on_one_line(problem, 300)}" for problem in wrong[:_MOST_PROBLEMS]),
    }
    try:
        reply = yield from complete("repair", values, schema=schema, max_tokens=_MOST_TOKENS)
    except (ModelError, BudgetExceeded, PromptError) as error:
        raise PlanError(f"{wrong[0]}; asked once more, the model wrote none: {error}") from error
    return reply.text
