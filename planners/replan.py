"""Planning the failed part of a plan anew, with what is known by then.

The model is asked once a replan; where there is none, or its plan cannot be used, rules look for another
source. What is done is not run again: new steps may refer to it, so that the values that it found need
not pass through a model's hands.
"""

from __future__ import annotations

import itertools
from collections.abc import Collection, Generator, Sequence
from dataclasses import replace
from typing import Final

from planners.actions import affords, complete, execute, joined, planned
from planners.fittest import fittest
from planners.lost import Lost, referring
from planners.offer import offered
from planners.restate import restated
from planners.shown import found
from planners.written import read_plan
from prompts.inert import on_one_line
from rag.errors import BudgetExceeded, ModelError, PlanError, PromptError, RagError
from rag.plan import Plan, Step, repair
from rag.plan.draw import call
from rag.protocols import Action, Executed, Observation, Task

__all__ = ["replanned"]

_MOST_TOKENS: Final = 1000
_LINE_LENGTH: Final = 400  # characters

_Actions = tuple[Action, ...]
_Observations = tuple[Observation, ...]
_Planning = Generator[_Actions, _Observations, Plan]


def replanned(executed: Executed, task: Task) -> Generator[_Actions, _Observations, Executed]:
    """What a run brought, and what was brought in place of what it lost.

    The part is planned anew as often as the task allows, until nothing is lost. Its plan is the whole:
    what is done, and the new steps. What stays lost is among the failures.
    """
    tried = list(executed.plan.steps)
    anew: set[str] = set()
    missing: dict[str, str] = {}
    given_up: dict[str, str] = {}
    for _ in range(task.replans):
        lost = Lost.of(executed, anew)
        if not lost.steps:
            break
        plan, replaced = yield from _planned_anew(executed, lost, task, tried)
        plan = planned(plan, task)
        new = plan.steps[len(lost.kept.steps) :]
        if not new:
            executed = replace(executed, notes=(*executed.notes, *plan.notes[len(executed.plan.notes) :]))
            break
        given_up |= {step: why for step, why in executed.failures.items() if step not in replaced}
        done = {step.id: executed.rows.get(step.id, ()) for step in lost.kept.steps}
        try:
            executed = joined(executed, (yield from execute(plan, done=done)))
        except RagError as error:
            executed = replace(executed, notes=(*executed.notes, f"the new plan could not be run: {error}"))
            break
        tried += new
        anew = {step.id for step in new}
        missing |= lost.why
        if any(executed.rows.get(step_id) for step_id in anew):
            missing = {}
    return replace(executed, failures={**given_up, **missing, **executed.failures})


def _planned_anew(
    executed: Executed, lost: Lost, task: Task, tried: Sequence[Step]
) -> Generator[_Actions, _Observations, tuple[Plan, Collection[str]]]:
    """The whole plan: what is kept, then the new steps; and the lost ones that these stand for."""
    taken = {step.id for step in tried}
    fresh = (f"s{n}" for n in itertools.count(1) if f"s{n}" not in taken)
    if not (task.model and affords(task, executed.model_calls)):
        return (yield from restated(lost, task, tried, fresh))
    first = next(fresh)
    try:
        written = yield from _written(executed, lost, task, first)
        return _whole(written, lost, task, tried), lost.why.keys()
    except (ModelError, BudgetExceeded, PromptError, PlanError) as error:
        plan, replaced = yield from restated(lost, task, tried, itertools.chain([first], fresh))
        return plan.noted(f"planned anew by rules, since the model's plan cannot be used: {error}"), replaced


def _written(executed: Executed, lost: Lost, task: Task, first: str) -> _Planning:
    """What the model writes for the lost part."""
    left = tuple(card for card in task.cards if card.name not in lost.down)
    cards = yield from fittest(replace(task, cards=left), Plan(), ())
    values, schema = offered(cards, task)
    done = [f"{step.id}: {_call(step)}\n{found(executed.rows.get(step.id, ()))}" for step in lost.kept.steps]
    values |= {
        "done": "\n".join(done) or "nothing",
        "failed": "\n".join(
            f"{step.id}: {_call(step)}: {on_one_line(lost.why[step.id], _LINE_LENGTH)}" for step in lost.steps
        ),
        "first": first,
    }
    reply = yield from complete("replan", values, schema=schema, max_tokens=_MOST_TOKENS)
    return read_plan(reply.text)


def _call(step: Step) -> str:
    return on_one_line(call(step), _LINE_LENGTH)


def _whole(written: Plan, lost: Lost, task: Task, tried: Sequence[Step]) -> Plan:
    """The kept plan with the steps that the model wrote, mended.

    Raises:
        PlanError: they cannot be mended, ask a source that is down, ask what was asked before, or do again
            what may change something.
    """
    gone = ", ".join(lost.why)
    if not written.steps:
        return lost.kept.noted(f"the model sees nothing to ask in place of {gone}")
    new = _renamed(written.steps, {step.id for step in tried})
    whole = lost.kept.replace(steps=(*lost.kept.steps, *new)).noted(*written.notes)
    whole = repair(whole, task.cards, question=task.question)
    new = whole.steps[len(lost.kept.steps) :]
    if down := next((step for step in new if step.source in lost.down), None):
        raise PlanError(f"step {down.id!r} asks {down.source!r}, which has just failed")
    before = [(step.source, step.args) for step in tried]
    if all((step.source, step.args) in before for step in new):
        raise PlanError("it asks nothing that was not asked before")
    changing = {card.name for card in task.cards if not card.idempotent}
    if again := next((step for step in new if step.source in changing and (step.source, step.args) in before), None):
        raise PlanError(f"step {again.id!r} asks {again.source!r} again, which may change something")
    why = next(iter(lost.why.values()))
    return whole.noted(f"{', '.join(step.id for step in new)}: planned by the model in place of {gone}, since {why}")


def _renamed(steps: Sequence[Step], taken: set[str]) -> tuple[Step, ...]:
    """The steps with ids that none before had; a step cannot mean itself, and so means the one that is done."""
    written = {step.id for step in steps}
    fresh = (f"s{n}" for n in itertools.count(1) if f"s{n}" not in taken | written)
    ids = {step.id: next(fresh) for step in steps if step.id in taken}

    def renamed(step: Step) -> Step:
        others = {old: new for old, new in ids.items() if old != step.id}
        return step.replace(
            id=ids.get(step.id, step.id),
            args=referring(step.args, others),
            after=tuple(others.get(each, each) for each in step.after),
            if_empty=others.get(step.if_empty, step.if_empty) if step.if_empty else None,
        )

    return tuple(renamed(step) for step in steps)
