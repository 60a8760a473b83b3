"""A plan run over async functions, without an assistant around it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import BaseModel

from rag.card import SourceCard
from rag.plan import Plan, check
from rag.protocols import Executed
from rag.run.budget import Ledger
from rag.run.cache import Kept
from rag.run.calls import Calls
from rag.run.perloop import PerLoop
from rag.run.scheduler import PlanRun
from rag.run.tracing import Tracer
from rag.types import Budget, Scope


class Ask(BaseModel):
    """Arguments that suit most tests."""

    query: str = ""
    number: int = 0
    ids: list[str] = []


class FunctionSource:
    """A source over an async function of its arguments; its calls are recorded."""

    def __init__(self, name: str, function: Callable[..., Any], **card: Any) -> None:
        self.card = SourceCard(name=name, **{"arguments": Ask, **card})
        self.calls: list[dict[str, Any]] = []
        self._function = function

    async def call(self, args: Any, scope: Scope) -> Any:
        self.calls.append(dict(args))
        return await self._function(**args)


class Bench:
    """Runs plans over sources, and keeps what was recorded."""

    def __init__(self, *, budget: Budget | None = None, once: bool = True, kept: Kept | None = None) -> None:
        self.trace = Tracer()
        self.ledger = Ledger(budget or Budget())
        self.sources: dict[str, FunctionSource] = {}
        self.told: list[tuple[str, str, Any]] = []
        self._once, self._kept = once, kept
        self.caps: PerLoop[dict[str, Any]] = PerLoop(dict)
        self.run: PlanRun | None = None

    def source(self, name: str, function: Callable[..., Any] | list[dict[str, Any]], **card: Any) -> FunctionSource:
        async def rows(**_: Any) -> Any:
            return function

        made = function if callable(function) else rows
        self.sources[name] = FunctionSource(name, made, **card)
        return self.sources[name]

    def calls(self, scope: Scope | None = None) -> Calls:
        cards = {name: source.card for name, source in self.sources.items()}
        return Calls(self.sources, cards, scope or Scope(), self.ledger, self.trace, self.caps, self._once, self._kept)

    async def perform(self, *steps: dict[str, Any], done: dict[str, Any] | None = None) -> Executed:
        cards = {name: source.card for name, source in self.sources.items()}
        plan = check(Plan.from_json(json.dumps({"steps": steps})), list(cards.values()))
        self.run = PlanRun(plan, cards, self.calls().rows, trace=self.trace, tell=self._tell, done=done)
        return await self.run.perform()

    def performed(self, *steps: dict[str, Any]) -> Executed:
        return asyncio.run(self.perform(*steps))

    def _tell(self, kind: str, step_id: str, **payload: Any) -> None:
        self.told.append((kind, step_id, payload.get("status")))


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.fixture
def new_bench() -> type[Bench]:
    return Bench
