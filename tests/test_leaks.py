"""Nothing of one owner reaches another: through any public read path, with every cache on, in any order, at once.

That each adapter keeps to the scope by itself is held by `rag.testing.sources.check_scope` in
tests/rag/sources (index, SQLite, PostgreSQL, functions, tools). Here sources stand behind one assistant that all
owners share: its row cache, plan cache, experience, conversations, server and LangChain runnable.
"""

from __future__ import annotations

import asyncio
import json
import re
import sqlite3
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rag.assistant import Assistant
from rag.errors import ScopeError
from rag.experience import ExperienceMemory
from rag.integrations.langchain import as_retriever, as_runnable
from rag.memory import Memory
from rag.plan import Plan, Step
from rag.protocols import Message, Row, Source
from rag.retrieve import Index
from rag.serve.app import app
from rag.sources.function import source
from rag.sources.langchain import langchain_source
from rag.sources.sql import sql
from rag.sources.tools import tools
from rag.testing import FakeEmbedder, FakeModel
from rag.testing.sources import Owned, check_scope
from rag.types import Answer, Scope

OWNERS = (("acme", "ann"), ("globex", "ann"), ("acme", "bob"))
QUESTIONS = ("Where is the key of the drawer?", "What do notes and bills say of the drawer?")
PLAN = {
    "steps": [
        {"id": "s1", "source": "bills", "args": {"query": "drawer"}},
        {"id": "s2", "source": "notes", "args": {"query": "key of the drawer"}},
        {"id": "s3", "source": "desk", "args": {"query": "drawer"}},
        {"id": "s4", "source": "clerk", "args": {"query": "$s1[0].text"}},
    ]
}


def canary(tenant: str, user: str) -> str:
    return f"canary-{tenant}-{user}"


def canaries(told: object) -> set[str]:
    return set(re.findall(r"canary-\w+-\w+", str(told)))


def due(path: str, owner: tuple[str, str]) -> set[str]:
    """What a way of asking has to tell: a plan is made before anything is read."""
    return set() if path == "plan" else {canary(*owner)}


def echo(messages: Sequence[Message]) -> str:
    """Plans the same for everyone, and answers with all that it is shown."""
    if "Write one JSON object" in messages[0].content:
        return json.dumps(PLAN)
    return messages[-1].content


