"""Actions one at a time, typed: what most planners are written with.

Each function is to be used with `yield from`; it yields a tuple of one action and gives back the
observation, or raises what made the action fail.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Literal, TypeAlias, TypeVar

from planners.retrieval import held
from planners.talk import small_talk
from rag.card import Schema
from rag.plan import Plan, Step
from rag.plan.check import MAX_STEPS
from rag.protocols import (
    Action,
    Assess,
    Complete,
    Completion,
    Draft,
    Execute,
    Executed,
    Failed,
    Observation,
    Probe,
    Read,
    Relevance,
    Row,
    Steps,
    Task,
)
from rag.types import Answer, Evidence
from rag.verdict import Verdict

__all__ = [
    "affords",
    "answered",
    "assess",
    "complete",
    "execute",
    "joined",
    "planned",
    "probe",
    "probes",
    "read",
    "retrieve_and_read",
]

_Seen = TypeVar("_Seen", Completion, Relevance, Executed, Draft, Verdict)
_Perform: TypeAlias = Generator[tuple[Action, ...], tuple[Observation, ...], _Seen]


def complete(
    prompt: str,
    values: Mapping[str, str],
    *,
    schema: Schema | None = None,
    max_tokens: int | None = None,
    keep: Callable[[str], bool] | None = None,
    foresee: Callable[[str], tuple[Step, ...]] | None = None,
) -> _Perform[Completion]:
    """Have the model answer a prompt; `keep` and `foresee` as in `rag.protocols.Complete`.

    Raises:
        RagError: the model could not be asked.
    """
    return (yield from _perform(Complete(prompt, values, schema, max_tokens, keep, foresee), Completion))


def probe(question: str) -> _Perform[Relevance]:
    """Learn how much each source may hold on a question.

    Raises:
        RagError: no source could be asked.
    """
    return (yield from _perform(Probe(question), Relevance))


def probes(texts: Sequence[str]) -> Generator[tuple[Action, ...], tuple[Observation, ...], list[Mapping[str, float]]]:
    """Learn how much each source may hold on each of several texts; no scores where none could be learnt."""
    if not texts:
        return []
    seen = yield tuple(Probe(text) for text in texts)
    return [relevance.scores if isinstance(relevance, Relevance) else {} for relevance in seen]


def execute(plan: Plan, *, round: int = 1, done: Mapping[str, Sequence[Row]] | None = None) -> _Perform[Executed]:
    """Run a plan; the steps in `done` are not run, and have brought those rows.

    Raises:
        RagError: the plan could not be run at all; a step that fails does not raise.
    """
    return (yield from _perform(Execute(plan, round, done), Executed))


def joined(before: Executed, found: Executed) -> Executed:
    """What two runs brought, of which the second went on where the first ended."""
    kept = {step.id for step in found.plan.steps}
    return Executed(
        plan=found.plan,
        evidence=before.evidence.merged(found.evidence),
        failures={step: why for step, why in before.failures.items() if step in kept} | dict(found.failures),
        notes=(*before.notes, *found.notes),
        rows={**before.rows, **found.rows},
        down=before.down | found.down,
        model_calls=found.model_calls,
    )


def read(question: str, evidence: Evidence, *, style: Literal["cited", "chain", "chat"] = "cited") -> _Perform[Draft]:
    """Have the reader answer from evidence.

    Raises:
        RagError: the reader failed.
    """
    return (yield from _perform(Read(question, evidence, style), Draft))


def assess(question: str, evidence: Evidence, *, by: str = "coverage") -> _Perform[Verdict]:
    """Have it checked whether evidence is enough.

    Raises:
        RagError: it could not be checked.
    """
    return (yield from _perform(Assess(question, evidence, by), Verdict))


def answered(question: str, executed: Executed, draft: Draft, *notes: str) -> Answer:
    """The answer that a draft and the plan behind it make."""
    missing = tuple(f"{step} brought nothing: {why}" for step, why in executed.failures.items())
    return Answer(
        text=draft.text,
        question=question,
        citations=draft.citations,
        evidence=executed.evidence,
        plan=executed.plan,
        partial=bool(missing),
        notes=tuple(dict.fromkeys((*executed.plan.notes, *executed.notes, *missing, *draft.notes, *notes))),
    )


def planned(plan: Plan, task: Task) -> Plan:
    """The plan with the task's question, and the fingerprint of each source that it asks.

    Steps beyond those that a plan may have are left out, with a note; each planner writes the steps
    that others need first.
    """
    steps, more = plan.steps[:MAX_STEPS], len(plan.steps) - MAX_STEPS
    notes = (f"the last {more} steps are left out: a plan has at most {MAX_STEPS}",) if more > 0 else ()
    asked = {step.source for step in steps}
    sources = {card.name: card.fingerprint for card in task.cards if card.name in asked}
    return plan.replace(steps=steps, question=task.question, sources=sources).noted(*notes)


def affords(task: Task, made: int) -> bool:
    """Whether the budget leaves a model call besides the one that reads, when so many were made."""
    limit = task.budget.model_calls
    return limit is None or made + 2 <= limit


def retrieve_and_read(plan: Plan, task: Task) -> Steps:
    """Run a plan and read what it brings: how a planner of one round ends.

    The plan is held to what the task says of retrieval; what it lost may be planned anew.

    Raises:
        RagError: the plan could not be run, or the reader failed.
    """
    if (allowed := held(plan, task)) is not plan:
        plan = planned(allowed, task)
    executed = yield from execute(plan)
    if task.replans:
        # On use: few questions are planned anew, and that room builds on this module.
        from planners.replan import replanned

        executed = yield from replanned(executed, task)
    # Without a model there is nobody to talk of what was not looked up.
    talk = not plan.steps and (small_talk(task.question) or (task.retrieve is False and task.model))
    draft = yield from read(task.question, executed.evidence, style="chat" if talk else "cited")
    return answered(task.question, executed, draft)


def _perform(action: Action, kind: type[_Seen]) -> _Perform[_Seen]:
    (seen,) = yield (action,)
    if isinstance(seen, Failed):
        raise seen.error
    if not isinstance(seen, kind):
        raise TypeError(f"{action!r} was observed as {type(seen).__name__}, not {kind.__name__}")
    return seen
