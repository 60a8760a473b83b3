"""Asks the questions of a task, several at once; what one of them ends in is its result, an error also."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import anyio

from rag.errors import RagError
from rag.evaluate.exchanges import NotRecorded
from rag.evaluate.judge import Judge
from rag.evaluate.measures.claims import given_label, label_of
from rag.evaluate.measures.table import MEASURES, measured
from rag.evaluate.results import Result
from rag.evaluate.subjects import Ask, Outcome
from rag.evaluate.tasks import Case
from rag.plan import Plan
from rag.run.together import single
from rag.types import Answer

__all__ = ["Asker"]

_FOUND: Final = 10  # ids of a ranking that are kept
_QUALITY: Final = frozenset(measure.of for measure in MEASURES if measure.better == "more")


@dataclass(frozen=True, slots=True)
class Asker:
    """Asks questions of one subject, and measures what comes.

    `answers` says that it gives answers rather than rankings.
    """

    ask: Ask
    answers: bool
    judge: Judge | None = None
    concurrency: int = 4

    async def results(
        self, cases: Sequence[Case], done: Mapping[str, Result], tell: Callable[[Result], None]
    ) -> tuple[Result, ...]:
        """The results of the cases, in their order; those that are done are not asked again.

        `tell` is told of each new result as it comes; what it raises ends the work.
        """
        found = dict(done)
        left = iter([case for case in cases if case.case_id not in done])

        async def work() -> None:
            for case in left:  # which all workers take from
                found[case.case_id] = await self._result(case)
                tell(found[case.case_id])

        try:
            async with anyio.create_task_group() as group:
                for _ in range(self.concurrency):
                    group.start_soon(work)
        except BaseExceptionGroup as errors:
            raise single(errors) from None
        return tuple(found[case.case_id] for case in cases)

    async def _result(self, case: Case) -> Result:
        started = time.perf_counter()
        try:
            outcome = await self.ask(case)
            found = _told(case, outcome, measured(case, outcome))
        except BaseException as error:  # other people's planners, sources and functions may raise anything
            why = _reason(error)
            if why is None:
                raise
            return self._failed(case, why, time.perf_counter() - started)
        return await self._judged(case, outcome, found)

    async def _judged(self, case: Case, outcome: Outcome, found: Result) -> Result:
        """The result with what the judge says; where the judge fails, the other measures stand."""
        if self.judge is None or outcome.answer is None or not case.answers:
            return found
        try:
            verdict = await self.judge.implies(case.question, case.answers, outcome.text)
        except (RagError, NotRecorded) as error:
            return found.model_copy(update={"unjudged": str(error)})
        return found.model_copy(update={"values": found.values | {"judged": verdict}})

    def _failed(self, case: Case, why: str, seconds: float) -> Result:
        """A result without an answer: left out of means and seconds, failures would make a subject look better."""
        nothing = Outcome(seconds, answer=Answer(text="(failed)") if self.answers else None)
        if case.planned_only:
            nothing = Outcome(seconds, plan=Plan())
        values = dict.fromkeys(_QUALITY & measured(case, nothing).keys(), 0.0)
        judged = {"judged": 0.0} if self.judge and case.answers and self.answers else {}
        return Result(**_known(case), error=why, values=values | judged | {"seconds": seconds})


def _reason(error: BaseException) -> str | None:
    """Why a question failed; None where it was not the question: it was stopped, or the process is."""
    leaf = single(error) if isinstance(error, BaseExceptionGroup) else error
    if isinstance(leaf, RagError | NotRecorded):
        return str(leaf)
    return f"{type(leaf).__name__}: {leaf}" if isinstance(leaf, Exception) else None


def _known(case: Case) -> dict[str, object]:
    gold_label = None if case.label is None else label_of(case.label)
    gold = case.answers if case.answerable else ("(the sources do not say)",)
    return {"case_id": case.case_id, "question": case.question, "gold": gold, "gold_label": gold_label}


def _told(case: Case, outcome: Outcome, values: dict[str, float]) -> Result:
    answer = outcome.answer
    trace = answer.trace if answer else ()
    spans = [span for span in trace if span.kind == "model"]
    prompts = {str(span.attributes["prompt"]) for span in spans if span.attributes.get("prompt")}
    return Result(
        **_known(case),
        text=answer.text if answer else "",
        found=tuple(name for name, _ in outcome.ranking[:_FOUND]),
        label=given_label(outcome) if case.label is not None else "",
        plan={"steps": [step.saved() for step in outcome.plan.steps]} if outcome.plan else None,
        notes=answer.notes if answer else (),
        planner=next((str(s.attributes["planner"]) for s in trace if "planner" in s.attributes), ""),
        models=tuple(sorted({span.name for span in spans})),
        prompts=tuple(sorted(prompts)),
        values=values,
    )
