"""The driver: performs a planner's actions, and keeps budget, deadline, trace and events.

A planner is a generator without input or output; all of that is here. Actions that are yielded
together run together. One that fails is observed as `Failed`.
"""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import anyio

from rag.errors import BudgetExceeded, ModelError, RagError, ScopeError
from rag.plan import Plan, check
from rag.protocols import (
    Action,
    Complete,
    Draft,
    Execute,
    Executed,
    Failed,
    Model,
    Observation,
    Planner,
    Probe,
    Read,
    Relevance,
    Source,
    Task,
)
from rag.run.asking import Asking
from rag.run.budget import Ledger
from rag.run.cache import Kept
from rag.run.calls import Calls, Caps
from rag.run.given import listed
from rag.run.perloop import PerLoop
from rag.run.reading import Looked, Reading, extracted
from rag.run.retry import ATTEMPTS
from rag.run.scheduler import PlanRun
from rag.run.stepping import Actions, Observations, advance, start
from rag.run.together import together
from rag.run.tracing import Tracer
from rag.types import Answer, Event, Evidence

__all__ = ["Driver", "Tools"]

_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class Tools:
    """What the questions of one assistant share."""

    sources: Mapping[str, Source]
    model: Model | None = None
    prompts: Path | None = None
    once: bool = True
    kept: Kept | None = None
    attempts: int = ATTEMPTS
    caps: Caps = field(default_factory=lambda: PerLoop(dict))


