"""What a planner is told beyond the question: the sources that fit it, where there are many."""

import asyncio
from datetime import UTC, datetime

import pytest

import rag
from rag.protocols import Source, Task
from rag.run.informed import informed
from rag.run.shortlist import Shortlist
from rag.testing import FakeEmbedder
from rag.types import Turn


def look_up(city: str) -> str:
    return city


def _sources(index: rag.Index) -> dict[str, Source]:
    many = [rag.source(f"get{n}x", look_up, about=f"things of kind {n}") for n in range(60)]
    weather = rag.source("getSky", look_up, about="sun, rain and wind of a place")
    return {source.card.name: source for source in [*many, weather, index.source("archive", about="old papers")]}


@pytest.fixture
def told():
    def of(question: str, *turns: Turn) -> Task:
        with rag.Index.memory(FakeEmbedder()) as index:
            sources = _sources(index)
            cards = tuple(source.card for source in sources.values())
            task = Task(question, cards, datetime(2026, 11, 20, tzinfo=UTC), turns=turns)
            return asyncio.run(informed(task, sources, Shortlist(4, embedder=FakeEmbedder()), None))

    return of


def _names(task: Task) -> list[str]:
    return [card.name for card in task.cards]


def test_a_planner_sees_the_sources_that_fit(told):
    task = told("Will there be rain and wind?")
    assert len(task.cards) == 5
    assert max(task.fit, key=task.fit.get) == "getSky"


def test_what_a_source_of_texts_holds_is_not_guessed_from_its_card(told):
    assert "archive" in _names(told("Things of kind 7, kind 8, kind 9 and kind 10?"))


def test_a_question_that_follows_another_has_the_sources_of_both(told):
    before = Turn(role="user", text="Is there rain in Oslo")
    assert "getSky" not in _names(told("And kind 7?"))
    assert {"getSky", "get7x"} <= set(_names(told("And kind 7?", before, Turn(role="assistant", text="No."))))
