"""Facts over time: what was true, and what was known."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest

from rag.memory import Memory
from rag.memory.profile.facts import Said, facts
from rag.types import Scope, Turn

MAY = datetime(2026, 5, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def memory():
    with Memory.open("sqlite://") as memory:
        yield memory


def tell(memory, *texts, conversation="c"):
    known = len(memory.turns(conversation))
    turns = [
        Turn(turn_id=str(n), role="user", text=text, at=MAY + n * DAY)
        for n, text in enumerate(texts, known)
    ]  # fmt: skip
    memory.add(conversation, turns)
    memory.profile.refresh()
    return memory.profile


def values(found):
    return [fact.value for fact in found]


def test_a_newer_fact_closes_the_older_one(memory):
    profile = tell(memory, "I live in Rome.", "I live in Oslo.")
    assert values(profile.facts("home")) == ["Oslo"]
    rome, oslo = profile.facts("HOME", closed=True)
    assert (rome.valid_from, rome.valid_until, oslo.valid_until) == (MAY, MAY + DAY, None)
    assert (rome.turns, oslo.turns, oslo.text) == (("c#0",), ("c#1",), "I live in Oslo.")


def test_any_moment_can_be_read_as_it_was_and_as_it_was_known(memory):
    profile = tell(memory, "I live in Rome.", "Hello.", "I moved to Oslo on 2 May.")
    in_between = MAY + 1.5 * DAY
    assert values(profile.facts("home", as_of=in_between)) == ["Rome"], "the move was not known yet"
    assert values(profile.facts("home", at=in_between)) == ["Oslo"], "and had been made"
    assert values(profile.facts("home", scope=Scope(as_of=in_between))) == ["Rome"]
    assert profile.facts("home", as_of=MAY - DAY) == ()


def test_of_many_values_each_ends_by_itself(memory):
    profile = tell(memory, "I love jazz. I like tea.", "I no longer like jazz.", "I love the green hills.")
    assert values(profile.facts("likes")) == ["tea", "the green hills"]
    (jazz,) = [fact for fact in profile.facts("likes", closed=True) if fact.value == "jazz"]
    assert jazz.valid_until == MAY + DAY


def test_what_is_said_again_rests_on_both_turns(memory):
    profile = tell(memory, "I live in Rome.", "As I live in Rome, I walk.", "I live in Oslo.")
    rome, _ = profile.facts("home", closed=True)
    assert rome.turns == ("c#0", "c#1")
    memory.forget(conversation="c", turns=["0"])
    rome, _ = profile.facts("home", closed=True)
    assert (rome.turns, rome.valid_from) == (("c#1",), MAY + DAY)


def test_a_fact_is_open_again_when_what_closed_it_is_forgotten(memory):
    profile = tell(memory, "I live in Rome.", "I live in Oslo.")
    memory.forget(conversation="c", turns=["1"])
    (rome,) = profile.facts(closed=True)
    assert (rome.value, rome.valid_until) == ("Rome", None)


def test_refreshing_again_changes_nothing(memory):
    profile = tell(memory, "I live in Rome. I love jazz.")
    before = memory.store.derived(Scope(), "profile.fact")
    profile.refresh()
    assert memory.store.derived(Scope(), "profile.fact") == before


def test_what_a_user_edits_wins_at_once_and_over_what_is_said_later(memory):
    profile = tell(memory, "I live in Rome.")
    profile.concepts.upsert("Ann", tag="me", attributes={"Home": "Paris"})
    assert values(profile.facts("home")) == ["Paris"]
    tell(memory, "I live in Oslo.")
    assert values(profile.facts("home")) == ["Paris"]
    assert values(profile.facts("home", at=MAY + 0.5 * DAY)) == ["Rome"]


def test_facts_of_a_named_speaker_are_theirs(memory):
    memory.add(
        "c", [Turn(speaker=name, text=f"I live in {place}.") for name, place in (("Ann", "Rome"), ("Bob", "Oslo"))]
    )
    memory.profile.refresh()
    memory.profile.concepts.upsert("Robert", aliases=["Bob"], attributes={"home": "Bonn"})
    assert [(fact.subject, fact.value) for fact in memory.profile.facts()] == [("Ann", "Rome"), ("Robert", "Bonn")]


def test_of_one_value_at_a_time_at_most_one_holds_whatever_the_order():
    draw = random.Random(4)
    for _ in range(200):
        said = [
            Said(
                subject="", attribute="home", value=draw.choice("abc"), text="", turn=str(n), ends=draw.random() < 0.3,
                since=MAY + draw.randrange(9) * DAY, at=MAY + 10 * DAY,
            )
            for n in range(draw.randrange(8))
        ]  # fmt: skip
        shuffled = sorted(said, key=lambda _: draw.random())
        for day in range(10):
            at = MAY + (day + 0.5) * DAY
            assert sum(fact.holds(at) for fact in facts(shuffled)) <= 1
