"""The memory as a source of an assistant, on a real store."""

from datetime import UTC, datetime, timedelta

import pytest

from rag import Assistant, Memory, Plan, Scope, Turn, source
from rag.errors import ScopeError, SourceError
from rag.sources.memory import MemorySource
from rag.testing import FakeEmbedder

TUESDAY = datetime(2026, 5, 5, 9, tzinfo=UTC)
NOW = TUESDAY + timedelta(days=7)
ANN = Scope(tenant="acme", user="ann")
SAID = (
    ("user", "Do you sell kettles?"),
    ("assistant", "Yes, three kinds."),
    ("user", "How long is the warranty?"),
    ("assistant", "Two years on every kettle."),
)


@pytest.fixture
def memory():
    with Memory.open("sqlite://", embedder=FakeEmbedder()) as opened:
        turns = [
            Turn(turn_id=str(n), role=role, text=text, at=TUESDAY + timedelta(minutes=n))
            for n, (role, text) in enumerate(SAID)
        ]
        opened.add("c1", turns, scope=ANN)
        opened.add("c9", [Turn(role="user", text="Bob's secret warranty", at=TUESDAY)], scope=Scope(user="bob"))
        yield opened


def facts(query: str) -> list[dict[str, str]]:
    """What the shop's pages say."""
    return [{"text": "The warranty of a kettle is two years. We deliver on Tuesday."}]


@pytest.fixture
def assistant(memory):
    return Assistant(
        [source("pages", facts, about="warranty, delivery", shared=True)], memory=memory, clock=lambda: NOW
    )


async def texts(memory, scope=ANN, conversation=None, **args):
    found = await MemorySource(memory, NOW, conversation).call(args, scope)
    return [row["text"] for row in found]


async def test_a_time_alone_brings_its_turns_in_order(memory):
    assert await texts(memory, when="last Tuesday") == [text for _, text in SAID]


async def test_facts_and_concepts_that_a_query_is_about_come_before_its_turns(memory):
    for day, place in ((1, "Rome"), (2, "Oslo")):
        turn = Turn(role="user", text=f"I moved to {place}.", at=TUESDAY + timedelta(days=day))
        memory.add("c1", [turn], scope=ANN)
    memory.profile.refresh(scope=ANN)
    memory.profile.concepts.upsert("Rex", info="A Beagle.", scope=ANN)
    memory.profile.concepts.upsert("Rex", info="A secret.", scope=Scope(user="bob"))
    found = await texts(memory, query="Is my home in Oslo, with Rex?")
    assert found[:2] == ["Rex: A Beagle.", "home: Oslo (since Thursday, 7 May 2026)"]
    assert "I moved to Oslo." in found
    memory.profile.concepts.upsert("Ann", tag="me", attributes={"home": "Paris"}, scope=ANN)
    assert (await texts(memory, query="Is my home in Oslo?"))[0] == "Ann: home: Paris."
    assert await texts(memory, when="last Tuesday") == [text for _, text in SAID]
    anybody = await texts(memory, query="Is my home in Oslo?", scope=Scope(tenant="acme"), conversation="c1")
    assert anybody == []


async def test_typed_arguments_filter_by_time_speaker_and_topic(memory):
    found = await texts(memory, when="last Tuesday", speaker="assistant", query="warranty")
    assert "Two years on every kettle." in found
    assert not {text for role, text in SAID if role == "user"} & set(found)


async def test_a_query_is_read_for_its_time(memory):
    said = ["Nothing on Monday, 11 May 2026; nearest: Tuesday, 5 May 2026."]
    assert await texts(memory, query="What did we talk about yesterday?") == said


async def test_rows_tell_who_spoke_and_when(memory):
    (row,) = (await MemorySource(memory, NOW).call({"when": "last Tuesday", "query": "kettles"}, ANN))[:1]
    assert row["title"] == "user, Tuesday, 5 May 2026, 09:00"
    assert row["chunk_id"] == "c1#0"


async def test_a_time_that_cannot_be_read_is_said(memory):
    with pytest.raises(SourceError, match="no time that can be read"):
        await texts(memory, when="purple")


async def test_nobody_hears_what_others_said(memory):
    for scope in (Scope(tenant="acme", user="bob"), Scope(user="ann"), Scope(tenant="acme"), Scope()):
        assert await texts(memory, scope, when="last Tuesday") == []
        assert await texts(memory, scope, conversation="c1", query="warranty") == []


