"""An index as a source: the contract, the row, the scope, what its card says, and how relevant it is."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from rag.errors import ConfigError, ModelError, ScopeError, SourceError
from rag.protocols import Relevant
from rag.retrieve import Index, relevance
from rag.testing.fakes import FakeEmbedder
from rag.testing.sources import check_scope, check_source
from rag.types import Scope

RETURNS = "Goods may be returned within 30 days."
DOCUMENTS = [
    {"doc_id": "policies/returns", "title": "Returns", "text": RETURNS, "metadata": {"v": 2}},
    {"doc_id": "policies/repairs", "title": "Repairs", "text": "Repairs take two weeks."},
    {"doc_id": "products/kettle", "title": "Kettle", "text": "A red kettle that whistles."},
]


@pytest.fixture
def index():
    with Index.memory(FakeEmbedder(256)) as index:
        index.add(DOCUMENTS)
        yield index


async def called(source, query, scope=None):
    return await source.call({"query": query}, scope or Scope())


async def test_it_keeps_the_contract_of_a_source(index):
    await check_source(index.source("docs"), {"query": "returned goods"})
    await check_source(index.source("docs", shared=True, collection="policies"), {"query": "returned goods"})


async def test_it_keeps_to_the_scope():
    def made(records):
        index = Index.memory(FakeEmbedder())
        for n, record in enumerate(records):
            index.add([{"doc_id": f"d/{n}", "text": record.text}], scope=Scope(tenant=record.tenant, user=record.user))
        return index.source("docs", k=100)

    await check_scope(made, lambda text: {"query": text})


async def test_a_row_tells_where_it_is_from(index):
    (row, *_) = await called(index.source("docs"), "returned within days")
    assert row.pop("score") == pytest.approx(1.0)
    assert row == {
        "doc_id": "policies/returns",
        "chunk_id": "policies/returns#0",
        "title": "Returns",
        "text": RETURNS,
        "span": [0, 37],
        "metadata": {"v": 2},
    }


async def test_a_source_of_a_collection_finds_nothing_else(index):
    rows = await called(index.source("p", collection="policies"), "red kettle")
    assert {row["doc_id"] for row in rows} == {"policies/returns", "policies/repairs"}


async def test_k_bounds_the_rows(index):
    assert len(await called(index.source("docs", k=2), "kettle")) == 2


async def test_a_shared_source_shows_everyone_what_has_no_scope(index):
    mine = Scope(tenant="acme", user="ann", labels=frozenset({"hr"}))
    index.add([{"doc_id": "secret", "text": "a secret kettle"}], scope=mine)
    assert await called(index.source("docs"), "kettle", Scope(tenant="other")) == []
    shared = await called(index.source("docs", shared=True), "kettle", mine)
    assert shared[0]["doc_id"] == "products/kettle"
    assert "secret" not in {row["doc_id"] for row in shared}
    assert [row["doc_id"] for row in await called(index.source("docs"), "kettle", mine)] == ["secret"]


def test_the_card_says_what_is_enforced(index):
    assert index.source("docs").card.enforces == {"tenant", "user", "labels"}
    shared = index.source("docs", shared=True).card
    assert (shared.shared, shared.enforces) == (True, frozenset())
    assert index.source("docs").card.signature == "docs(query: string)"
    assert index.source("docs").card.title_field == "title"


def test_the_card_tells_titles_when_nothing_else_is_said(index):
    assert index.source("p", collection="policies").card.about == "2 documents, such as Repairs; Returns"
    assert index.source("p", about="rules").card.about == "rules"


def test_the_card_tells_no_titles_of_a_scope(index):
    for scope in (Scope(tenant="acme"), Scope(user="ann"), Scope(labels=frozenset({"hr"}))):
        index.add([{"doc_id": f"x/{scope}", "title": "Layoffs", "text": "a text"}], scope=scope)
    assert index.source("docs").card.about == "3 documents, such as Repairs; Returns; Kettle"
    assert index.source("x", collection="x").card.about == "documents"


def test_the_card_tells_the_beginning_of_each_title_in_one_line(index):
    index.add([{"doc_id": "x/1", "title": "\x1b[2JRed\nalert " + "!" * 1_000, "text": "a text"}])
    about = index.source("x", collection="x").card.about
    assert about == "1 documents, such as [2JRed alert " + "!" * 67


async def test_relevance_tells_collections_apart(index):
    policies, products = index.source("a", collection="policies"), index.source("b", collection="products")
    assert isinstance(policies, Relevant)
    question = "may I return my goods?"
    first, second = await policies.relevance(question, Scope()), await products.relevance(question, Scope())
    assert 1 >= first > 0.5 > second >= 0
    assert await index.source("all").relevance(question, Scope()) >= first


@pytest.mark.parametrize("question", ["", "  ", "???", "\ud800", "x" * 100_000])
async def test_relevance_of_any_text_is_a_share(index, question):
    assert 0 <= await index.source("docs").relevance(question, Scope()) <= 1


async def test_what_is_not_there_has_no_relevance(index):
    assert await index.source("x", collection="none").relevance("kettle", Scope()) == 0
    assert await index.source("docs").relevance("kettle", Scope(tenant="other")) == 0


async def test_many_collections_are_probed_by_one_search():
    class Counting(FakeEmbedder):
        calls = 0

        def embed(self, texts):
            self.calls += 1
            return super().embed(texts)

    embedder = Counting()
    with Index.memory(embedder) as index:
        index.add({"doc_id": f"c{n}/d", "text": f"word{n} common"} for n in range(50))
        before = embedder.calls
        found = await asyncio.gather(
            *(index.source(f"c{n}", collection=f"c{n}").relevance("word7", Scope()) for n in range(50))
        )
    assert found.index(max(found)) == 7
    assert embedder.calls == before + 1


async def test_a_probe_reads_few_passages_of_a_collection(monkeypatch):
    read = []
    monkeypatch.setattr(relevance, "terms", lambda text: read.append(text) or text.lower().split())
    with Index.memory(FakeEmbedder()) as index:
        index.add({"doc_id": f"c/{n}", "text": f"common kettle\n{n}"} for n in range(300))
        assert await index.source("c").relevance("common kettle", Scope()) > 0.5
    assert len([text for text in read if "\n" in text]) <= 6


async def test_many_indexes_of_one_embedder_embed_a_question_once():
    class Counting(FakeEmbedder):
        calls = 0

        def embed(self, texts):
            self.calls += 1
            return super().embed(texts)

    embedder = Counting()
    indexes = [Index.memory(embedder) for _ in range(5)]
    for index in indexes:
        index.add(DOCUMENTS)
    before = embedder.calls
    for index in indexes:
        await called(index.source("docs"), "kettle")
        await index.source("docs").relevance("kettle", Scope())
    assert embedder.calls == before + 1


@pytest.mark.parametrize("options", [{}, {"slots": True}, {"slots": True, "eq": False}])
def test_any_object_may_be_an_embedder(options):
    @dataclass(**options)
    class Plain:
        name: str = "plain"
        dimensions: int = 64

        def embed(self, texts):
            return FakeEmbedder().embed(texts)

    with Index.memory(Plain()) as index:
        index.add(DOCUMENTS)
        assert index.search("red kettle")[0].passage.doc_id == "products/kettle"


async def test_a_card_is_made_once_and_told_also_of_a_closed_index(index):
    source = index.source("policies", collection="policies")
    index.close()
    assert source.card is source.card
    assert source.card.about == "2 documents, such as Repairs; Returns"
    with pytest.raises(SourceError, match="closed"):
        await called(source, "returns")


async def test_a_source_that_hangs_holds_up_no_other_and_piles_nothing_up(index, monkeypatch):
    let_go, started = threading.Event(), []

    def hang(*_, **__):
        started.append(1)
        let_go.wait(30)
        return []

    with Index.memory(FakeEmbedder()) as other:
        monkeypatch.setattr(other, "search", hang)
        hanging = other.source("other")
        for _ in range(3):
            calls = [asyncio.create_task(called(hanging, "kettle")) for _ in range(20)]
            await asyncio.sleep(0.05)
            assert await asyncio.wait_for(called(index.source("docs"), "kettle"), 10)
            for call in calls:
                call.cancel()
            await asyncio.wait(calls)
        assert len(started) == hanging.card.concurrency
        let_go.set()


async def test_searches_that_are_given_up_do_not_pile_up(index, monkeypatch):
    let_go, started = threading.Event(), []

    def hang(*_):
        started.append(1)
        let_go.wait(30)
        return []

    monkeypatch.setattr("rag.retrieve.halves.Halves._hits", hang)
    for _ in range(3):
        calls = [asyncio.create_task(index.asearch("kettle")) for _ in range(20)]
        await asyncio.sleep(0.05)
        for call in calls:
            call.cancel()
        await asyncio.wait(calls)
    let_go.set()
    assert len(started) == 16


@pytest.mark.parametrize("name", ["", " ", "a\nb", "\x1b[2J"])
def test_a_name_is_printable_text(index, name):
    with pytest.raises(ConfigError, match="cannot name a source"):
        index.source(name)


async def test_a_time_is_refused_and_a_wrong_argument_told_in_one_line(index):
    with pytest.raises(ScopeError, match="as_of"):
        await called(index.source("docs"), "kettle", Scope(as_of=datetime(2026, 1, 1, tzinfo=UTC)))
    assert await called(index.source("docs", shared=True), "kettle", Scope(as_of=datetime(2026, 1, 1, tzinfo=UTC)))
    for args in ({"query": 1}, {"query": "x", "k": 2}, {}):
        with pytest.raises(SourceError, match=r"^source 'docs'[^\n]*$"):
            await index.source("docs").call(args, Scope())


async def test_what_has_no_collection_is_weighed_alone(index):
    index.add([{"doc_id": "lamp", "text": "A blue lamp."}])
    loose = index.source("loose", collection="")
    assert await loose.relevance("a red kettle", Scope()) < await loose.relevance("a blue lamp", Scope())
    assert await loose.relevance("a red kettle", Scope()) < await index.source("all").relevance("a red kettle", Scope())


async def test_relevance_follows_what_is_added(index):
    source = index.source("docs")
    before = await source.relevance("a blue lamp", Scope())
    index.add([{"doc_id": "products/lamp", "text": "A blue lamp."}])
    assert await source.relevance("a blue lamp", Scope()) > before


async def test_an_embedder_that_is_down_fails_the_source(index, monkeypatch):
    def fail(*_):
        raise ModelError("endpoint down", retryable=True, retry_after=2.0)

    monkeypatch.setattr(FakeEmbedder, "embed", fail)
    with pytest.raises(SourceError, match="docs: endpoint down") as caught:
        await called(index.source("docs"), "kettle")
    assert (caught.value.source, caught.value.retryable, caught.value.retry_after) == ("docs", True, 2.0)


def test_a_source_brings_at_least_one_passage(index):
    with pytest.raises(ConfigError, match="at least 1"):
        index.source("docs", k=0)


def test_the_titles_told_are_from_all_over(index):
    index.add({"doc_id": f"many/{n:03}", "title": f"Title {n}", "text": "a text"} for n in range(100))
    about = index.source("many", collection="many").card.about
    assert about == "100 documents, such as Title 0; Title 20; Title 40; Title 60; Title 80"
