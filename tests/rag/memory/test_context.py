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


def chained(*questions: str) -> list[list[int] | None]:
    """The sessions that each of some questions means, every one asked after those before it."""
    context: list[Turn] = []
    meant: list[list[int] | None] = []
    for question in questions:
        window = read(question, now=NOW, sessions=DAYS, context=context).window
        meant.append(window and [s.number for s in DAYS if window.holds(s.start, s.number)])
        context += [Turn(role="user", text=question, at=NOW), Turn(role="assistant", text="Of cats.", at=NOW)]
    return meant


# Sessions in the morning and the evening of 4, 6, 8 and 10 May; two more on 6 May.
DAYS = tuple(
    Session(n, None, "c", at := datetime(2026, 5, day, hour, tzinfo=UTC), at + timedelta(minutes=5), "UTC", 3)
    for n, (day, hour) in enumerate(((4, 9), (4, 19), (6, 9), (6, 13), (6, 19), (8, 9), (8, 19), (10, 9), (10, 19)), 1)
)


@pytest.mark.parametrize(
    ("questions", "sessions"),
    [
        (("Recap our last session", "And the one before that?", "And the one before that?"), [[9], [8], [7]]),
        (
            ("What did we say in session 5?", "And before that?", "Before that?", "And after that?"),
            [[5], [4], [3], [4]],
        ),
        (("Recap session 5", "And two sessions earlier?", "And three later?"), [[5], [3], [6]]),
        (("What was the first chat on May 6 about?", "And the second one?", "And the last one?"), [[3], [4], [5]]),
        (("What did we discuss on May 6?", "And the second one?"), [[3, 4, 5], [4]]),
        (("What did we discuss on May 6?", "And in the evening?", "And in the morning?"), [[3, 4, 5], [5], [3]]),
        (("What did we say on May 6?", "And two days later?", "And four days earlier?"), [[3, 4, 5], [6, 7], [1, 2]]),
        (("What did we discuss last week?", "And before that?"), [[1, 2, 3, 4, 5, 6, 7, 8, 9], []]),
        (("What did we say on May 7?", "And before that?"), [[3, 4, 5, 6, 7], [5]]),
    ],
)
def test_what_goes_on_counts_from_what_was_meant_last(questions: tuple[str, ...], sessions: list[list[int]]):
    assert chained(*questions) == sessions


@pytest.mark.parametrize(
    "said", ["Thanks!", "Great.", "Do you sell those?", "Is it waterproof?", "What do you recommend for this?"]
)
def test_what_does_not_ask_of_the_talk_inherits_no_time(said: str):
    assert chained("What did we discuss on May 6?", said)[1] is None


@pytest.mark.parametrize("said", ["Sum it up", "What else?", "And what did you suggest?", "What did I like then?"])
def test_what_asks_of_the_talk_keeps_its_time(said: str):
    assert chained("What did we discuss on May 6?", said)[1] == [3, 4, 5]


def test_whose_words_are_asked_for_is_taken_from_the_question_before():
    assert asked("What did you say about the garden on May 4?", "It is green.", "And on May 6?").role == "assistant"
