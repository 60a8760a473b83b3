"""What is seen to before a plan runs: its sources may be asked, it is sound, and it fits its budget."""

from __future__ import annotations

from collections.abc import Collection

from rag.errors import ScopeError
from rag.plan import Plan, check, references
from rag.plan.estimate import READING
from rag.protocols import Task
from rag.run.afford import trimmed
from rag.run.budget import Ledger
from rag.run.costs import Costs, declared
from rag.run.shortlist import ABOVE

__all__ = ["afforded", "allowed", "signed"]


def allowed(plan: Plan, task: Task) -> Plan:
    """The plan itself, when its sources may be asked in the task's scope and nothing is wrong with it.

    Raises:
        ScopeError: a source cannot keep to the scope.
        PlanError: the plan does not fit the sources.
    """
    for step in plan.steps:
        if why := task.left_out.get(step.source):
            raise ScopeError(f"step {step.id!r} asks {step.source!r}, which {why}", source=step.source, step_id=step.id)
    return check(plan, task.cards)


def signed(plan: Plan, task: Task, costs: Costs, *, silent: Collection[str] = ()) -> Plan:
    """The plan with its question, and the fingerprints and costs of its sources, so that it can be saved and priced.

    A note names the sources that were asked how much they may hold and did not tell, or not in time.
    """
    asked = {step.source for step in plan.steps}
    prints = {card.name: card.fingerprint for card in task.cards if card.name in asked}
    # Where there are few, the others' costs are known as well: a step that is added has its price.
    priced = [card for card in task.cards if card.name in asked or len(task.cards) <= ABOVE]
    known = {card.name: costs.of_source(card) for card in priced}
    if task.model:
        known[READING] = costs.of_reading()
    question = task.question if plan.question is None else plan.question
    note = f"planned without word, or word in time, of how much they may hold from: {', '.join(silent)}"
    # Plans that go on from one another have it already.
    told = (note,) if silent and note not in plan.notes else ()
    return plan.replace(question=question or None, sources=prints, costs=known, notes=(*plan.notes, *told))


def afforded(
    plan: Plan, task: Task, ledger: Ledger, seconds: float, *, exact: bool, done: Collection[str] = ()
) -> Plan:
    """The plan less the steps that cannot fit the budget, when the question has taken so many seconds.

    An exact plan runs whole or not at all. Steps that are done are paid for. What counts is what sources
    declare: one that was slow once would else be refused for good, since nothing could be seen of it again.

    Raises:
        BudgetExceeded: nothing of the plan fits, or it is to run exactly.
    """
    rest = _rest(plan, frozenset(done)) if done else plan
    asked = {step.source for step in rest.steps}
    costs = {card.name: declared(card) for card in task.cards if card.name in asked}
    kept, gone = trimmed(rest, costs, ledger.left(seconds))
    errors = [ledger.leave_out(over) for over in gone]
    if errors and (exact or not kept.steps):
        raise errors[0]
    return plan.without(*(step.id for step in rest.steps if step not in kept.steps)) if gone else plan


def _rest(plan: Plan, done: frozenset[str]) -> Plan:
    """The steps that are not done, as far as they wait for each other."""
    rest = []
    for step in plan.steps:
        if step.id not in done:
            args = {k: v for k, v in step.args.items() if not any(ref.step in done for ref in references(v))}
            first = None if step.if_empty in done else step.if_empty
            rest.append(step.replace(args=args, after=tuple(sorted(step.waits_for - done)), if_empty=first))
    return plan.replace(steps=tuple(rest))
