from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from rag.memory.sessions import Session
from rag.memory.when import Reading, read
from rag.types import Turn

NOW = datetime(2026, 5, 14, 12, tzinfo=UTC)
SESSIONS = tuple(
    Session(n, None, "c", at := datetime(2026, 5, 2 * n, 9, tzinfo=UTC), at + timedelta(minutes=5), "UTC", 3)
    for n in range(1, 7)
)


def asked(*said: str, at: datetime | None = None) -> Reading:
    context = [Turn(text=text, speaker=("Ann", "Ben")[n % 2], at=at) for n, text in enumerate(said[:-1])]
    return read(said[-1], now=NOW, sessions=SESSIONS, context=context)


@pytest.mark.parametrize(
    "said",
    [
        ("We had a lovely chat on May 6.", "We did!", "What was it about?"),
        ("I recall that we spoke on May 6th.", "Yes.", "My memory fails me.", "Shall I tell you?", "Yes, please do."),
        ("Our third session was fun.", "It was.", "Can you sum it up?"),
        ("Eight days ago we discussed a few things.", "True.", "Remind me what we said then?"),
    ],
)
def test_a_time_that_was_said_turns_before_is_meant(said: tuple[str, ...]):
    reading = asked(*said)
    assert reading.window is not None
    assert [s.number for s in SESSIONS if reading.window.holds(s.start, s.number)] == [3]
    assert reading.pure


def test_the_nearest_time_is_meant():
    reading = asked("We talked on May 4.", "And on May 6 we talked again.", "What was said?")
    assert reading.window is not None
    assert reading.window.phrase == "on May 6"


def test_a_time_of_the_world_is_not_inherited():
    assert asked("I have a dentist's appointment on Friday.", "Good luck!", "What did we talk about?").window is None


def test_a_question_with_matter_of_its_own_inherits_nothing():
    assert asked("We talked on May 6.", "Yes.", "Who wrote the Iliad?").window is None


def test_a_question_that_leaves_out_its_matter_takes_it_from_the_one_before():
    reading = asked("What did you say about the garden on May 4?", "That it is green.", "And on May 6?")
    assert reading.window is not None
    assert (reading.window.phrase, reading.content) == ("on May 6", "garden")
    assert reading.question == "What did you say about the garden on May 6?"


def test_the_second_one_counts_what_was_counted_before():
    reading = asked("Recap our first session.", "We spoke of cats.", "What about the second one?")
    assert str(reading.window).startswith("session 2")


def test_the_one_before_that_counts_from_what_was_meant():
    reading = asked("Recap our fourth session.", "We spoke of cats.", "And the one before that?")
    assert str(reading.window).startswith("session 3")


def test_the_question_is_made_to_stand_by_itself():
    reading = asked("We talked on May 6.", "Yes.", "Can you summarise what we discussed?")
    assert reading.question == "Can you summarise what we discussed on May 6?"


def test_a_pronoun_names_the_speaker_who_was_last_spoken_of():
    reading = asked("What did Ben say on May 4?", "That he is well.", "What did he say on May 6?")
    assert reading.speaker == "Ben"


def test_a_time_counts_from_when_it_was_said():
    reading = asked("We talked yesterday.", "So we did.", "What was it about?", at=datetime(2026, 5, 7, tzinfo=UTC))
    assert str(reading.window) == "Wednesday, 6 May 2026"


def test_a_question_of_its_own_time_needs_no_context():
    reading = asked("We talked on May 4.", "Yes.", "What did we discuss on May 6?")
    assert reading.window is not None
    assert reading.window.phrase == "on May 6"
