"""Concepts, edited by hand and found by name first."""

from __future__ import annotations

import asyncio

import pytest

from rag.errors import InputError
from rag.memory import Memory
from rag.memory.profile import Concept
from rag.types import Scope


@pytest.fixture
def concepts():
    with Memory.open("sqlite://") as memory:
        yield memory.profile.concepts


def names(found):
    return [one.name for one in found]


def test_an_edit_holds_at_once_and_changes_only_what_is_given(concepts):
    first = concepts.upsert("Rex", category="dog", info="Likes cheese.", aliases=["Rexy"])
    second = concepts.upsert("REXY", info="Likes bread.")
    assert concepts.find("What does Rex like?") == (second,)
    assert second == first.model_copy(update={"info": "Likes bread."})
    assert concepts.upsert("Rex", aliases=[], attributes={"age": "3"}).aliases == ()


def test_a_renamed_concept_is_found_by_its_new_name_alone(concepts):
    rex = concepts.upsert("Rex", aliases=["Max"])
    assert concepts.rename("rex", "Max") == rex.model_copy(update={"name": "Max", "aliases": ()})
    assert names(concepts.find("Where is Max?", k=0)) == ["Max"]
    assert concepts.find("Where is Rex?", k=0) == ()
    assert concepts.upsert("Maxi", tag=rex.tag).tag == rex.tag


def test_history_has_every_edit_and_outlasts_deletion(concepts):
    rex = concepts.upsert("Rex")
    concepts.rename("Rex", "Max")
    concepts.delete("Max")
    assert concepts.all() == ()
    edits = concepts.history(rex.tag)
    assert [edit.concept and edit.concept.name for edit in edits] == ["Rex", "Max", None]
    assert names(concepts.all(scope=Scope(as_of=edits[1].at))) == ["Max"]
    assert concepts.history("none") == ()


def test_all_that_is_named_comes_first_and_then_the_nearest(concepts):
    for name, info in (
        ("Rex", "A dog that chases balls."), ("Tom", "A cat that sleeps all day."), ("Eva", "My sister, a lawyer."),
        ("<mug>", "A blue cup for coffee."),
    ):  # fmt: skip
        concepts.upsert(name, info=info, category=name)
    assert names(concepts.find("Do Eva, Rex and Tom get on?", k=2)) == ["Eva", "Rex", "Tom"]
    assert names(concepts.find("Is <mug> mine, Rex?", k=2)) == ["<mug>", "Rex"]
    assert names(concepts.find("Which puppy chases a ball?", k=1)) == ["Rex"]
    assert names(concepts.find("Rex's ball", category="Tom", k=1)) == ["Tom"]
    assert concepts.find("Rexford and tomcats", k=0) == ()


def test_names_are_given_once_and_unknown_ones_are_told(concepts):
    concepts.upsert("Rex", aliases=["the dog"])
    concepts.upsert("Tom")
    for wrong in (
        lambda: concepts.upsert("Tom", tag="new"), lambda: concepts.rename("Tom", "The Dog"),
        lambda: concepts.upsert(" "), lambda: concepts.delete("Bob"), lambda: concepts.rename("Bob", "Jim"),
    ):  # fmt: skip
        with pytest.raises(InputError, match=r"name|concept"):
            wrong()
    assert names(concepts.all()) == ["Rex", "Tom"]


def test_a_concept_tells_itself_in_a_line():
    concept = Concept(tag="r", name="Rex", category="dog", info="A Beagle.", attributes={"age": "3"})
    assert str(concept) == "Rex (dog): A Beagle. age: 3."


def test_async_twins_do_the_same(concepts):
    async def used():
        rex = await concepts.aupsert("Rex")
        assert await concepts.afind("Rex", k=0) == (rex,)
        await concepts.arename("Rex", "Max")
        await concepts.adelete("Max")
        assert await concepts.aall() == ()
        assert len(await concepts.ahistory(rex.tag)) == 3

    asyncio.run(used())
