"""What a reader is told of a profile."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime, timedelta

import pytest

from rag.errors import RetrievalError
from rag.memory import Memory
from rag.memory.profile import ProfileContext
from rag.testing.fakes import FakeEmbedder
from rag.types import Turn

MAY = datetime(2026, 5, 1, 12, tzinfo=UTC)
TALK = [
    "I live in Rome. The weather is fine today.", "What shall we eat?", "I love green tea and old maps.",
    "My sister Eva plays the cello.", "I moved to Oslo.", "We saw a boat.",
]  # fmt: skip


@pytest.fixture
def memory():
    with Memory.open("sqlite://", embedder=FakeEmbedder()) as memory:
        turns = [
            Turn(turn_id=str(n), role="user", text=text, at=MAY + n * timedelta(days=1)) for n, text in enumerate(TALK)
        ]
        memory.add("c", turns)
        memory.profile.refresh()
        yield memory


def test_it_holds_what_is_true_and_not_what_was(memory):
    text = str(memory.profile.context("Where is my home, in Rome or Oslo?"))
    assert "home: Oslo (since Tuesday, 5 May 2026)" in text
    assert "Rome" not in text


def test_every_sentence_names_its_turn_and_says_something_of_its_speaker(memory):
    context = memory.profile.context("Which tea do I drink?")
    said = {one.text: one.turns for one in context.said}
    assert said["My sister Eva plays the cello."] == ("c#3",)
    assert not {"What shall we eat?", "The weather is fine today."} & set(said)


@pytest.mark.parametrize("budget", [0, 10, 25, 60, 500])
def test_it_keeps_to_its_budget(memory, budget):
    context = memory.profile.context("Which tea and maps do I love?", turns=2, budget=budget)
    # Facts are told whole: they are what is asked for.
    facts = ProfileContext(facts=context.facts).tokens
    assert context.tokens <= max(budget, facts)
    assert len(context.turns) == (2 if budget == 500 else len(context.turns))


def test_the_time_that_a_question_names_bounds_what_is_said(memory):
    context = memory.profile.context("What did I say about my sister on 4 May?", now=MAY + timedelta(days=9))
    assert [one.turns for one in context.said] in ([("c#3",)], [])
    assert "Eva" in str(context)


def test_what_the_user_says_of_themselves_by_hand_comes_first(memory):
    memory.profile.concepts.upsert("Ann", tag="me", attributes={"home": "Paris"})
    text = str(memory.profile.context("Where is home?"))
    assert text.startswith("Ann: home: Paris.")
    assert "Oslo" not in text


def test_without_an_embedder_that_works_words_alone_tell(memory, caplog):
    class Broken(FakeEmbedder):
        def embed(self, texts):
            raise RetrievalError("no embedder")

    broken = Memory(memory.store, embedder=Broken(32))
    with caplog.at_level(logging.CRITICAL):
        context = broken.profile.context("Which green tea do I love?")
    assert "green tea" in str(context)


def test_the_async_twin_does_the_same(memory):
    now = MAY + timedelta(days=9)
    assert asyncio.run(memory.profile.acontext("My tea?", now=now)) == memory.profile.context("My tea?", now=now)


def test_an_empty_memory_tells_nothing():
    with Memory.open("sqlite://", embedder=FakeEmbedder()) as memory:
        assert str(memory.profile.context("Where do I live?")) == ""
