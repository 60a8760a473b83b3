"""The driver: performs a planner's actions, and keeps budget, deadline, trace and events.

A planner is a generator without input or output; all of that is here. Actions that are yielded
together run together. One that fails is observed as `Failed`.
"""

from __future__ import annotations

import itertools
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeVar

import anyio

from rag.errors import BudgetExceeded, ModelError, RagError
from rag.plan import Plan
from rag.protocols import (
    Action,
    Assess,
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
    Task,
)
from rag.run.admit import afforded, allowed, signed
from rag.run.ahead import calls_ahead
from rag.run.asking import Asking
from rag.run.assessing import Assessing
from rag.run.budget import Ledger
from rag.run.calls import Calls
from rag.run.given import Given
from rag.run.informed import informed, learnt
from rag.run.meter import metered
from rag.run.outcome import Outcome, completed, looked, marked, salvaged
from rag.run.reading import Reading
from rag.run.scheduler import PlanRun
from rag.run.stepping import Actions, Observations, advance, start
from rag.run.together import together
from rag.run.tools import Tools
from rag.run.tracing import Tracer
from rag.types import Answer, Event
from rag.verdict import Verdict

__all__ = ["Driver"]

_Result = TypeVar("_Result")


class Driver:
    """Answers one question.

    Args:
        tools: sources, model and what else the assistant's questions share.
        task: the question, with the cards of the sources that may be asked.
        tracer: begun with the question, since the budget's seconds run from then on; by default, now.
        listen: is told each event as it happens.
    """

    def __init__(
        self,
        tools: Tools,
        task: Task,
        *,
        tracer: Tracer | None = None,
        listen: Callable[[Event], None] | None = None,
    ) -> None:
        self._tools = tools
        self._task = task
        self._listen, self._count = listen, itertools.count()
        self._cards = {card.name: card for card in task.cards}
        self._tracer = tracer or Tracer()
        self._ledger = Ledger(task.budget, tools.prices)
        self._calls = Calls(
            tools.sources,
            self._cards,
            task.scope,
            self._ledger,
            self._tracer,
            tools.caps,
            once=tools.once,
            kept=tools.kept,
            attempts=tools.attempts,
            costs=tools.costs,
            now=task.now,
        )
        self._asking = self._asks(tools.model) if tools.model else None
        # The model is asked to stream only for someone: what has been shown cannot be asked for again.
        tell = self._tell_token if listen else None
        self._reading = Reading(self._asking, self._tracer, task.turns, tell, tools.manner)
        self._assessing = Assessing(self._asking, self._tracer)
        self._runs: list[PlanRun] = []
        self._draft: Draft | None = None
        self._partial = False
        self._verdict: Verdict | None = None
        self._silent: dict[str, None] = {}  # sources that were probed and told nothing, in order

    def _asks(self, model: Model) -> Asking:
        tools = self._tools
        return Asking(
            model,
            self._ledger,
            self._tracer,
            tools.prompts,
            tools.attempts,
            kept=tools.kept,
            scope=self._task.scope,
            cards=" ".join(f"{card.fingerprint} {card.about}" for card in self._task.cards),
            costs=tools.costs,
        )

    async def answer(
        self, planner: Planner, keep: Callable[[Answer], Awaitable[Answer]] | None = None, *, strict: bool = False
    ) -> Answer:
        """The planner's answer, with usage, trace and notes.

        When a limit of the budget is reached, the answer is made of what there is, and says so. `keep`
        stores the answer before anyone is told of it; what it gives back is told.

        Raises:
            BudgetExceeded: with `strict`, a limit was reached; `partial` has the answer of what there is.
            RagError: no answer can be given at all.
        """
        name = type(planner).__name__
        with metered(self._ledger.add_call), self._tracer.span("question", "question", planner=name) as span:
            span.details["question"] = self._task.question
            try:
                answer = await self._in_time(partial(self._begun_ahead, planner))
            except BudgetExceeded:
                answer = await salvaged(self._task, self._runs, self._draft)
            span.details["reply"] = answer.text
            outcome = Outcome(
                self._task, self._runs, self._ledger, self._tracer, partial=self._partial, verdict=self._verdict
            )
            marked(span, outcome, strict=strict)
        answer = completed(answer, outcome)
        if keep is not None:  # also what is raised was said to somebody
            answer = await keep(answer)
        if strict and (reached := self._ledger.reached):
            reached[0].partial = answer
            raise reached[0]
        await learnt(answer, self._task, self._tools.experience)
        self._tell("answer", answer=answer)
        return answer

    async def first_plan(self, planner: Planner) -> Plan:
        """The first plan that the planner would run, less what cannot fit the budget.

        Raises:
            BudgetExceeded: the planner had not come to one in time, or nothing of it fits.
            RagError: the planner came to none.
        """
        with metered(self._ledger.add_call), self._tracer.span(type(planner).__name__, "plan"):
            action = await self._in_time(partial(self._planned, planner))
            if isinstance(action, Plan):
                return self._signed(action)
            kept = self._afforded(action, self._signed(action.plan))
            return kept.noted(*map(str, self._ledger.exceeded))

    async def _in_time(self, work: Callable[[], Awaitable[_Result]]) -> _Result:
        seconds = self._task.budget.seconds
        with anyio.move_on_after(None if seconds is None else max(0.0, seconds - self._tracer.seconds)) as window:
            return await work()
        if window.cancelled_caught and seconds is not None:
            self._ledger.refuse("seconds", seconds, self._tracer.seconds)
        raise RuntimeError("the work neither ended nor was cancelled")

    async def _planned(self, planner: Planner) -> Execute | Plan:
        """The first plan that the planner wants run, else that of an answer which it gives without running one."""
        with closing(start(planner, await self._informed())) as steps:
            outcome = advance(planner, steps, None)
            while not isinstance(outcome, Answer):
                for action in outcome:
                    if isinstance(action, Execute):
                        return action
                outcome = advance(planner, steps, await self._performed(outcome))
            return outcome.plan

    async def _begun_ahead(self, planner: Planner) -> Answer:
        """The planner's answer, where calls may begin while their plan is being written."""
        limits = self._task.budget.model_dump(exclude={"seconds"}, exclude_none=True)
        # A budget has to see the whole plan first; and without single flights each call would be made twice.
        if self._asking is None or limits or not self._tools.once:
            return await self._driven(planner)
        async with calls_ahead(self._cards, self._calls, self._tracer) as ahead:
            self._asking = replace(self._asking, ahead=ahead)
            return await self._driven(planner)

    async def _driven(self, planner: Planner) -> Answer:
        # Who runs a given plan chooses nothing, and so need not be told what there is to choose from.
        task = self._task if isinstance(planner, Given) else await self._informed()
        with closing(start(planner, task)) as steps:
            outcome = advance(planner, steps, None)
            while not isinstance(outcome, Answer):
                outcome = advance(planner, steps, await self._performed(outcome))
            return outcome

    async def _informed(self) -> Task:
        tools = self._tools
        return await informed(self._task, tools.sources, tools.shortlist, tools.experience)

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
                self._draft = await self._reading.read(action, looked(self._runs))
                self._partial |= self._draft.partial
                self._verdict = self._draft.verdict or self._verdict
                return self._draft
            case Assess():
                self._verdict = await self._assessing.assess(action)
                return self._verdict

    async def _probed(self, action: Probe) -> Relevance:
        with self._tracer.span("probe", "plan") as span:
            telling = self._calls.telling
            scores = await together([partial(self._calls.relevance, name, action.question) for name in telling])
            known = {name: score for name, score in zip(telling, scores, strict=True) if score is not None}
            span.attributes["sources"] = len(known)
        self._silent.update(dict.fromkeys(name for name in telling if name not in known))
        return Relevance(known)

    async def _executed(self, action: Execute) -> Executed:
        plan = self._afforded(action, self._signed(allowed(action.plan, self._task)))
        self._tell("plan", plan=plan)
        run = PlanRun(
            plan,
            self._cards,
            self._calls.rows,
            trace=self._tracer,
            # Where nobody listens, not: the two would hold each other, and all of the question, for the collector.
            tell=self._tell_step if self._listen else None,
            round=action.round,
            done=action.done,
        )
        self._runs.append(run)
        return replace(await run.perform(), model_calls=self._ledger.usage.model_calls)

    def _afforded(self, action: Execute, plan: Plan) -> Plan:
        seconds, done = self._tracer.seconds, action.done or ()
        return afforded(plan, self._task, self._ledger, seconds, exact=action.exact, done=done)

    def _signed(self, plan: Plan) -> Plan:
        return signed(plan, self._task, self._tools.costs, silent=self._silent)

    def _tell(self, kind: Any, **payload: Any) -> None:
        if self._listen is None:
            return
        span = self._tracer.current
        seq, now = next(self._count), datetime.now(UTC)
        self._listen(Event(kind=kind, seq=seq, at=now, span_id=span.span_id if span else None, **payload))

    def _tell_token(self, text: str) -> None:
        if text:
            self._tell("token", text=text)

    def _tell_step(self, kind: Any, step_id: str, **payload: Any) -> None:
        self._tell(kind, step_id=step_id, payload=payload)
