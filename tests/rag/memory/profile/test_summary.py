"""Summaries: rolling, budgeted, versioned, borne out by turns, and gone with them."""

from __future__ import annotations

import asyncio
import json
import random
from datetime import UTC, datetime, timedelta

import pytest

from rag.errors import BadModelOutput, InputError
from rag.memory import Memory
from rag.testing.fakes import FakeModel
from rag.types import Scope, Turn

MAY = datetime(2026, 5, 1, 12, tzinfo=UTC)


@pytest.fixture
def memory():
    with Memory.open("sqlite://") as memory:
        yield memory


def add(memory, *texts):
    known = len(memory.turns("c"))
    memory.add("c", [Turn(turn_id=str(n), role="user", text=text, at=MAY) for n, text in enumerate(texts, known)])


def chatter(seed, count):
    draw = random.Random(seed)
    things = ["jazz", "tea", "chess", "hills", "boats", "bread", "maps", "snow", "cats", "trains", "rain", "wool"]
    verbs = ["I love", "I never eat", "We saw", "My brother has", "Do you like", "Nobody wants", "I play"]
    return [
        ". ".join(f"{draw.choice(verbs)} {draw.choice(things)} {draw.choice(things)}" for _ in range(2))
        for _ in range(count)
    ]


def test_a_summary_tells_what_turns_tell_of_their_speaker(memory):
    add(memory, "Hello! I live in Rome. Is it raining?", "I love the old trams.")
    summary = memory.profile.refresh()
    assert str(summary) == "I live in Rome. I love the old trams."
    assert [one.turns for one in summary.sentences] == [("c#0",), ("c#1",)]
    assert memory.profile.summary() == summary
    assert len(memory.turns("c")) == 2


@pytest.mark.parametrize("seed", range(5))
def test_bringing_it_up_to_date_gives_what_all_turns_give_at_once(memory, seed):
    texts = chatter(seed, 40)
    draw = random.Random(seed)
    while texts:
        cut = draw.randint(1, 9)
        add(memory, *texts[:cut])
        texts = texts[cut:]
        rolled = memory.profile.refresh(budget=60)
    with Memory.open("sqlite://") as anew:
        add(anew, *chatter(seed, 40))
        assert anew.profile.refresh(budget=60).sentences == rolled.sentences
    assert 0 < rolled.tokens <= 60


def test_versions_are_kept_and_read_as_of_any_moment(memory):
    add(memory, "I live in Rome.")
    first = memory.profile.refresh()
    assert memory.profile.refresh() == first
    add(memory, "Hello there.")
    assert memory.profile.refresh() == first, "what tells nothing makes no version"
    add(memory, "I love the old trams.")
    second = memory.profile.refresh()
    assert (first.version, second.version) == (1, 2)
    assert memory.profile.versions() == (first, second)
    assert memory.profile.summary(as_of=first.recorded) == first
    assert memory.profile.summary(as_of=first.recorded - timedelta(seconds=1)) is None


def test_a_topic_has_a_summary_of_its_own(memory):
    add(memory, "I love green tea. I love jazz.", "My tea is cold.")
    assert str(memory.profile.refresh("tea and coffee")) == "I love green tea. My tea is cold."
    assert memory.profile.topics() == ("tea and coffee",)
    assert memory.profile.summary() is None


def test_what_a_forgotten_turn_alone_bore_out_is_gone_and_the_rest_is_made_anew(memory):
    add(memory, "I love the old trams.", "I live in Rome.", "I love the old trams.")
    profile = memory.profile
    profile.refresh(budget=14)
    memory.forget(conversation="c", turns=["1"])
    assert [(one.text, one.turns) for one in profile.summary().sentences] == [("I love the old trams.", ("c#0", "c#2"))]
    memory.forget(conversation="c", turns=["0"])
    assert [one.turns for one in profile.summary().sentences] == [("c#2",)]
    memory.forget(whole="user")
    assert (profile.summary(), profile.topics(), profile.facts()) == (None, (), ())


