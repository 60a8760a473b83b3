"""Recall: the window filters, and what is left is ranked."""

from datetime import UTC, datetime, timedelta

import pytest

from rag import Memory, Scope, Turn
from rag.errors import InputError, ModelError
from rag.memory.recall import Asked
from rag.testing import FakeEmbedder

TUESDAY = datetime(2026, 5, 5, 9, tzinfo=UTC)
FRIDAY = TUESDAY + timedelta(days=3)
NOW = TUESDAY + timedelta(days=7)

SAID = {
    "c1": [
        Turn(turn_id="1", role="user", speaker="Ann", text="Do you sell kettles?", at=TUESDAY),
        Turn(turn_id="2", role="assistant", text="Yes, three kinds.", at=TUESDAY + timedelta(minutes=1)),
        Turn(
            turn_id="3", role="user", speaker="Ann", text="How long is the warranty?", at=TUESDAY + timedelta(minutes=2)
        ),
        Turn(turn_id="4", role="assistant", text="Two years.", at=TUESDAY + timedelta(minutes=3)),
    ],
    "c2": [
        Turn(turn_id="5", role="user", speaker="Ann", text="Which colour is the lamp?", at=FRIDAY),
        Turn(turn_id="6", role="assistant", text="It is red.", at=FRIDAY + timedelta(minutes=1)),
    ],
}


@pytest.fixture
def memory():
    with Memory.open("sqlite://", embedder=FakeEmbedder()) as opened:
        for conversation, turns in SAID.items():
            opened.add(conversation, turns)
        yield opened


def ids(recall):
    return [turn.turn_id for turn in recall.turns]


def test_a_question_about_a_time_alone_brings_all_its_turns_in_order(memory):
    recall = memory.recall("What did we talk about last Tuesday?", now=NOW, k=2)
    assert ids(recall) == ["1", "2", "3", "4"]
    assert str(recall.window) == "Tuesday, 5 May 2026"


def test_a_time_filters_and_never_merely_ranks(memory):
    recall = memory.recall("What did we say about the colour of kettles last Tuesday?", now=NOW)
    assert ids(recall)[0] == "1"
    assert not {"5", "6"} & set(ids(recall))


def test_without_a_time_the_best_come_first_and_k_bounds_them(memory):
    recall = memory.recall("the lamp's colour", now=NOW, k=3)
    assert ids(recall)[0] == "5"
    assert len(recall) == 3
    assert recall.window is None


def test_a_list_ends_where_the_score_drops_only_where_a_time_was_named(memory):
    named = memory.recall("What did we say about kettles on Tuesday?", now=NOW)
    free = memory.recall("kettles", now=NOW)
    assert len(named) < len(free) == 6


def test_a_conversation_bounds_what_is_searched(memory):
    found = ids(memory.recall("warranty or lamp", "c1", now=NOW))
    assert found
    assert set(found) <= {"1", "2", "3", "4"}


def test_nobody_sees_what_others_said(memory):
    scope = Scope(tenant="acme", user="bob")
    for question in ("the lamp's colour", "What did we talk about last Tuesday?", "What did we discuss yesterday?"):
        assert memory.recall(question, now=NOW, scope=scope).turns == ()
        assert memory.recall(question, "c1", now=NOW, scope=scope).turns == ()


def test_as_of_hides_what_came_later(memory):
    recall = memory.recall("the lamp's colour", now=NOW, scope=Scope(as_of=TUESDAY + timedelta(minutes=1)))
    assert set(ids(recall)) == {"1", "2"}


def test_neighbours_of_a_hit_come_on_request(memory):
    recall = memory.recall("kettles", "c1", now=NOW, k=1, neighbours=1)
    assert ids(recall) == ["1", "2"]
    assert [hit.passage.metadata["turn_id"] for hit in recall.hits] == ["1"]


def test_hits_say_where_a_turn_was_said_and_by_whom(memory):
    (hit,) = memory.recall("lamp colour", now=NOW, k=1).hits
    assert (hit.passage.doc_id, hit.passage.chunk_id) == ("c2", "c2#5")
    assert hit.passage.title == "Ann, Friday, 8 May 2026, 09:00"
    assert 0 < hit.score <= 1


def test_a_day_without_a_word_says_so(memory):
    recall = memory.recall("What did we discuss on 27 April?", now=NOW)
    assert recall.turns == ()
    assert any("nothing on" in note and "5 May" in note for note in recall.notes)


def test_vectors_are_made_once_and_kept(memory):
    embedder = Counting()
    memory._given = embedder
    memory.recall("lamp", now=NOW)
    memory.recall("kettle", now=NOW)
    assert embedder.texts.count("Ann: Which colour is the lamp?") == 1


def test_all_vectors_can_be_made_ahead(memory):
    assert memory.embed("c1") == 4
    assert memory.embed() == 2
    assert memory.embed() == 0


def test_without_an_embedder_words_decide_and_a_note_says_so(memory):
    memory._given = Broken()
    recall = memory.recall("lamp colour", now=NOW)
    assert ids(recall)[0] == "5"
    assert any("words alone" in note for note in recall.notes)


def test_a_turn_that_no_encoding_takes_is_found_all_the_same(memory):
    memory.add("c3", [Turn(text="A strange sign: ?", at=FRIDAY)])
    assert memory.recall("strange sign \ud83d", now=NOW, k=1).turns[0].text.startswith("A strange")


