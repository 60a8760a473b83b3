"""Questions are parted where a new one begins, and nowhere else; small talk is told apart."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planners.language import content, named_things, stem
from planners.parts import asked, parts
from planners.talk import small_talk


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("Who made it, and what does it cost?", ("Who made it", "what does it cost?")),
        ("Is it loud; and is there a cheaper one?", ("Is it loud;", "is there a cheaper one?")),
        ("What is the price? And how long is the warranty?", ("What is the price?", "how long is the warranty?")),
        ("Is it late, and after how long is it lost?", ("Is it late", "after how long is it lost?")),
        ("What does it weigh, do you ship it abroad?", ("What does it weigh", "do you ship it abroad?")),
        ("Compare the size of Ash with that of Elm.", ("the size of Ash", "the size of Elm")),
        ("Tell me what the fee is and when a bill is due.", ("Tell me what the fee is", "when a bill is due.")),
    ],
)
def test_a_compound_question_is_parted(question, expected):
    assert parts(question) == expected


@pytest.mark.parametrize(
    "question",
    [
        "Is the salt and pepper shaker in stock?",
        "Are both the red lamp and the blue lamp dimmable?",
        "Who is the man that founded Acme, and who later sold it?",
        "Which company, known for its reader, is the owner of a shop and has the largest share?",
        "When I return it, do you refund the postage?",
        "What did Dr. Gray say about the U.S. market?",
        "Do the two reports agree, or do they differ?",
        "Do you match prices, and if so, what do I need to show?",
    ],
)
def test_one_question_stays_whole(question):
    assert parts(question) == (question,)


def test_statements_go_with_the_question_they_lead_to_or_follow():
    assert parts("My lamp broke. Is that covered? I have the receipt.") == (
        "My lamp broke. Is that covered? I have the receipt.",
    )
    assert parts("I want to cancel my order. How do I do that?") == ("I want to cancel my order. How do I do that?",)
    assert parts("Hi! Where is my lamp?") == ("Where is my lamp?",)


def test_statements_are_left_out_of_what_is_looked_for_when_the_question_can_do_without():
    assert asked("I read in bed. Which lamp is dimmable?") == "Which lamp is dimmable?"
    assert asked("My lamp broke. Is that covered?") == "My lamp broke. Is that covered?"


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("Hi there!", "a greeting"),
        ("good morning everyone", "a greeting"),
        ("Thanks a lot, that was all.", "thanks"),
        ("ok", "thanks"),
        ("Who are you, and what can you do?", "about the assistant itself"),
        ("What is 12 * (3 + 4)?", "arithmetic"),
        ("How much is 15% of 80", "arithmetic"),
        ("Hello, thank you!", "thanks"),
    ],
)
def test_small_talk_needs_nothing_looked_up(question, kind):
    assert small_talk(question) == kind


@pytest.mark.parametrize(
    "question",
    [
        "Hi, where is my order?",
        "Thanks, and what does shipping cost?",
        "What is 2026?",
        "Who are your suppliers?",
        "How much is 1 lamp?",
        "Thank you for the lamp, is it dimmable?",
    ],
)
def test_a_question_behind_small_talk_is_a_question(question):
    assert small_talk(question) is None


def test_forms_of_a_word_share_a_stem():
    for forms in (
        ("review", "reviews", "reviewer"),
        ("policy", "policies"),
        ("charge", "charger", "charging"),
        ("stop", "stopped"),
    ):
        assert len({stem(form) for form in forms}) == 1, forms
    assert stem("ship") == stem("shipped") != stem("shipment")
    assert content("What do the buyers of it say?") == ("buyer",)


def test_names_are_found_past_the_first_word_of_a_sentence():
    assert named_things("Does the Ridge 30 L Backpack fit? Compare it.") == ("Ridge 30 L Backpack",)
    assert named_things('What is "soft close"?') == ("soft close",)


@given(st.text(max_size=300))
def test_any_text_has_parts(text):
    assert parts(text)
    assert small_talk(text) in {None, "a greeting", "thanks", "arithmetic", "about the assistant itself"}
