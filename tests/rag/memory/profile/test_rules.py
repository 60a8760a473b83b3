"""What people say of themselves, as facts."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from rag.memory.profile.rules import sayings, stated, telling
from rag.types import Turn

AT = datetime(2026, 5, 5, 12, tzinfo=UTC)


def read(text):
    return [(one.attribute, one.value) for one in stated(Turn(text=text, at=AT)) if not one.ends]


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        ("I live in Rome.", ("home", "Rome")),
        ("I’m based in New York, actually.", ("home", "New York")),
        ("We moved to Oslo last month.", ("home", "Oslo")),
        ("I live in the U.S. now", ("home", "the U.S")),
        ("My name's Bob.", ("name", "Bob")),
        ("Just turned 31 last month, actually.", ("age", "31")),
        ("I work as a nurse because I like people.", ("occupation", "nurse")),
        ("I work for Acme Corp.", ("employer", "Acme Corp")),
        ("My favourite colour is dark blue, really.", ("favourite colour", "dark blue")),
        ("my car is a Fiat", ("car", "a Fiat")),
        ("My sister Anna is nice.", ("sister", "Anna")),
        ("I'm a big fan of jazz.", ("likes", "jazz")),
        ("I can't stand onions.", ("dislikes", "onions")),
        ("I'm allergic to nuts, sadly.", ("allergy", "nuts")),
        ("I have a dog named Rex", ("pet", "dog named Rex")),
        ("I was born in Nairobi.", ("birthplace", "Nairobi")),
        ("i live in rome", ("home", "rome")),
    ],
)
def test_a_plain_statement_is_a_fact(text, fact):
    assert fact in read(text)


@pytest.mark.parametrize(
    "text",
    [
        "Do I live in Rome?", "If I live in Rome, I walk.", "She said I live in Rome.", "I wish I live in Rome.",
        "You live in Rome.", "My point is that it rains.", "I like to think so.", "",
    ],
)  # fmt: skip
def test_what_is_asked_supposed_or_said_by_others_is_none(text):
    assert read(text) == []


def test_assistants_and_tools_state_nothing():
    assert [list(stated(Turn(role=role, text="I live in Rome."))) for role in ("assistant", "tool")] == [[], []]
    assert sayings(Turn(role="assistant", text="I live in Rome.")) == []


@pytest.mark.parametrize(
    ("text", "since"),
    [
        ("I've been living in Paris since 2019.", datetime(2019, 1, 1, tzinfo=UTC)),
        ("I moved to Munich in March 2024.", datetime(2024, 3, 1, tzinfo=UTC)),
        ("I live in Rome.", None),
    ],
)
def test_a_fact_holds_from_the_time_that_its_sentence_names(text, since):
    (fact,) = stated(Turn(text=text, at=AT))
    assert fact.since == since


@pytest.mark.parametrize("text", ["I no longer like jazz.", "I don't like jazz any more.", "I used to love jazz."])
def test_what_is_over_ends_a_fact(text):
    assert ("likes", "jazz", True) in [(one.attribute, one.value, one.ends) for one in stated(Turn(text=text))]


def test_a_sentence_tells_the_more_the_more_it_is_about_its_speaker():
    told = ["I love Rome.", "I never sleep.", "We walked.", "Rome is old.", "Do I?"]
    assert [telling(text) for text in told] == [3, 2, 1, 0, 0]