def test_the_day_before_a_topic_is_found_through_the_topic(memory):
    recall = memory.recall("What did we discuss the day before we talked about the lamp?", now=NOW)
    assert ids(recall) == []
    assert recall.notes[0].startswith("nothing on Thursday, 7 May 2026; nearest: ")
    memory.add("c1", [Turn(turn_id="before", text="We need sugar.", at=FRIDAY - timedelta(days=1))])
    assert ids(memory.recall("What did we discuss the day before we talked about the lamp?", now=NOW)) == ["before"]


def test_what_was_said_in_the_session_that_goes_on_was_said_today(memory):
    memory.add("c1", [Turn(turn_id="now", role="user", text="I moved to Porto.", at=NOW)])
    recall = memory.recall("What did I tell you today?", "c1", now=NOW + timedelta(minutes=5), current_session=2)
    assert (ids(recall), recall.notes) == (["now"], ())


def test_a_session_of_that_name_in_another_conversation_is_not_current(memory):
    for day, conversation in enumerate("xy"):
        for name in ("s1", "s2"):
            at = NOW + timedelta(days=day, hours=int(name[1]))
            memory.add(conversation, [Turn(turn_id=conversation + name, text="Hello", session=name, at=at)])
    asked = {"now": NOW + timedelta(days=2), "current_session": "s2"}
    assert ids(memory.recall("What did we talk about last session?", **asked)) == ["ys1"]
    assert ids(memory.recall("What did we talk about last session?", "x", **asked)) == ["xs1"]


def test_now_needs_a_zone(memory):
    with pytest.raises(InputError, match="zone"):
        memory.recall("lamp", now=datetime(2026, 5, 5))


def test_k_needs_to_be_one_or_more(memory):
    with pytest.raises(InputError, match="k=0"):
        memory.recall("lamp", k=0)


async def test_the_async_twin_recalls_the_same(memory):
    assert await memory.arecall("lamp", now=NOW) == memory.recall("lamp", now=NOW)


def test_an_empty_memory_recalls_nothing():
    with Memory.open("sqlite://", embedder=FakeEmbedder()) as memory:
        assert memory.recall("anything").turns == ()
        assert memory.recall("What did we talk about yesterday?").turns == ()


def test_a_recall_is_read_as_lines(memory):
    told = str(memory.recall("What did we talk about last Tuesday?", now=NOW))
    assert told.splitlines()[:2] == [
        "window: Tuesday, 5 May 2026",
        "Ann, Tuesday, 5 May 2026, 09:00: Do you sell kettles?",
    ]


class Counting(FakeEmbedder):
    """Remembers what it embedded."""

    def __init__(self):
        super().__init__()
        self.name = "counting"
        self.texts = []

    def embed(self, texts):
        self.texts += texts
        return super().embed(texts)


class Broken(FakeEmbedder):
    def embed(self, texts):
        raise ModelError("the embedder is away")


def test_who_said_nothing_at_a_time_is_said_to_be_silent(memory):
    memory.add("c1", [Turn(turn_id="b", speaker="Bob", text="I like kettles.", at=FRIDAY)])
    recall = memory.recall("What did Bob say last Tuesday?", now=NOW)
    assert (ids(recall), recall.notes) == ([], ("Bob said nothing at that time",))
    assert ids(memory.recall("What did Bob say on Friday?", now=NOW)) == ["b"]


def test_nobody_elses_words_stand_for_those_of_the_assistant(memory):
    memory.add("c1", [Turn(turn_id="u", role="user", text="Are you there?", at=TUESDAY + timedelta(days=1))])
    recall = memory.recall("What did you tell me on Wednesday?", now=NOW)
    assert (ids(recall), recall.notes) == ([], ("the assistant said nothing at that time",))


def test_neighbours_are_found_beyond_the_edge_of_the_time(memory):
    late = datetime(2026, 5, 7, 23, 58, tzinfo=UTC)
    asked = Turn(turn_id="q", role="user", text="How do I clean the stove?", at=late)
    memory.add("c3", [asked, Turn(turn_id="a", role="assistant", text="With vinegar.", at=late + timedelta(minutes=4))])
    recall = memory.recall("What did I ask about the stove on May 7?", now=NOW, neighbours=1)
    assert ids(recall) == ["q", "a"]


def test_a_topic_that_the_question_itself_names_is_not_found_in_the_session_under_way(memory):
    memory.add("c4", [Turn(turn_id="now", role="user", text="Where was the kettle?", at=NOW)])
    question = "What did we discuss the day we talked about the kettle?"
    recall = memory.recall(question, now=NOW + timedelta(minutes=1), current_session=3)
    assert "1" in ids(recall)
    assert "now" not in ids(recall)


def test_the_current_session_by_name_is_that_of_the_conversation_it_belongs_to(memory):
    for day, conversation in enumerate("xy"):
        at = NOW + timedelta(days=day)
        memory.add(conversation, [Turn(turn_id=conversation, text="Hello", session="", at=at)])
    for within, other in ("xy", "yx"):
        asked = Asked("What did we say last session?", now=at + timedelta(days=1), current_session="", within=within)
        assert ids(memory.recaller.recall(asked)) == [other]