async def test_without_a_user_only_facts_of_the_conversation_at_hand_are_told(memory):
    nobody = Scope()
    for name, place in (("a", "Rome"), ("a#b", "Oslo")):
        memory.add(name, [Turn(turn_id="1", speaker=name, text=f"I live in {place}.", at=TUESDAY)], scope=nobody)
    memory.profile.refresh(scope=nobody)
    memory.profile.concepts.upsert("Me", tag="me", attributes={"home": "Paris"}, scope=nobody)
    told = await texts(memory, query="home", scope=nobody, conversation="a")
    assert [text.partition(" (")[0] for text in told] == ["a's home: Rome"]


async def test_as_of_is_kept(memory):
    early = ANN.model_copy(update={"as_of": TUESDAY})
    assert await texts(memory, early, when="last Tuesday") == ["Do you sell kettles?"]


async def test_labels_are_refused(memory):
    with pytest.raises(ScopeError):
        await texts(memory, Scope(user="ann", labels=frozenset({"x"})), query="kettle")


def test_a_question_on_what_was_said_is_answered_from_the_memory(assistant):
    answer = assistant.ask("What did I ask about last Tuesday?", scope=ANN)
    assert [step.source for step in answer.plan.steps] == ["memory"]
    assert "user, Tuesday, 5 May 2026, 09:00: Do you sell kettles? [1]" in answer.text
    assert answer.citations[0].passage.title == "user, Tuesday, 5 May 2026, 09:00"


def test_what_the_assistant_said_is_found_by_topic(assistant):
    answer = assistant.ask("What did you tell me about the warranty?", scope=ANN)
    assert "Two years on every kettle" in answer.text
    assert {item.passage.source for item in answer.evidence.items} == {"memory"}


@pytest.mark.parametrize("question", ["How long is the warranty?", "What do you deliver on Tuesday?"])
def test_other_questions_are_none_of_its_business(assistant, question):
    assert {step.source for step in assistant.plan(question, scope=ANN).steps} == {"pages"}


def test_a_part_on_what_was_said_goes_to_it_and_the_other_part_does_not(assistant):
    plan = assistant.plan("How long is the warranty, and what did you tell me about kettles?", scope=ANN)
    assert {step.source for step in plan.steps} == {"pages", "memory"}


def test_without_a_user_only_the_conversation_at_hand_is_searched(memory):
    memory.add("open", [Turn(role="user", text="Are lamps sold?", at=TUESDAY)])
    memory.add("other", [Turn(role="user", text="A stranger's lamps", at=TUESDAY)])
    asked = Assistant([source("pages", facts, shared=True)], memory=memory, clock=lambda: NOW)
    answer = asked.ask("What did I ask about last Tuesday?", conversation="open")
    assert "Are lamps sold?" in answer.text
    assert "stranger" not in answer.text


def test_the_session_under_way_does_not_count_as_the_last_one(memory):
    memory.add("c1", [Turn(role="user", text="Hello again.", at=NOW - timedelta(minutes=1))], scope=ANN)
    asked = Assistant([source("pages", facts, shared=True)], memory=memory, clock=lambda: NOW)
    answer = asked.ask("What did we talk about in our last conversation?", conversation="c1", scope=ANN)
    assert "Do you sell kettles?" in answer.text
    assert "Hello again" not in answer.text


def test_a_saved_plan_runs_over_the_memory(assistant):
    plan = Plan.from_json(assistant.plan("What did I ask about last Tuesday?", scope=ANN).to_json())
    answer = assistant.run(plan, scope=ANN)
    assert "Do you sell kettles?" in answer.text
    assert not any("changed" in note for note in answer.notes)


def test_a_source_of_that_name_goes_before_it(memory):
    asked = Assistant([source("memory", facts, shared=True)], memory=memory, clock=lambda: NOW)
    assert "pages" not in {step.source for step in asked.plan("What did you tell me?", scope=ANN).steps}
    assert asked.ask("How long is the warranty?", scope=ANN).evidence.items[0].passage.text.startswith("The warranty")


async def test_what_recall_has_to_say_reaches_those_who_read(memory):
    looked, *turns = await texts(memory, when="on 6 May")
    assert looked == "Nothing on Wednesday, 6 May 2026: looked one day either side."
    assert turns == [text for _, text in SAID]
    assert await texts(memory, when="in March") == [
        "Nothing on 1 March 2026 to 31 March 2026; nearest: Tuesday, 5 May 2026."
    ]


async def test_a_long_time_is_shown_evenly_and_that_is_said(memory):
    april = [Turn(text=f"remark {n}", at=datetime(2026, 4, 1 + n // 3, 9, n % 3, tzinfo=UTC)) for n in range(80)]
    memory.add("c1", april, scope=ANN)
    looked, *turns = await texts(memory, when="in April")
    assert looked == "50 of the 80 turns of that time are shown, evenly spread."
    assert len(turns) == 50
    assert {int(text.split()[1]) // 20 for text in turns} == {0, 1, 2, 3}
