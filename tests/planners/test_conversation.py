"""What is asked of the conversation, and what goes on from it."""

from __future__ import annotations

from planners.conversation import asks_of_conversation
from rag.types import Turn


def test_a_question_of_another_time_goes_on_with_what_was_asked_of_the_conversation():
    def said(text):
        return [Turn(role="user", text=text), Turn(role="assistant", text="Boats cost 80 EUR.")]

    assert asks_of_conversation("And on Tuesday the 5th?", said("What did you tell me last Tuesday?"))
    assert not asks_of_conversation("And in Porto?", said("What does a boat cost in Lisbon?"))
    assert not asks_of_conversation("Thanks!", said("What did you tell me last Tuesday?"))
