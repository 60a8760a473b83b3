"""Questions that lean on what was said before."""

from datetime import UTC, datetime

import pytest

from planners.context import in_context
from planners.rules import Rules
from planners.talk import small_talk
from rag.card import SourceCard, free_query
from rag.protocols import Execute, Relevance, Task
from rag.types import Turn

SAID = (
    Turn(role="user", text="How long do I have to return the Heron headphones?"),
    Turn(role="assistant", text="30 days."),
    Turn(role="user", text="Thanks!"),
    Turn(role="assistant", text="You're welcome."),
)


@pytest.mark.parametrize("question", ["And who pays for it?", "What about the Lark?", "Is it waterproof?"])
def test_a_question_that_points_back_gets_the_words_it_points_at(question):
    told = in_context(question, SAID)
    assert told == question or "Heron" in told
    assert ("Heron" in told) == ("Lark" not in question)


@pytest.mark.parametrize(
    "question",
    [
        "What does express delivery cost?",
        "Can I return the lamp, and what do buyers say about its light?",
        "How heavy is the Harbour 25 L Backpack?",
    ],
)
def test_a_question_that_stands_alone_is_left_as_it_is(question):
    assert in_context(question, SAID) == question
    assert in_context("And who pays for it?", ()) == "And who pays for it?"


def test_rules_plan_with_what_was_said_and_say_so():
    cards = (SourceCard(name="policies", arguments=free_query()), SourceCard(name="pages", arguments=free_query()))
    steps = Rules().plan(Task("And who pays for it?", cards, datetime(2026, 11, 20, tzinfo=UTC), turns=SAID))
    actions = next(steps)
    while not isinstance(actions[0], Execute):
        actions = steps.send(tuple(Relevance({"policies": 0.9, "pages": 0.1}) for _ in actions))
    plan = actions[0].plan
    assert "Heron" in plan.steps[0].args["query"]
    assert plan.question == "And who pays for it?"
    assert any("said before" in note for note in plan.notes)


@pytest.mark.parametrize(
    ("before", "question", "told"),
    [
        ("Status of A-102?", "And A-104?", "Status of A-104?"),
        ("Who is P05, the patient of A-102?", "What about A-104?", "Who is P05, the patient of A-104?"),
        ("What are the side effects of ibuprofen?", "And of metformin?", "What are the side effects of metformin?"),
        ("What drug was Eva Frost prescribed?", "and Ada Birch?", "What drug was Ada Birch prescribed?"),
        ("Does Eva Frost live in York?", "And Ada Birch?", "Does Ada Birch live in York?"),
        ("Which drug is in prescription 4?", "And in prescription 5?", "Which drug is in prescription 5?"),
        ("What is the dose of Metformin?", "What about Ibuprofen?", "What is the dose of Ibuprofen?"),
    ],
)
def test_another_thing_of_the_same_kind_takes_the_place_of_the_one_before(before, question, told):
    assert in_context(question, [Turn(role="user", text=before)]) == told


@pytest.mark.parametrize("question", ["And P05?", "And when is the clinic open?", "And is it safe?"])
def test_a_follow_up_of_another_kind_is_joined_to_the_question_before(question):
    told = in_context(question, [Turn(role="user", text="Status of A-102?")])
    assert told.startswith(question.removeprefix("And ").rstrip("?"))
    assert "A-102" in told


@pytest.mark.timeout(20)
def test_a_long_sum_that_is_none_is_read_in_time():
    assert small_talk("1 + " * 5_000 + "x") is None
    assert small_talk("What is 15 % of 200 + (3 x 4)?") == "arithmetic"
