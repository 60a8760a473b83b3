"""A real assistant behind a real server, with one source whose answers the question itself directs."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import openai
import pytest
import uvicorn
from fastapi import FastAPI

from planners.actions import answered, execute
from rag.assistant import Assistant
from rag.card import SourceCard, free_query
from rag.errors import InputError, RateLimited, ScopeError, SourceError
from rag.memory import Memory
from rag.plan import Plan, Step
from rag.protocols import Draft
from rag.serve.app import app
from rag.types import Citation, Scope

CROWD = 20


@dataclass
class Desk:
    """A source that answers, hangs or fails, as the query says, and keeps what it saw."""

    card: SourceCard = field(
        default_factory=lambda: SourceCard(name="desk", arguments=free_query(), shared=True, concurrency=CROWD)
    )
    scopes: list[Scope] = field(default_factory=list)
    started: threading.Event = field(default_factory=threading.Event)
    cancelled: threading.Event = field(default_factory=threading.Event)
    crowd: asyncio.Barrier = field(default_factory=lambda: asyncio.Barrier(CROWD))

    async def call(self, args: Any, scope: Scope) -> list[dict[str, Any]]:
        self.scopes.append(scope)
        if args["query"] == "fail":
            raise SourceError("the desk at 10.0.0.7 burnt down", source="desk")
        if args["query"] == "hang":
            self.started.set()
            try:
                await asyncio.Event().wait()
            finally:
                self.cancelled.set()
        if args["query"].startswith("together"):
            await self.crowd.wait()  # opens only when all questions are here at once
        return [{"doc_id": "hr/leave.md", "title": "Leave\n<rules>", "text": "Thirty days."}]


class Clerk:
    """A planner that asks the desk, and answers with what was asked and what was said before."""

    def plan(self, task):
        errors = {
            "busy": RateLimited("model gpt at http://10.0.0.7 refused", retry_after=7),
            "forbidden": ScopeError("desk cannot keep to the tenant"),
            "odd": InputError("the question is odd"),
            "bug": KeyError("secret"),
        }
        if task.question in errors:
            raise errors[task.question]
        executed = yield from execute(Plan(steps=(Step(id="s1", source="desk", args={"query": task.question}),)))
        said = " / ".join(f"{turn.role}: {turn.text}" for turn in task.turns)
        passages = [item.passage for item in executed.evidence.items]
        text = f"{task.question} [1] ({said})" if passages else "Nothing was found."
        citations = tuple(Citation(n=1, passage=p, quote="Thirty days.", start=0, end=3) for p in passages)
        return answered(task.question, executed, Draft(text, citations))


@pytest.fixture
def desk() -> Desk:
    return Desk()


@pytest.fixture
def make_assistant(desk: Desk) -> Callable[..., Assistant]:
    return lambda **options: Assistant([desk], planner=Clerk(), **options)


@contextmanager
def _running() -> Iterator[Callable[[FastAPI], str]]:
    running: list[tuple[uvicorn.Server, threading.Thread]] = []

    def start(application: FastAPI) -> str:
        server = uvicorn.Server(uvicorn.Config(application, port=0, log_config=None, timeout_graceful_shutdown=5))
        thread = threading.Thread(target=server.run)
        running.append((server, thread))
        thread.start()
        while not server.started and thread.is_alive():
            thread.join(0.01)
        return f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"

    yield start
    for server, thread in running:
        server.should_exit = True
        thread.join(20)
        assert not thread.is_alive()


@pytest.fixture
def serving(make_assistant: Callable[..., Assistant]) -> Iterator[Callable[..., str]]:
    """Serve an assistant on a free port; gives the base URL."""
    with _running() as start:
        yield lambda assistant=None, **options: start(app(assistant or make_assistant(), **options))


@pytest.fixture(scope="session")
def one_server() -> Iterator[str]:
    """The base URL of a server with nothing set, for tests that leave nothing behind."""
    with _running() as start:
        yield start(app(Assistant([Desk()], planner=Clerk())))


@pytest.fixture
def client_of() -> Iterator[Callable[..., openai.OpenAI]]:
    """The openai library's own client for a base URL."""
    clients: list[openai.OpenAI] = []

    def make(url: str, **options: Any) -> openai.OpenAI:
        clients.append(openai.OpenAI(base_url=f"{url}/v1", **{"api_key": "none", "max_retries": 0, **options}))
        return clients[-1]

    yield make
    for client in clients:
        client.close()


@pytest.fixture
def memory(tmp_path: Path) -> Iterator[Memory]:
    with Memory.open(f"sqlite:///{tmp_path / 'chat.db'}") as kept:
        yield kept