class House:
    """One assistant over every owner's data."""

    def __init__(self, folder: Path) -> None:
        self.model = FakeModel(echo)
        self.memory = Memory.open(f"sqlite:///{folder / 'chat.db'}")
        self.index = Index.memory(FakeEmbedder(32))
        for tenant, user in OWNERS:
            note = {"doc_id": "n/1", "text": f"The key of the drawer: {canary(tenant, user)}"}
            self.index.add([note], scope=Scope(tenant=tenant, user=user))
        self.assistant = Assistant(
            [self._bills(folder), self.index.source("notes", about="notes"), _desk(), _clerk()],
            model=self.model,
            memory=self.memory,
            experience=ExperienceMemory.open("sqlite://", embedder=FakeEmbedder(32)),
            cache=folder / "cache.db",
        )
        self.app = app(self.assistant, scope_of=lambda r: Scope(tenant=r.headers["tenant"], user=r.headers["user"]))

    def close(self) -> None:
        self.assistant.close()
        self.index.close()

    def _bills(self, folder: Path) -> Source:
        with closing(sqlite3.connect(folder / "bills.db")) as db, db:
            db.execute("CREATE TABLE bills (id INTEGER PRIMARY KEY, tenant TEXT, who TEXT, text TEXT)")
            rows = [(tenant, user, f"a bill for a drawer: {canary(tenant, user)}") for tenant, user in OWNERS]
            db.executemany("INSERT INTO bills VALUES (NULL, ?, ?, ?)", rows)
        return sql("bills", f"sqlite:///{folder / 'bills.db'}", scope={"tenant": "tenant", "user": "who"})

    async def told(self, path: str, question: str, owner: tuple[str, str]) -> str:
        """All that a way of asking tells its owner."""
        scope = Scope(tenant=owner[0], user=owner[1])
        return str(await getattr(self, f"by_{path}")(question, scope))

    async def by_ask(self, question: str, scope: Scope) -> str:
        return (await asyncio.to_thread(self.assistant.ask, question, scope=scope)).model_dump_json()

    async def by_aask(self, question: str, scope: Scope) -> str:
        return (await self.assistant.aask(question, scope=scope)).model_dump_json()

    async def by_conversation(self, question: str, scope: Scope) -> str:
        answer = await self.assistant.aask(question, conversation="c1", scope=scope)
        return f"{answer!r} {await self.memory.aturns('c1', scope=scope)} {self.memory.conversations(scope)}"

    async def by_astream(self, question: str, scope: Scope) -> str:
        return "".join([event.model_dump_json() async for event in self.assistant.astream(question, scope=scope)])

    async def by_plan(self, question: str, scope: Scope) -> str:
        plan = await self.assistant.aplan(question, scope=scope)
        again = await asyncio.to_thread(self.assistant.plan, question, scope=scope)
        return f"{plan!r}{plan.notes}{again!r}{again.notes}"

    async def by_run(self, question: str, scope: Scope) -> str:
        plan = Plan.from_json(PLAN)
        answer = await asyncio.to_thread(self.assistant.run, plan, scope=scope)
        return f"{answer!r}{(await self.assistant.arun(plan, question=question, scope=scope))!r}"

    async def by_runnable(self, question: str, scope: Scope) -> str:
        runnable = as_runnable(self.assistant)
        asked: dict[str, Any] = {"question": question, "scope": scope}
        return f"{await runnable.ainvoke(asked)!r}{await asyncio.to_thread(runnable.invoke, asked)!r}"

    async def by_retriever(self, question: str, scope: Scope) -> str:
        retriever = as_retriever(self.index, scope=scope)
        return f"{await retriever.ainvoke(question)!r}{await asyncio.to_thread(retriever.invoke, question)!r}"

    async def by_server(self, question: str, scope: Scope) -> str:
        return await self._posted(question, scope, stream=False)

    async def by_streaming_server(self, question: str, scope: Scope) -> str:
        return await self._posted(question, scope, stream=True)

    async def _posted(self, question: str, scope: Scope, *, stream: bool) -> str:
        import httpx

        transport = httpx.ASGITransport(app=self.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://house") as client:
            body = {"model": "rag", "messages": [{"role": "user", "content": question}], "stream": stream}
            headers = {"tenant": str(scope.tenant), "user": str(scope.user), "x-conversation": "c2"}
            got = await client.post("/v1/chat/completions", json=body, headers=headers)
            assert got.status_code == 200
            return got.text


PATHS = tuple(name.removeprefix("by_") for name in vars(House) if name.startswith("by_"))


def _desk() -> Source:
    def desk(query: str, scope: Scope) -> str:
        return f"the desk has a drawer: {canary(str(scope.tenant), str(scope.user))}"

    return source("desk", desk, about="the desk", cacheable=True)


def _clerk() -> Source:
    async def call(name: str, arguments: dict[str, Any], scope: Scope) -> str:
        return f"{arguments['query']}, and {canary(str(scope.tenant), str(scope.user))}"

    spec = {"name": "clerk", "parameters": {"type": "object", "properties": {"query": {"type": "string"}}}}
    return tools([spec], call, ttl=60)[0]


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    made = House(tmp_path_factory.mktemp("house"))
    yield made
    made.close()


@pytest.mark.parametrize("path", PATHS)
async def test_each_way_of_asking_tells_owners_of_their_own_alone(house, path):
    for owner in OWNERS * 2:  # the second time from the caches
        assert canaries(await house.told(path, QUESTIONS[0], owner)) == due(path, owner)


ASKED = st.tuples(st.sampled_from(PATHS), st.sampled_from(QUESTIONS), st.sampled_from(OWNERS))


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.lists(ASKED, min_size=2, max_size=8))
def test_nothing_leaks_in_any_order_nor_at_once(house, asked):
    async def all_at_once() -> list[str]:
        return await asyncio.gather(*(house.told(*each) for each in asked))

    for (path, _, owner), told in zip(asked, asyncio.run(all_at_once()), strict=True):
        assert canaries(told) == due(path, owner)
    assert all(len(canaries(call.prompt)) <= 1 for call in house.model.calls)


