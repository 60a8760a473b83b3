"""What is asked of the conversation, and what goes on from it."""

from __future__ import annotations

import pytest

from planners.conversation import asks_of_conversation
from rag.types import Turn


def test_a_question_of_another_time_goes_on_with_what_was_asked_of_the_conversation():
    def said(text):
        return [Turn(role="user", text=text), Turn(role="assistant", text="Boats cost 80 EUR.")]

    assert asks_of_conversation("And on Tuesday the 5th?", said("What did you tell me last Tuesday?"))
    assert not asks_of_conversation("And in Porto?", said("What does a boat cost in Lisbon?"))
    assert not asks_of_conversation("Thanks!", said("What did you tell me last Tuesday?"))


@pytest.mark.parametrize(
    "question",
    [
        "and the one before that?",
        "And on Monday?",
        "the second one?",
        "and in the afternoon?",
        "What else?",
        "When was that?",
    ],
)
def test_a_follow_up_without_a_verb_of_its_own_goes_on_with_the_talk(question):
    said = [Turn(role="user", text="What did we discuss in the last session?"), Turn(role="assistant", text="Paint.")]
    assert asks_of_conversation(question, said)
    twice = [*said, Turn(role="user", text="And the one before that?"), Turn(role="assistant", text="Tents.")]
    assert asks_of_conversation(question, twice)


@pytest.mark.parametrize(
    "question",
    ["And how much is the blue one?", "is it waterproof?", "May I see the second one?", "What about shipping?"],
)
def test_a_question_of_its_own_does_not_go_on_with_the_talk(question):
    assert not asks_of_conversation(question, [Turn(role="user", text="What did you tell me last Tuesday?")])


@pytest.mark.parametrize(
    "question",
    [
        "Summarise last week's chat",
        "Recap yesterday please",
        "Remind me of Tuesday's chat",
        "What was said last Tuesday?",
        "What advice did you give me about boots?",
        "What's my name? I told you yesterday.",
        "what have we been chatting about since Sunday?",
    ],
)
def test_talk_is_asked_for_in_many_words(question):
    assert asks_of_conversation(question)


@pytest.mark.parametrize(
    "question",
    [
        "What did we say in our brochure about returns?",
        "Did you mention free returns on your website?",
        "Have you covered shipping abroad in your policy?",
        "Is the second discussion paper about tents?",
    ],
)
def test_what_is_printed_was_not_said_in_the_conversation(question):
    assert not asks_of_conversation(question)
