"""Adapters: they win where there is something to learn, and stay off where there is not."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

import rag
from rag.errors import ConfigError, DimensionMismatch, InputError, RetrievalError
from rag.protocols import Embedder, EmbedsQueries
from rag.retrieve import Adapter, Index, Step, adapt, distill
from rag.retrieve.adaptation import HeldOut
from rag.retrieve.adaptation.guard import _folds, _groups
from rag.retrieve.adaptation.training import Lesson, trained
from rag.retrieve.queries import query_vectors
from rag.testing.fakes import FakeEmbedder
from rag.types import Scope

WORDS = ["amber", "birch", "cedar", "dahlia", "elder", "fern", "gorse", "hazel", "iris", "juniper"]
SIGNS = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]


@pytest.fixture(scope="module")
def index():
    """Documents that share no word with the questions about them."""
    with Index.memory(FakeEmbedder()) as index:
        index.add({"doc_id": f"d/{word}", "text": f"all about {word}"} for word in WORDS)
        yield index
        index.use(None)


def pairs(times=6):
    return [
        (f"tell of {sign} please {n}", f"d/{word}")
        for sign, word in zip(SIGNS, WORDS, strict=True)
        for n in range(times)
    ]


@pytest.fixture(scope="module")
def adapter(index):
    return adapt(index, pairs())


def first(index, question):
    return index.dense().search(question, 1)[0].passage.doc_id


def test_an_adapter_wins_where_questions_use_other_words(index, adapter):
    assert adapter.on
    assert adapter.held_out.before[0] < 0.4
    assert adapter.held_out.after[0] > 0.9
    assert str(adapter).startswith(
        f"adapter for fake-64, rank 64, {adapter.steps} steps: on\nheld out by questions, 60"
    )


def test_an_index_uses_it_until_told_otherwise(index, adapter):
    asked = [f"tell of {sign} please again" for sign in SIGNS]
    wanted = [f"d/{word}" for word in WORDS]
    before = [first(index, question) for question in asked]
    index.use(adapter)
    assert [first(index, question) for question in asked] == wanted != before
    assert index.lexical().search("amber")[0].passage.doc_id == "d/amber"
    index.use(None)
    assert [first(index, question) for question in asked] == before


def test_what_a_tenant_taught_moves_the_queries_of_that_tenant_alone():
    question, acme, ann = "tell of three please now", Scope(tenant="acme"), Scope(tenant="acme", user="ann")
    with Index.memory(FakeEmbedder()) as index:
        for scope in (None, acme, ann, Scope(tenant="other")):
            index.add(({"doc_id": f"d/{word}", "text": f"all about {word}"} for word in WORDS), scope=scope)
        scopes = (None, Scope(tenant="other"), acme, ann)

        def scores():
            return [index.dense().search(question, 1, scope=scope)[0].score for scope in scopes]

        before = scores()
        index.use(Adapter.from_bytes(adapt(index, pairs(), scope=acme).to_bytes()))
        assert [old == new for old, new in zip(before, scores(), strict=True)] == [True, True, False, False]


def test_what_is_no_adapter_and_what_cannot_be_held_out_are_refused(index):
    with pytest.raises(ConfigError, match="5 is no adapter"):
        index.use(5)
    with pytest.raises(ConfigError, match="held_out='foo' cannot be"):
        adapt(index, pairs(), held_out="foo")


def test_it_is_saved_with_the_index_and_checked_against_its_embedder(tmp_path, adapter):
    question = "tell of three please now"
    with Index.open(tmp_path, embedder=FakeEmbedder()) as index:
        index.add({"doc_id": f"d/{word}", "text": f"all about {word}"} for word in WORDS)
        with Index.open(tmp_path, embedder=FakeEmbedder()) as reader:
            assert first(reader, question) != "d/cedar"
            index.use(adapter)
            assert first(reader, question) == "d/cedar"  # another one that is open sees it
        with pytest.raises(DimensionMismatch, match="other-embedder"):
            index.use(Adapter("other-embedder", adapter.down, adapter.up, adapter.steps, adapter.held_out))
    with Index.open(tmp_path, embedder=FakeEmbedder()) as again:
        assert first(again, question) == "d/cedar"


def test_passages_keep_their_vectors_and_queries_get_others(adapter):
    embedder = FakeEmbedder()
    wrapped = adapter.wrap(embedder)
    assert isinstance(wrapped, Embedder)
    assert isinstance(wrapped, EmbedsQueries)
    assert (wrapped.name, wrapped.dimensions) == (embedder.name, embedder.dimensions)
    assert np.array_equal(wrapped.embed(["a text"]), embedder.embed(["a text"]))
    query = query_vectors(wrapped)("a text")
    assert np.allclose(query, adapter.applied(embedder.embed(["a text"]))[0])
    assert not np.allclose(query, embedder.embed(["a text"])[0], atol=1e-3)
    assert np.linalg.norm(query) == pytest.approx(1, abs=1e-5)


def test_an_index_of_a_wrapped_embedder_adapts_once(index, adapter):
    question = "tell of three please now"
    index.use(adapter)
    once = index.dense().search(question, 1)[0].score
    with Index.memory(adapter.wrap(FakeEmbedder())) as other:
        other.add({"doc_id": f"d/{word}", "text": f"all about {word}"} for word in WORDS)
        other.use(adapter)
        assert other.dense().search(question, 1)[0].score == pytest.approx(once, abs=1e-5)
    index.use(None)


def test_where_there_is_nothing_to_learn_it_stays_off(index):
    random = np.random.default_rng(0)
    noise = [(f"q{n} q{n + 1000}", f"d/{word}") for n, word in enumerate(random.choice(WORDS, 60))]
    adapter = adapt(index, noise)
    assert not adapter.on
    assert "off, since it did not win" in str(adapter)
    index.use(adapter)
    vectors = FakeEmbedder().embed(["anything"])
    assert adapter.applied(vectors) is vectors


def test_passages_that_are_held_out_tell_what_others_would_suffer(index):
    by_questions, by_passages = (adapt(index, pairs(), held_out=by).held_out for by in ("questions", "passages"))
    assert by_questions.wins
    assert by_passages.gain < by_questions.gain / 2  # these words say little of other words
    assert by_passages.by == "passages"


def test_the_same_seed_gives_the_same_adapter(index, adapter):
    again = adapt(index, pairs())
    assert np.array_equal(adapter.up, again.up)
    assert adapter.held_out == again.held_out
    assert not np.array_equal(adapter.down, adapt(index, pairs(), seed=1).down)


def test_it_is_read_as_it_was_written(adapter):
    again = Adapter.from_bytes(adapter.to_bytes())
    assert (again.embedder, again.steps, again.held_out) == (adapter.embedder, adapter.steps, adapter.held_out)
    assert np.array_equal(again.down, adapter.down)


def test_damaged_and_newer_adapters_are_refused(adapter, monkeypatch):
    for content in (b"", b"rubbish", adapter.to_bytes()[:200]):
        with pytest.raises(RetrievalError, match="cannot be read"):
            Adapter.from_bytes(content)
    monkeypatch.setattr("rag.retrieve.adaptation.adapter._VERSION", 2)
    newer = adapter.to_bytes()
    monkeypatch.undo()
    with pytest.raises(RetrievalError, match="version 2"):
        Adapter.from_bytes(newer)


def test_a_gain_within_the_noise_is_no_win():
    seen = HeldOut("questions", 20, (0.5, 0.8), (0.6, 0.8), gain=0.04, error=0.03)
    assert not seen.wins
    assert dataclasses.replace(seen, gain=0.05).wins


def test_pairs_that_cannot_be_learned_from_are_told(index):
    with pytest.raises(InputError, match="'d/zinnia'"):
        adapt(index, [*pairs(), ("q", "d/zinnia")])
    with pytest.raises(InputError, match="too few"):
        adapt(index, pairs(1))
    with pytest.raises(ConfigError, match="rank"):
        adapt(index, pairs(), rank=0)
    with pytest.raises(InputError, match="parted by passages"):
        adapt(index, [(f"q{n}", "d/amber") for n in range(30)], held_out="passages")


def test_a_scope_learns_from_what_it_sees_alone():
    with Index.memory(FakeEmbedder()) as index:
        index.add([{"doc_id": "d", "text": "ours"}], scope=Scope(tenant="acme"))
        index.add([{"doc_id": "e", "text": "theirs"}], scope=Scope(tenant="other"))
        assert index.vectors(scope=Scope(tenant="acme"))[0] == ["d#0"]
        with pytest.raises(InputError, match="'e'"):
            adapt(index, [("q", "e")], scope=Scope(tenant="acme"))


def test_the_gradient_is_that_of_the_loss():
    from rag.retrieve.adaptation.training import _TEMPERATURE, _gradients

    random = np.random.default_rng(0)
    vectors, corpus = random.normal(size=(3, 5)), random.normal(size=(7, 5))
    residual = random.normal(size=(2, 5)), random.normal(size=(5, 2))
    target = random.dirichlet(np.ones(7), 3)
    allowed = np.ones((3, 7), bool)

    def loss(down, up):
        moved = vectors + vectors @ down.T @ up.T
        logits = moved / np.linalg.norm(moved, axis=1, keepdims=True) @ corpus.T / _TEMPERATURE
        return (
            np.log(np.exp(logits - logits.max(1, keepdims=True)).sum(1)) + logits.max(1) - (target * logits).sum(1)
        ).mean()

    for side, gradient in enumerate(_gradients(vectors, residual, corpus, target, allowed)):
        change = np.zeros_like(residual[side])
        change[1, 1] = 1e-5
        ends = [loss(*(m + sign * change if n == side else m for n, m in enumerate(residual))) for sign in (1, -1)]
        assert (ends[0] - ends[1]) / 2e-5 == pytest.approx(gradient[1, 1], rel=1e-4)


def test_training_starts_from_no_change_at_all():
    corpus = FakeEmbedder(8).embed(WORDS)
    lessons = [Lesson(vector, np.array([row])) for row, vector in enumerate(FakeEmbedder(8).embed(SIGNS))]
    start, after = (next(r for n, r in enumerate(trained(lessons, corpus, rank=4, seed=0)) if n == k) for k in (0, 5))
    vectors = FakeEmbedder(8).embed(SIGNS)
    assert np.allclose(start.moved(vectors), vectors, atol=1e-6)
    right = [(residual.moved(vectors) * corpus).sum() for residual in (start, after)]
    assert right[1] > right[0]


def test_no_passage_is_trained_on_and_held_out():
    vector = FakeEmbedder(8).embed(["x"])[0]
    random = np.random.default_rng(0)
    lessons = [Lesson(vector, np.unique(random.choice(10, 2))) for _ in range(40)]
    folds = list(_folds(lessons, _groups(lessons, "passages"), "passages", 0))
    assert sorted(n for _, out in folds for n in out) == list(range(40))
    for kept, out in folds:
        assert not {r for n in kept for r in lessons[n].rows} & {r for n in out for r in lessons[n].rows}


class Knows(Step):
    """A teacher that knows the words of the fixture."""

    async def applied(self, query, hits, way):
        known = {sign: word for sign, word in zip(SIGNS, WORDS, strict=True) if sign in query.text}
        scores = [float(any(word in hit.passage.text for word in known.values())) for hit in hits]
        scored = [hit.model_copy(update={"score": score}) for hit, score in zip(hits, scores, strict=True)]
        return sorted(scored, key=lambda hit: -hit.score)


def test_a_teachers_judgement_is_distilled_into_the_question_alone(index):
    questions = [question for question, _ in pairs()]
    adapter = distill(index, [(question, "a draft") for question in questions], Knows(), k=10)
    assert adapter.on
    assert adapter.held_out.after[0] > 0.9
    with pytest.raises(InputError, match="too few"):
        distill(index, questions[:10], Knows())


def test_it_is_off_unless_it_is_asked_for():
    with Index.memory(FakeEmbedder()) as fresh:
        fresh.add([{"doc_id": "d", "text": "amber"}])
        vector = FakeEmbedder().embed(["amber"])[0]
        assert fresh.dense().search("amber")[0].score == pytest.approx(float(vector @ vector), abs=2e-3)
    assert rag.retrieve.adapt is adapt