async def test_without_a_scope_nothing_is_told(house):
    answer = await house.assistant.aask(QUESTIONS[0])
    assert canaries(answer.model_dump_json()) <= {"canary-None-None"}


async def test_the_caches_were_in_use(house):
    scope = Scope(tenant="acme", user="ann")
    first = await house.assistant.aask("Where is the drawer?", scope=scope)
    again = await house.assistant.aask("Where is the drawer?", scope=scope)
    assert again.text == first.text
    cached = {span.name for span in again.trace if span.attributes.get("cached")}
    assert {"desk", "clerk"} <= cached


class Through:
    """A source behind an assistant that keeps rows: what it brings came through the caches."""

    def __init__(self, inner: Source) -> None:
        self.card = inner.card.model_copy(update={"cacheable": True})
        self._inner = inner
        self._assistant = Assistant([self._cacheable()])

    def _cacheable(self) -> Source:
        outer = self

        class Cacheable:
            card = outer.card

            async def call(self, args: Mapping[str, Any], scope: Scope) -> Sequence[Row]:
                return await outer._inner.call(args, scope)

        return Cacheable()

    async def call(self, args: Mapping[str, Any], scope: Scope) -> list[Row]:
        plan = Plan(steps=(Step(id="s1", source=self.card.name, args=dict(args)),))
        answer: Answer = await self._assistant.arun(plan, scope=scope)
        return [item.fields for item in answer.evidence.items]


def _records_of(records: Sequence[Owned]) -> Source:
    def notes(query: str, scope: Scope) -> list[str]:
        return [r.text for r in records if (r.tenant, r.user) == (scope.tenant, scope.user) and query in r.text]

    return source("notes", notes, enforces=["tenant", "user"])


def _tool_of(records: Sequence[Owned]) -> Source:
    async def call(name: str, arguments: dict[str, Any], scope: Scope) -> list[str]:
        seen = [r.text for r in records if (r.tenant, r.user) == (scope.tenant, scope.user)]
        return [text for text in seen if arguments["query"] in text]

    spec = {"name": "notes", "parameters": {"type": "object", "properties": {"query": {"type": "string"}}}}
    return tools([spec], call, enforces=["tenant", "user"])[0]


@pytest.mark.parametrize("make", [_records_of, _tool_of])
async def test_the_contract_of_scopes_holds_through_the_caches(make):
    await check_scope(lambda records: Through(make(records)), lambda text: {"query": text})


async def test_what_cannot_keep_to_a_scope_is_left_out_with_a_note_and_refused_where_it_is_called():
    from langchain_core.tools import tool

    @tool
    def weather(city: str) -> str:
        """The weather."""
        return "canary-globex-ann"

    private = langchain_source("weather", weather)
    assistant, scope = Assistant([private, _desk()]), Scope(tenant="acme", user="ann")
    answer = await assistant.aask("What says the desk on weather?", scope=scope)
    assert canaries(answer.model_dump_json()) == {"canary-acme-ann"}
    assert any("weather was left out" in note for note in answer.notes)
    with pytest.raises(ScopeError):
        await private.call({"city": "Ghent"}, scope)
    with pytest.raises(ScopeError):
        await assistant.arun(Plan(steps=(Step(id="s1", source="weather", args={"city": "Ghent"}),)), scope=scope)


async def test_a_stream_that_is_left_tells_nobody_else_of_what_it_found(house):
    scopes = [Scope(tenant=tenant, user=user) for tenant, user in OWNERS]

    async def first(events: AsyncIterator[Any]) -> str:
        async for event in events:
            return str(event)
        return ""

    left = [house.assistant.astream(QUESTIONS[1], scope=scope) for scope in scopes]
    told = await asyncio.gather(*(first(events) for events in left))
    await asyncio.gather(*(events.aclose() for events in left))
    assert all(canaries(text) <= {canary(*owner)} for text, owner in zip(told, OWNERS, strict=True))
    for owner in OWNERS:
        assert canaries(await house.told("aask", QUESTIONS[1], owner)) == {canary(*owner)}
