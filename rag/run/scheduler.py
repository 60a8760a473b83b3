"""Runs a plan's graph: each step as soon as what it waits for has ended."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, Literal, Protocol, TypeAlias

import anyio
from pydantic import JsonValue

from rag.card import SourceCard
from rag.errors import RagError, SourceError
from rag.plan import Plan, Step
from rag.plan.estimate import STEPS_AT_ONCE
from rag.protocols import Executed, Row
from rag.run.resolve import fitted, resolve
from rag.run.rows import evidence_item
from rag.run.together import together
from rag.run.tracing import OpenSpan, Tracer
from rag.types import Evidence, EvidenceItem

__all__ = ["CallSource", "PlanRun", "Tell"]

_Status: TypeAlias = Literal["ok", "error", "skipped"]
_STOPPED: Final = "it was stopped before it had ended"


class CallSource(Protocol):
    """Calls a source for a step."""

    def __call__(self, name: str, args: Mapping[str, Any], *, step_id: str) -> Awaitable[Sequence[Row]]:
        """The rows of the source of that name."""
        ...


class Tell(Protocol):
    """Passes on that a step has started or finished."""

    def __call__(self, kind: Literal["step_started", "step_finished"], step_id: str, **payload: JsonValue) -> None:
        """Tell whoever listens."""
        ...


def _nobody(kind: Literal["step_started", "step_finished"], step_id: str, **payload: JsonValue) -> None:
    """Whom a run tells that nobody listens to."""


class PlanRun:
    """One run of a checked plan. `executed` may be asked at any time, also after a run was cancelled."""

    def __init__(
        self,
        plan: Plan,
        cards: Mapping[str, SourceCard],
        call: CallSource,
        *,
        trace: Tracer,
        tell: Tell | None = None,
        round: int = 1,
        done: Mapping[str, Sequence[Row]] | None = None,
    ) -> None:
        self.plan = plan
        self.round = round
        self.done = done
        self._cards = cards
        self._call = call
        self._trace = trace
        self._tell: Tell = tell or _nobody
        self._ended = {step.id: asyncio.Event() for step in plan.steps}
        self._rows: dict[str, tuple[Row, ...]] = {step_id: tuple(rows) for step_id, rows in (done or {}).items()}
        self._items: dict[str, list[EvidenceItem]] = {}
        self._failures: dict[str, str] = {}
        self._broken: set[str] = set()  # steps whose source failed by itself
        self._skipped: dict[str, str] = {}
        self._notes: dict[str, list[str]] = {step.id: [] for step in plan.steps}
        for step_id in self._rows.keys() & self._ended.keys():
            self._ended[step_id].set()
        self.incomplete = False
        """Whether a call of a step that goes through rows failed, while others of it went through."""

    async def perform(self) -> Executed:
        """Run every step that is not done once, and give what they brought."""
        steps = {step.id: step for step in self.plan.steps if step.id not in (self.done or ())}
        # In topological order, so that of the steps that may start the earliest does.
        await together([_bound(self._perform, steps[step_id]) for step_id in self.plan.order if step_id in steps])
        return self.executed

    @property
    def executed(self) -> Executed:
        """What the steps brought that have ended; the others count as failed, and those stood in for as skipped."""
        ids = [step.id for step in self.plan.steps]
        items = tuple(item for step_id in ids for item in self._items.get(step_id, ()))
        return Executed(
            plan=self.plan,
            evidence=Evidence().merged(Evidence(items=items)),
            failures=self.failures,
            notes=tuple(note for step_id in ids for note in self._notes[step_id]),
            rows=dict(self._rows),
            down=frozenset(self.plan.step(step_id).source for step_id in self._broken & self._failures.keys()),
        )

    @property
    def failures(self) -> dict[str, str]:
        """Why steps brought no result, by their ids."""
        return {
            step.id: self._failures.get(step.id, _STOPPED)
            for step in self.plan.steps
            if (step.id in self._failures and not self._replaced(step)) or not self._ended[step.id].is_set()
        }

    def _replaced(self, step: Step) -> bool:
        """Whether the step lacked a value since another brought no rows, and its stand-in for that found something."""
        empty = {needed for needed in step.needs if self._rows.get(needed) == ()}
        return any(
            other.source == step.source and other.if_empty in empty and bool(self._rows.get(other.id))
            for other in self.plan.steps
        )

    async def _perform(self, step: Step) -> None:
        for needed in sorted(step.waits_for):
            await self._ended[needed].wait()
        with self._trace.span(step.id, "step", source=step.source) as span:
            if why := self._reason_to_skip(step):
                self._skipped[step.id] = why
                self._end(step, span, "skipped", why)
                return
            self._tell("step_started", step.id)
            try:
                await self._ask(step)
            except RagError as error:
                self._failures[step.id] = str(error)
                span.error_type = type(error).__name__
                self._end(step, span, "error", str(error))
            except anyio.get_cancelled_exc_class():
                self._tell("step_finished", step.id, rows=0, status="error", reason=_STOPPED)
                raise
            else:
                self._end(step, span, "ok")

    def _end(self, step: Step, span: OpenSpan, status: _Status, why: str = "") -> None:
        span.status = status
        if why:
            span.attributes["reason"] = why
        rows = len(self._rows.get(step.id, ()))
        self._tell("step_finished", step.id, rows=rows, status=status, reason=why)
        self._ended[step.id].set()

    def _reason_to_skip(self, step: Step) -> str:
        first = step.if_empty
        if first is not None and self._rows.get(first):
            return f"{first} found something"
        behind = [needed for needed in (first, *sorted(step.needs)) if needed in self._skipped]
        return f"{behind[0]} was skipped" if behind else ""

    async def _ask(self, step: Step) -> None:
        for needed in sorted(step.needs & self._failures.keys()):
            raise SourceError(f"{needed}, which it builds on, failed", source=step.source, step_id=step.id)
        card = self._cards[step.source]
        resolved = resolve(step, card, self._rows)
        self._notes[step.id].extend(resolved.notes)
        # One slot is left to the question's other steps, which would wait behind every row otherwise.
        width = asyncio.Semaphore(min(card.concurrency, STEPS_AT_ONCE - 1))
        outcomes = await together([_bound(self._outcome, step, card, args, width) for args in resolved.calls])
        errors = [outcome for outcome in outcomes if isinstance(outcome, RagError)]
        if len(errors) == len(outcomes):
            raise errors[0]
        found = [outcome for outcome in outcomes if not isinstance(outcome, RagError)]
        self._rows[step.id] = tuple(row for _, rows in found for row in rows)
        self._items[step.id] = [self._item(step, row, query) for query, rows in found for row in rows]
        if errors:
            self.incomplete = True
            self._notes[step.id].append(f"{step.id}: {len(errors)} of {len(outcomes)} calls failed: {errors[0]}")

    async def _outcome(
        self, step: Step, card: SourceCard, args: Mapping[str, Any], width: asyncio.Semaphore
    ) -> tuple[str, Sequence[Row]] | RagError:
        try:
            fit = fitted(card, args, step.id)
        except RagError as error:
            return error
        try:
            async with width:
                return _query(card, fit), await self._call(step.source, fit, step_id=step.id)
        except RagError as error:
            if _is_down(error):
                self._broken.add(step.id)
            return error

    def _item(self, step: Step, row: Row, query: str) -> EvidenceItem:
        return evidence_item(row, source=step.source, step_id=step.id, round=self.round, query=query)


def _is_down(error: RagError) -> bool:
    """Whether a source failed by itself: no budget forbade the call, and nothing says that its arguments were wrong."""
    return isinstance(error, SourceError) and not isinstance(error.__cause__, ValueError | LookupError | TypeError)


def _query(card: SourceCard, args: Mapping[str, Any]) -> str:
    query = card.query_argument
    if query is not None and query in args:
        return str(args[query])
    return ", ".join(f"{name}: {value}" for name, value in args.items())


def _bound(function: Callable[..., Awaitable[Any]], *args: Any) -> Callable[[], Awaitable[Any]]:
    return lambda: function(*args)
