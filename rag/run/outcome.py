"""From what a planner came to, or what there was when a limit was reached, to the answer that is told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rag.plan import Plan
from rag.plan.ran import ran_of
from rag.protocols import Draft, Task
from rag.run.budget import Ledger
from rag.run.given import listed
from rag.run.reading import Looked, extracted
from rag.run.scheduler import PlanRun
from rag.run.tracing import OpenSpan, Tracer
from rag.types import Answer, Evidence
from rag.verdict import Verdict

__all__ = ["Outcome", "completed", "looked", "marked", "salvaged"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the runtime knows of a question when its planner has ended.

    `partial` says that a reader wrote less than it should have; `verdict` is the last one on the evidence.
    """

    task: Task
    runs: Sequence[PlanRun]
    ledger: Ledger
    tracer: Tracer
    partial: bool = False
    verdict: Verdict | None = None

    @property
    def lost(self) -> bool:
        """Whether anything that was needed is missing."""
        cut = self.partial or self.ledger.exceeded or any(run.incomplete for run in self.runs)
        return bool(cut or looked(self.runs).failures)


def looked(runs: Sequence[PlanRun]) -> Looked:
    """Where evidence was looked for, and which steps failed, why."""
    failures: dict[str, str] = {}
    for run in runs:
        if run.done is not None:  # what was planned anew is no longer missing
            failures = {step: why for step, why in failures.items() if step in run.done}
        failures |= run.failures
    return Looked(sum(len(run.plan.steps) - len(run.done or ()) for run in runs), failures)


async def salvaged(task: Task, runs: Sequence[PlanRun], draft: Draft | None) -> Answer:
    """An answer from what there is when a limit was reached: the last draft, else what the evidence says."""
    done = [run.executed for run in runs]
    evidence = Evidence().merged(*(executed.evidence for executed in done))
    if draft is None:
        draft = (
            await extracted(task.question, evidence, looked(runs), by_meaning=False)
            if task.question
            else listed(evidence)
        )
    notes = (note for executed in done for note in (*executed.plan.notes, *executed.notes))
    return Answer(
        text=draft.text,
        question=task.question,
        citations=draft.citations,
        evidence=evidence,
        plan=done[-1].plan if done else Plan(),
        partial=True,
        notes=(*draft.notes, *notes),
    )


def completed(answer: Answer, outcome: Outcome) -> Answer:
    """The answer with usage and trace, with what came of each step, and with notes on all that is missing."""
    spent = [str(error) for error in outcome.ledger.reached]
    trace = outcome.tracer.spans
    return answer.model_copy(
        update={
            "question": answer.question or outcome.task.question,
            "plan": answer.plan.replace(ran=ran_of(trace)),
            "usage": outcome.ledger.usage.model_copy(update={"seconds": outcome.tracer.seconds}),
            "trace": trace,
            "verdict": answer.verdict or outcome.verdict,
            "partial": answer.partial or outcome.lost,
            "notes": _notes(answer, outcome, spent),
        }
    )


def marked(span: OpenSpan, outcome: Outcome, *, strict: bool) -> None:
    """Have the span of the question tell of a limit that was reached, and of what is missing."""
    if outcome.lost:
        span.attributes["partial"] = True
    if reached := outcome.ledger.reached:
        span.attributes["limit"] = reached[0].limit
        if strict:
            span.failed(reached[0])


def _notes(answer: Answer, outcome: Outcome, spent: Sequence[str]) -> tuple[str, ...]:
    task = outcome.task
    missing = [
        f"{step} brought nothing: {why}"
        for step, why in looked(outcome.runs).failures.items()
        if not any(why in note for note in answer.notes)
    ]
    left_out = [f"{name} was left out: it {why}" for name, why in task.left_out.items()]
    extracted_from = ": the answer is extracted from the sources" if answer.evidence else ""
    without = [] if task.model else [f"no model was used{extracted_from}"]
    notes = (*answer.notes, *missing, *spent, outcome.ledger.unheld, *left_out, *without)
    return tuple(dict.fromkeys(filter(None, notes)))