class Driver:
    """Answers one question.

    Args:
        tools: sources, model and what else the assistant's questions share.
        task: the question, with the cards of the sources that may be asked.
        trace: begun with the question, since the budget's seconds run from then on; by default, now.
        listen: is told each event as it happens.
    """

    def __init__(
        self,
        tools: Tools,
        task: Task,
        *,
        trace: Tracer | None = None,
        listen: Callable[[Event], None] | None = None,
    ) -> None:
        self._tools = tools
        self._task = task
        self._listen = listen
        self._count = itertools.count()
        self._cards = {card.name: card for card in task.cards}
        self._trace = trace or Tracer()
        self._ledger = Ledger(task.budget)
        self._calls = Calls(
            tools.sources,
            self._cards,
            task.scope,
            self._ledger,
            self._trace,
            tools.caps,
            tools.once,
            tools.kept,
            tools.attempts,
        )
        self._asking = (
            Asking(tools.model, self._ledger, self._trace, tools.prompts, tools.attempts) if tools.model else None
        )
        # The model is asked to stream only for someone: what has been shown cannot be asked for again.
        self._reading = Reading(self._asking, self._trace, task.turns, self._tell_token if listen else None)
        self._runs: list[PlanRun] = []
        self._draft: Draft | None = None
        self._partial = False

    async def answer(self, planner: Planner, keep: Callable[[Answer], Awaitable[Answer]] | None = None) -> Answer:
        """The planner's answer, with usage, trace and notes.

        When a limit of the budget is reached, the answer is made of what there is, and says so. `keep`
        stores the answer before anyone is told of it; what it gives back is told.

        Raises:
            RagError: no answer can be given at all.
        """
        with self._trace.span("question", "question", planner=type(planner).__name__):
            try:
                answer = await self._in_time(partial(self._driven, planner))
            except BudgetExceeded:
                answer = await self._salvaged()
        answer = self._completed(answer)
        if keep is not None:
            answer = await keep(answer)
        self._tell("answer", answer=answer)
        return answer

    async def first_plan(self, planner: Planner) -> Plan:
        """The first plan that the planner would run.

        Raises:
            BudgetExceeded: the planner had not come to one in time.
            RagError: the planner came to none.
        """
        return self._signed(await self._in_time(partial(self._planned, planner)))

    async def _in_time(self, work: Callable[[], Awaitable[_Result]]) -> _Result:
        seconds = self._task.budget.seconds
        with anyio.move_on_after(None if seconds is None else max(0.0, seconds - self._trace.seconds)) as window:
            return await work()
        if window.cancelled_caught and seconds is not None:
            self._ledger.refuse("seconds", seconds, self._trace.seconds)
        raise RuntimeError("the work neither ended nor was cancelled")

    async def _planned(self, planner: Planner) -> Plan:
        with closing(start(planner, self._task)) as steps:
            outcome = advance(planner, steps, None)
            while not isinstance(outcome, Answer):
                for action in outcome:
                    if isinstance(action, Execute):
                        return action.plan
                outcome = advance(planner, steps, await self._performed(outcome))
            return outcome.plan

    async def _driven(self, planner: Planner) -> Answer:
        with closing(start(planner, self._task)) as steps:
            outcome = advance(planner, steps, None)
            while not isinstance(outcome, Answer):
                outcome = advance(planner, steps, await self._performed(outcome))
            return outcome

    async def _performed(self, actions: Actions) -> Observations:
        return tuple(await together([partial(self._observed, action) for action in actions]))

    async def _observed(self, action: Action) -> Observation:
        try:
            return await self._perform(action)
        except RagError as error:
            return Failed(error)

    async def _perform(self, action: Action) -> Observation:
        match action:
            case Complete():
                if self._asking is None:
                    raise ModelError("no model was given, so that nothing can be completed; pass model=…")
                return await self._asking.complete(action)
            case Probe():
                return await self._probed(action)
            case Execute():
                return await self._executed(action)
            case Read():
                self._draft = await self._reading.read(action, self._looked)
                self._partial |= self._draft.partial
                return self._draft

    async def _probed(self, action: Probe) -> Relevance:
        with self._trace.span("probe", "plan") as span:
            probes = [partial(self._calls.relevance, name, action.question) for name in self._cards]
            scores = await together(probes)
            known = {name: score for name, score in zip(self._cards, scores, strict=True) if score is not None}
            span.attributes["sources"] = len(known)
        return Relevance(known)

    async def _executed(self, action: Execute) -> Executed:
        plan = self._signed(self._allowed(action.plan))
        self._tell("plan", plan=plan)
        run = PlanRun(
            plan,
            self._cards,
            self._calls.rows,
            trace=self._trace,
            tell=self._tell_step,
            round=action.round,
            done=action.done,
        )
        self._runs.append(run)
        return await run.perform()

    @property
    def _looked(self) -> Looked:
        failures: dict[str, str] = {}
        for run in self._runs:
            if run.done is not None:  # what was planned anew is no longer missing
                failures = {step: why for step, why in failures.items() if step in run.done}
            failures |= run.executed.failures
        return Looked(sum(len(run.plan.steps) - len(run.done or ()) for run in self._runs), failures)

    def _allowed(self, plan: Plan) -> Plan:
        for step in plan.steps:
            if why := self._task.left_out.get(step.source):
                raise ScopeError(
                    f"step {step.id!r} asks {step.source!r}, which {why}", source=step.source, step_id=step.id
                )
        return check(plan, self._task.cards)

    def _signed(self, plan: Plan) -> Plan:
        """The plan with the question and the fingerprints that it was made for, so that it can be saved."""
        asked = {step.source for step in plan.steps}
        prints = {name: card.fingerprint for name, card in self._cards.items() if name in asked}
        question = self._task.question if plan.question is None else plan.question
        return plan.replace(question=question or None, sources={**prints, **plan.sources})

    async def _salvaged(self) -> Answer:
        """An answer from what there is when a limit was reached."""
        done = [run.executed for run in self._runs]
        evidence = Evidence().merged(*(executed.evidence for executed in done))
        draft = self._draft or await self._drafted(evidence)
        notes = (note for executed in done for note in (*executed.plan.notes, *executed.notes))
        return Answer(
            text=draft.text,
            question=self._task.question,
            citations=draft.citations,
            evidence=evidence,
            plan=done[-1].plan if done else Plan(),
            partial=True,
            notes=(*draft.notes, *notes),
        )

    async def _drafted(self, evidence: Evidence) -> Draft:
        if not self._task.question:
            return listed(evidence)
        return await extracted(self._task.question, evidence, self._looked, by_meaning=False)

    def _completed(self, answer: Answer) -> Answer:
        spent = [str(error) for error in self._ledger.exceeded]
        failures = self._looked.failures
        missing = [
            f"{step} brought nothing: {why}"
            for step, why in failures.items()
            if not any(why in note for note in answer.notes)
        ]
        lost = self._partial or spent or failures or any(run.incomplete for run in self._runs)
        left_out = [f"{name} was left out: it {why}" for name, why in self._task.left_out.items()]
        extracted_from = ": the answer is extracted from the sources" if answer.evidence else ""
        without = [] if self._tools.model else [f"no model was used{extracted_from}"]
        notes = (*answer.notes, *missing, *spent, self._ledger.unheld, *left_out, *without)
        usage = self._ledger.usage.model_copy(update={"seconds": self._trace.seconds})
        return answer.model_copy(
            update={
                "question": answer.question or self._task.question,
                "usage": usage,
                "trace": self._trace.spans,
                "partial": answer.partial or bool(lost),
                "notes": tuple(dict.fromkeys(filter(None, notes))),
            }
        )

    def _tell(self, kind: Any, **payload: Any) -> None:
        if self._listen is None:
            return
        span = self._trace.current
        seq, now = next(self._count), datetime.now(UTC)
        self._listen(Event(kind=kind, seq=seq, at=now, span_id=span.span_id if span else None, **payload))

    def _tell_token(self, text: str) -> None:
        if text:
            self._tell("token", text=text)

    def _tell_step(self, kind: Any, step_id: str, **payload: Any) -> None:
        self._tell(kind, step_id=step_id, payload=payload)
