"""One call of a source: cached, capped, counted, timed out, retried and traced."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final, TypeAlias, cast

import anyio
from pydantic_core import from_json, to_json

from rag.blot import blotted
from rag.card import SourceCard
from rag.errors import BudgetExceeded, RagError, SourceError, SourceTimeout
from rag.plan.estimate import STEPS_AT_ONCE
from rag.protocols import Relevant, Row, Source
from rag.run.budget import Ledger
from rag.run.cache import DAY, Cache, key_of
from rag.run.costs import Costs
from rag.run.perloop import PerLoop
from rag.run.retry import ATTEMPTS, retrying
from rag.run.together import cancelled_elsewhere
from rag.run.tracing import OpenSpan, Tracer
from rag.shown import encodable
from rag.types import Scope

__all__ = ["PROBE_SECONDS", "Calls", "Caps"]

PROBE_SECONDS: Final = 2.0
"""How long a source may take to say how much it may hold; a plan waits for all that are asked."""

Caps: TypeAlias = PerLoop[dict[str, asyncio.Semaphore]]
"""The cap of each source, by name, shared by the questions of a loop."""


@dataclass(frozen=True, slots=True)
class Calls:
    """Calls the sources on behalf of one question.

    With `once`, calls with the same source, arguments and scope are made once; with `kept`, results
    of sources that allow it also serve later questions.
    """

    sources: Mapping[str, Source]
    cards: Mapping[str, SourceCard]
    scope: Scope
    ledger: Ledger
    tracer: Tracer
    caps: Caps
    once: bool = True
    kept: Cache | None = None
    costs: Costs = field(default_factory=Costs)
    attempts: int = ATTEMPTS
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    """When the question was asked: what a source says of "today" is kept for that day."""
    _slots: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(STEPS_AT_ONCE))
    _flights: dict[tuple[str, str], _Flight] = field(default_factory=dict)

    async def rows(self, name: str, args: Mapping[str, Any], *, step_id: str, ahead: bool = False) -> Sequence[Row]:
        """The rows that the source returns for the arguments; `ahead` says that the step's plan is still being written.

        Raises:
            SourceError: the source failed, also after retries.
            BudgetExceeded: the source has been called as often as the budget allows.
        """
        plain = _plain(args)
        details = _details(self.cards[name], args)
        with self.tracer.span(name, "source", details=details, step_id=step_id, args=plain) as span:
            try:
                call = partial(self._kept_or_called, name, args, plain, span)
                key = (name, json.dumps(plain, sort_keys=True))
                rows = await (self._once(key, call, span, ahead=ahead) if self.once else call())
            except SourceError as error:
                error.step_id = step_id
                raise
            span.attributes["rows"] = len(rows)
            span.details["found"] = rows
            return rows

    async def _once(
        self, key: tuple[str, str], call: Callable[[], Awaitable[Sequence[Row]]], span: OpenSpan, *, ahead: bool
    ) -> Sequence[Row]:
        while (flight := self._flights.get(key)) is not None:
            span.attributes["ahead" if flight.ahead else "cached"] = True
            await flight.landed.wait()
            if flight.error is not None:
                if not ahead and self._flights.get(key) is flight:
                    del self._flights[key]  # the step that it was begun for has met it
                # A copy: each step that meets it writes its own id on it.
                raise _copied(flight.error) from flight.error
            if flight.rows is not None:
                return flight.rows
        flight = self._flights[key] = _Flight(ahead)
        try:
            flight.rows = await call()
        except RagError as error:
            flight.error = error
            raise
        finally:
            # A later call may have better luck; but the step that a call was begun for need not try again.
            if flight.rows is None and not (ahead and flight.error):
                del self._flights[key]
            flight.landed.set()
        return flight.rows

    async def _kept_or_called(self, name: str, args: Mapping[str, Any], plain: Any, span: OpenSpan) -> Sequence[Row]:
        card = self.cards[name]
        if self.kept is None or not (card.cacheable or card.ttl):
            return await self._call(name, args, span)
        # What a source says of "today" changes with the date, so that the date is part of the call.
        dated = f"{key_of('rows', self.scope, card.fingerprint, card.identity, plain)} {self.now.date()}"
        if (kept := await self.kept.aget(dated)) is not None:
            span.attributes["cached"] = True
            return _checked(kept, name)
        rows = await self._call(name, args, span)
        await self.kept.aput(dated, list(rows), seconds=card.ttl or DAY, scope=self.scope)
        return rows

    async def _call(self, name: str, args: Mapping[str, Any], span: OpenSpan) -> Sequence[Row]:
        card = self.cards[name]

        def again(error: BaseException, wait: float) -> None:
            # Before the wait, which would be in vain where the budget allows no other attempt.
            try:
                self.ledger.before_source_call(name, usd=card.cost.get("usd"))
            except BudgetExceeded as over:
                raise over from error
            span.retried(error, wait)

        self.ledger.before_source_call(name, usd=card.cost.get("usd"))
        attempts = self.attempts if card.idempotent else 1
        return await retrying(lambda: self._attempt(name, args), attempts=attempts, before_retry=again)

    async def _attempt(self, name: str, args: Mapping[str, Any]) -> Sequence[Row]:
        source, card = self.sources[name], self.cards[name]
        # Room is taken for an attempt alone: others may go on while this one waits for the next.
        async with self._room(card):
            started = self.tracer.seconds
            with anyio.move_on_after(card.timeout) as window, _translated(card.name):
                rows = _checked(await source.call(args, self.scope), card.name)
                self.costs.called(name, self.tracer.seconds - started, rows)
                return rows
        if window.cancelled_caught:
            raise SourceTimeout(f"{card.name} did not answer within {card.timeout:g} seconds", source=card.name)
        raise RuntimeError("a call neither returned nor was cancelled")

    @property
    def telling(self) -> tuple[str, ...]:
        """The names of the sources that can tell how much they may hold on a question."""
        # Not isinstance: it looks long at each member of a protocol.
        return tuple(name for name in self.cards if hasattr(self.sources[name], "relevance"))

    async def relevance(self, name: str, question: str) -> float | None:
        """How much a source that can tell may hold on the question; None where it does not, or not soon.

        A probe takes the same room as a call.
        """
        source, card = cast(Relevant, self.sources[name]), self.cards[name]
        async with self._room(card):
            with anyio.move_on_after(min(PROBE_SECONDS, card.timeout)):
                try:
                    return await source.relevance(question, self.scope)
                except BaseException as error:  # a hint is never worth the answer, whatever a source raises
                    if not (isinstance(error, Exception) or cancelled_elsewhere(error)):
                        raise
                    return None
        return None

    def _room(self, card: SourceCard) -> _Room:
        return _Room(self._cap_of(card), self._slots)

    def _cap_of(self, card: SourceCard) -> asyncio.Semaphore:
        """The source's own cap, of all questions together."""
        caps = self.caps.get()
        if card.name not in caps:
            caps[card.name] = asyncio.Semaphore(card.concurrency)
        return caps[card.name]


