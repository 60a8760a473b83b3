"""Begins the calls of a plan's steps while the model still writes the plan."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager

import anyio
from anyio.abc import TaskGroup

from rag.card import SourceCard
from rag.errors import RagError
from rag.plan import Step
from rag.protocols import Row
from rag.run.calls import Calls
from rag.run.resolve import fitted, resolve
from rag.run.together import single
from rag.run.tracing import Tracer

__all__ = ["Ahead", "Writing", "calls_ahead"]


@asynccontextmanager
async def calls_ahead(cards: Mapping[str, SourceCard], calls: Calls, tracer: Tracer) -> AsyncIterator[Ahead]:
    """Calls may be made ahead within; those that nobody came to need are cancelled at the end."""
    try:
        async with anyio.create_task_group() as group:
            ahead = Ahead(group, cards, calls, tracer)
            yield ahead
            ahead.stop()
    except BaseExceptionGroup as errors:
        raise single(errors) from None


class Ahead:
    """Calls that are made ahead of the plan that they are for.

    What they bring waits in the question's single flights: the plan, once it runs, makes the same
    calls and finds them under way. So a plan that turns out otherwise costs a call in vain, and never
    a wrong answer; only sources that may be asked in vain (`idempotent`) are.
    """

    def __init__(self, group: TaskGroup, cards: Mapping[str, SourceCard], calls: Calls, tracer: Tracer) -> None:
        self._group = group
        self._cards = cards
        self._calls = calls
        self._tracer = tracer
        self._writings: list[Writing] = []

    def writing(self) -> Writing:
        """A plan that begins to be written; one that is written again begins anew, whatever its steps are called."""
        self._writings.append(Writing(self._group, self._cards, self._calls, self._tracer))
        return self._writings[-1]

    def stop(self) -> None:
        """Cancel the calls that are still under way."""
        if any(writing.begun for writing in self._writings):
            self._group.cancel_scope.cancel()


class Writing:
    """The steps of one plan while it is written."""

    def __init__(self, group: TaskGroup, cards: Mapping[str, SourceCard], calls: Calls, tracer: Tracer) -> None:
        self.begun: dict[str, anyio.Event] = {}
        self._group = group
        self._cards = cards
        self._calls = calls
        self._tracer = tracer
        self._rows: dict[str, Sequence[Row]] = {}
        self._whole = False

    def begin(self, steps: Iterable[Step]) -> None:
        """Begin the steps that were not begun yet and that may be, each as soon as what it needs is there."""
        for step in steps:
            card = self._cards.get(step.source)
            if step.id in self.begun or card is None or not self._may_begin(step, card):
                continue
            self.begun[step.id] = anyio.Event()
            self._group.start_soon(self._perform, step, card)

    def close(self) -> None:
        """Begin no further call: the plan is whole, and makes those itself that it still wants."""
        self._whole = True

    def _may_begin(self, step: Step, card: SourceCard) -> bool:
        left = self._calls.ledger.left(self._tracer.seconds).seconds
        in_time = left is None or card.cost.get("seconds", 0.0) <= left
        return card.idempotent and in_time and not step.if_empty and step.waits_for <= self.begun.keys()

    async def _perform(self, step: Step, card: SourceCard) -> None:
        try:
            for needed in sorted(step.waits_for):
                await self.begun[needed].wait()
            if step.needs <= self._rows.keys() and not self._whole:
                with self._tracer.span(step.id, "step", source=step.source, ahead=True):
                    self._rows[step.id] = await self._asked(step, card)
        except RagError:
            pass  # the plan meets the same error when it runs, and tells it
        finally:
            self.begun[step.id].set()

    async def _asked(self, step: Step, card: SourceCard) -> tuple[Row, ...]:
        rows: list[Row] = []
        for args in resolve(step, card, self._rows).calls:
            if self._whole:
                break
            rows.extend(await self._calls.rows(step.source, fitted(card, args, step.id), step_id=step.id, ahead=True))
        return tuple(rows)