@pytest.mark.parametrize("seed", range(3))
def test_after_forgetting_it_is_as_if_the_turns_had_never_been(memory, seed):
    texts = chatter(seed, 40)
    add(memory, *texts)
    memory.profile.refresh(budget=60)
    memory.forget(conversation="c", turns=[str(n) for n in range(0, 40, 3)])
    with Memory.open("sqlite://") as anew:
        anew.add("c", [turn for turn in memory.turns("c")])
        assert anew.profile.refresh(budget=60).sentences == memory.profile.refresh(budget=60).sentences


def test_what_is_past_its_time_to_live_is_read_from_no_summary_or_fact(memory):
    add(memory, "I live in Rome.")
    memory.profile.refresh()
    memory.expire_after(timedelta(days=1))
    assert (memory.profile.summary(), memory.profile.facts()) == (None, ())


def reply(*sentences, facts=()):
    """What a model writes, whichever of the two it is asked for."""
    summary = json.dumps({"sentences": [{"text": text, "lines": lines} for text, lines in sentences]})
    found = json.dumps({"facts": list(facts)})
    return FakeModel(lambda messages: found if "Facts as JSON" in messages[-1].content else f"Here: {summary}")


def test_of_a_models_summary_what_turns_do_not_bear_out_is_dropped(memory):
    add(memory, "I moved to Rome with my 2 cats.")
    model = reply(
        ("The user moved to Rome.", [1]), ("They have 3 cats.", [1]), ("They moved with Anna.", [1]),
        ("The user moved to Rome.", [7]), ("They collect stamps.", [1]),
    )  # fmt: skip
    summary = memory.profile.refresh(model=model)
    assert [(one.text, one.turns) for one in summary.sentences] == [("The user moved to Rome.", ("c#0",))]
    assert summary.by == "fake"


def test_a_model_reads_the_old_summary_and_the_new_turns_alone(memory):
    add(memory, "I live in Rome.")
    memory.profile.refresh(model=reply(("The user lives in Rome.", [1])))
    add(memory, "I love jazz.")
    model = reply(("The user lives in Rome and loves jazz.", [1, 2]))
    summary = memory.profile.refresh(model=model)
    assert "1. The user lives in Rome.\n2. user (Friday, 1 May 2026): I love jazz." in model.calls[-1].prompt
    assert (summary.version, summary.sentences[0].turns) == (2, ("c#0", "c#1"))
    memory.forget(conversation="c", turns=["0"])
    assert memory.profile.summary() is None, "a model that read a forgotten turn may have used its words"


def test_a_models_facts_are_held_against_their_turn(memory):
    add(memory, "We finally settled in Oslo with the twins.")
    fact = {"line": 1, "attribute": "Home", "value": "Oslo"}
    model = reply(facts=[fact, fact | {"value": "Bergen"}, fact | {"line": 9}])
    for _ in range(2):
        memory.profile.refresh(model=model)
    assert [(one.attribute, one.value, one.turns) for one in memory.profile.facts()] == [("home", "Oslo", ("c#0",))]
    assert len(model.calls) == 2, "what was read is not read again"


def test_a_model_that_writes_no_json_is_told_and_changes_nothing(memory):
    add(memory, "I live in Rome.")
    before = memory.profile.refresh()
    with pytest.raises(BadModelOutput, match="fake was to write profile_facts as JSON") as caught:
        memory.profile.refresh(model=FakeModel(["Sorry."]))
    assert caught.value.raw == "Sorry."
    assert memory.profile.summary() == before


def test_what_cannot_be_made_is_refused(memory):
    with pytest.raises(InputError, match="budget"):
        memory.profile.refresh(budget=0)
    with pytest.raises(InputError, match="as_of"):
        memory.profile.refresh(scope=Scope(as_of=MAY))


def test_async_twins_do_the_same(memory):
    async def used():
        add(memory, "I live in Rome.")
        profile = memory.profile
        made = await profile.arefresh()
        assert await profile.asummary() == made
        assert await profile.aversions() == (made,)
        assert await profile.atopics() == ("",)
        assert await profile.afacts("home") == profile.facts("home") != ()

    asyncio.run(used())