class _Room:
    """A place at a source, and a slot of a question; who waits for one of them keeps the other from nobody."""

    # No generator: it would cost a third of a call.
    __slots__ = ("_cap", "_slots")

    def __init__(self, cap: asyncio.Semaphore, slots: asyncio.Semaphore) -> None:
        self._cap = cap
        self._slots = slots

    async def __aenter__(self) -> None:
        first, second = self._cap, self._slots
        await first.acquire()
        while second.locked():
            first.release()
            first, second = second, first
            await first.acquire()
        await second.acquire()  # at once

    async def __aexit__(self, *_: object) -> None:
        self._slots.release()
        self._cap.release()


class _Flight:
    """A call under way, that others with the same arguments wait for."""

    def __init__(self, ahead: bool) -> None:
        self.ahead = ahead
        self.landed = asyncio.Event()
        self.rows: Sequence[Row] | None = None
        self.error: RagError | None = None


@contextmanager
def _translated(source: str) -> Iterator[None]:
    try:
        yield
    except RagError:
        raise
    except BaseException as error:  # sources are other people's code: what they raise fails their step alone
        if not (isinstance(error, Exception) or cancelled_elsewhere(error)):
            raise
        why = blotted(f"{type(error).__name__}: {error}")
        raise SourceError(f"{source} failed: {why}", source=source) from error


def _copied(error: RagError) -> RagError:
    """The same error again, whatever its class wants to be made with."""
    copy = type(error).__new__(type(error), *error.args)
    copy.__dict__.update(error.__dict__)
    return copy


def _details(card: SourceCard, args: Mapping[str, Any]) -> dict[str, Any]:
    """What is told of the call beside the trace: a source that takes nothing but free text is searched."""
    query = card.query_argument if len(card.properties) == 1 else None
    return {"query": args[query]} if query is not None and query in args else {}


def _checked(rows: Any, source: str) -> Sequence[Row]:
    if isinstance(rows, str | bytes) or not isinstance(rows, Sequence) or not all(isinstance(r, Mapping) for r in rows):
        raise SourceError(f"{source} returned {type(rows).__name__}, not a list of rows", source=source)
    try:
        _told(rows)
    except ValueError:  # of halves of surrogate pairs; what else has no JSON form fails the call
        cleaned: Sequence[Row] = _encodable(rows)
        _told(cleaned)
        return cleaned
    return cast("Sequence[Row]", rows)


def _told(rows: Sequence[Row]) -> bytes:
    return to_json(rows, fallback=str, bytes_mode="base64", inf_nan_mode="null")


def _encodable(value: Any) -> Any:
    if isinstance(value, str):
        return encodable(value)
    if isinstance(value, Mapping):
        return {_encodable(name): _encodable(item) for name, item in value.items()}
    return [_encodable(item) for item in value] if isinstance(value, list | tuple) else value


def _plain(args: Mapping[str, Any]) -> Any:
    return from_json(to_json(args, fallback=str, bytes_mode="base64", inf_nan_mode="strings"))
