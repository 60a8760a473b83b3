"""Retrievers as expressions: operators, their twins, what they print, and that they block no loop."""

from __future__ import annotations

import asyncio
import time

import pytest

from rag.errors import ConfigError, InputError, ModelError
from rag.retrieve import Index, Step
from rag.retrieve.algebra import Leaf
from rag.retrieve.way import BLOCKING, finished
from rag.testing.fakes import FakeEmbedder
from rag.types import Hit, Passage, Scope


def leaf(name, scores):
    def find(query, k):
        asked.append((name, query, k))
        made = [Hit(passage=Passage(doc_id=d, chunk_id=d, text=d), score=s, rank=0) for d, s in scores.items()]
        return [hit.model_copy(update={"rank": rank}) for rank, hit in enumerate(made[:k])]

    asked = []
    return Leaf(name, find), asked


class Reverse(Step):
    async def applied(self, query, hits, way):
        return hits[::-1]

    def __repr__(self):
        return "reverse"


A, _ = leaf("a", {"x": 3.0, "y": 2.0, "z": 1.0})
B, _ = leaf("b", {"z": 0.9, "y": 0.6})


def found(retriever, k=None):
    return [hit.passage.doc_id for hit in retriever.search("q", k)]


@pytest.mark.parametrize(
    ("written", "named", "printed"),
    [
        (A + B, A.fuse(B), "(a + b)"),
        (A + B + A, A.fuse(B).fuse(A), "(a + b + a)"),
        (A * 2, A.weighted(2), "(a * 2)"),
        (0.5 * A, A.weighted(0.5), "(a * 0.5)"),
        (A % 5, A.cut(5), "(a % 5)"),
        (A >> Reverse() % 3, A.then(Reverse().cut(3)), "(a >> (reverse % 3))"),
        (A + B * 2 % 4, A.fuse(B.weighted(2).cut(4)), "(a + ((b * 2) % 4))"),
        ((A + B) % 50 >> Reverse() % 8, A.fuse(B).cut(50).then(Reverse().cut(8)), "(((a + b) % 50) >> (reverse % 8))"),
        (A >> (Reverse() >> Reverse()), A.then(Reverse().then(Reverse())), "(a >> (reverse >> reverse))"),
    ],
)
def test_operators_have_twins_and_print_their_parentheses(written, named, printed):
    assert repr(written) == repr(named) == printed
    assert found(written) == found(named)


def test_cut_keeps_the_first():
    assert found(A % 2) == ["x", "y"]
    assert found(A % 2, k=1) == ["x"]
    assert found(A % 2, k=10) == ["x", "y"]


def test_a_step_sees_all_that_came_before_it():
    assert found(A >> Reverse(), k=1) == ["z"]
    assert found(A % 2 >> Reverse() % 1) == ["y"]
    assert found(A >> Reverse() >> Reverse(), k=2) == ["x", "y"]


def test_weights_weigh_through_cuts():
    assert found(A + B)[0] == "y"
    assert found(A * 5 + B)[0] == "x"
    assert found(A + 5 * B)[0] == "z"
    assert found((A * 5) % 3 + B)[0] == "x"
    assert found(A * 2 * 2.5 + B)[0] == "x"


def test_parts_of_a_fusion_are_asked_for_more_than_is_wanted():
    part, asked = leaf("p", {"x": 1.0})
    (part + part).search("q", 3)
    (part % 7).search("q", 3)
    part.search("q", 300)
    assert [k for _, _, k in asked] == [100, 100, 7, 300]


def test_scope_and_collection_reach_every_part():
    part, asked = leaf("p", {"x": 1.0})
    scope = Scope(tenant="acme")
    ((part + part * 2) % 3 >> Reverse()).search("q", scope=scope, collection="c")
    assert {(query.scope, query.collection) for _, query, _ in asked} == {(scope, "c")}


def test_expressions_do_not_change():
    expression = A + B
    before = repr(expression)
    _ = expression % 2, expression * 3, expression + A
    assert repr(expression) == before
    with pytest.raises(AttributeError):
        expression.parts = ()


@pytest.mark.parametrize("wrong", [lambda: A * 0, lambda: A * -1, lambda: A * float("nan"), lambda: A % 0])
def test_what_cannot_work_is_refused_at_once(wrong):
    with pytest.raises(ConfigError):
        wrong()


@pytest.mark.parametrize("wrong", [lambda: A + 1, lambda: A % "2", lambda: A >> A, lambda: Reverse() >> A])
def test_other_operands_are_type_errors(wrong):
    with pytest.raises(TypeError):
        wrong()


def test_k_is_at_least_1():
    with pytest.raises(InputError):
        A.search("q", -1)


def test_the_index_is_searched_by_such_an_expression(index):
    index.add([{"doc_id": f"d{n}", "text": f"word{n} common"} for n in range(30)])
    both = index.lexical() + index.dense()
    assert index.search("word7 common") == both.search("word7 common", 10) == (both % 10).search("word7 common")
    assert repr(both) == "(lexical + dense)"


async def test_async_gives_what_sync_gives(index):
    index.add([{"doc_id": f"d{n}", "text": f"word{n} common"} for n in range(30)])
    assert await index.asearch("word7", 3) == index.search("word7", 3)
    expression = (index.lexical() * 2 + index.dense()) % 9 >> Reverse()
    assert await expression.asearch("word7", 3) == expression.search("word7", 3)


async def test_a_slow_embedder_does_not_block_the_loop():
    class Slow(FakeEmbedder):
        def embed(self, texts):
            time.sleep(0.5)
            return super().embed(texts)

    with Index.memory(Slow()) as index:
        index.add([{"doc_id": "d", "text": "a text"}])
        searches = asyncio.gather(*(index.asearch(f"query {n}") for n in range(4)))
        beats = 0
        while not searches.done():
            await asyncio.sleep(0.01)
            beats += 1
        assert [len(hits) for hits in await searches] == [1] * 4
        assert beats > 10


async def test_errors_arrive_as_they_are():
    def fail(query, k):
        raise ModelError("down")

    broken = Leaf("broken", fail)
    with pytest.raises(ModelError, match="down"):
        (A + broken).search("q")
    with pytest.raises(ModelError, match="down"):
        await (A + broken).asearch("q")


def test_a_step_that_waits_elsewhere_is_told_so():
    async def elsewhere():
        await asyncio.sleep(0)

    with pytest.raises(RuntimeError, match="waited for something else"):
        finished(elsewhere())
    assert finished(BLOCKING.compute(divmod, 7, 2)) == (3, 1)
