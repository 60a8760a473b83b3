"""The session that goes on, and the hours around midnight and around a change of the clocks."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from rag.memory.sessions import Session
from rag.memory.when import Calendar, Reading, expressions, read

BERLIN = ZoneInfo("Europe/Berlin")


def _sessions(*talks: tuple[datetime, datetime, str]) -> list[Session]:
    return [Session(n, name, "c", start, end, "UTC", 3) for n, (start, end, name) in enumerate(talks, 1)]


def at(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 5, day, hour, minute, tzinfo=UTC)


TALKS = _sessions((at(11, 9), at(11, 9, 10), "s1"), (at(12, 9), at(12, 9, 4), "s2"))


def asked(question: str, current: str | int | None = 2) -> Reading:
    return read(question, now=at(12, 9, 5), sessions=TALKS, current_session=current)


@pytest.mark.parametrize(
    "question", ["What did I tell you today?", "What did we say this morning?", "What did you say five minutes ago?"]
)
@pytest.mark.parametrize("current", ["s2", 2])
def test_a_day_of_which_only_the_current_session_is_said_is_not_empty(question: str, current: str | int) -> None:
    reading = asked(question, current)
    assert reading.window is not None
    assert reading.window.holds(at(12, 9), 2)
    assert not reading.window.holds(at(11, 9), 1)
    assert reading.notes == ()


def test_the_current_session_is_still_not_counted() -> None:
    assert str(asked("What did we say last session?").window).startswith("session 1")
    assert asked("What did we say in the session before last?").window.parts == ()  # type: ignore[union-attr]


def test_the_only_session_is_the_current_one() -> None:
    reading = read("What did we say last session?", now=at(11, 9), sessions=TALKS[:1], current_session=1)
    assert reading.notes == ("there are no sessions to choose from",)


def test_of_sessions_of_one_name_the_latest_is_current() -> None:
    talks = _sessions(
        *((at(day, 9), at(day, 9, 10), name) for day, name in ((3, "s1"), (4, "s1"), (5, "s2"), (6, "s2")))
    )
    window = read("What did we say last session?", now=at(7, 9), sessions=talks, current_session="s2").window
    assert str(window).startswith("session 3")


def test_a_session_across_the_hour_that_comes_twice_is_held_whole() -> None:
    start = datetime(2026, 10, 25, 2, 50, tzinfo=BERLIN).astimezone(UTC)
    talks = _sessions((start, start + timedelta(minutes=15), "s1"))
    now = (start + timedelta(hours=9)).astimezone(BERLIN)
    reading = read("Recap our last session", now=now, sessions=talks, calendar=Calendar(zone="Europe/Berlin"))
    assert reading.notes == ()
    assert reading.window is not None
    assert all(reading.window.holds(start + timedelta(minutes=n), 1) for n in range(16))


@pytest.mark.parametrize("words", ["tonight", "this evening"])
def test_who_is_up_after_midnight_means_all_of_the_night(words: str) -> None:
    talks = _sessions(
        (at(4, 21), at(4, 21, 5), "s1"), (at(5, 21), at(5, 21, 5), "s2"), (at(6, 0, 30), at(6, 0, 40), "s3")
    )
    window = read(f"What did we discuss {words}?", now=at(6, 1), sessions=talks).window
    assert window is not None
    assert [n for n, talk in enumerate(talks, 1) if window.holds(talk.start, n)] == [2, 3]
    assert str(window).startswith("Tuesday, 5 May 2026, 1")


@pytest.mark.parametrize(
    "text", ["Can you remind me tomorrow to call Bob?", "What did we say about next week?", "See you next month"]
)
def test_what_is_yet_to_come_opens_no_window(text: str) -> None:
    assert asked(text).window is None
    assert expressions(text, at(12, 9)) == ()


def test_a_note_says_where_days_are_counted_when_something_was_said_elsewhere() -> None:
    tokyo = [Session(1, None, "c", at(4, 23), at(4, 23, 5), "Asia/Tokyo", 2)]
    new_york = Calendar(zone="America/New_York")
    reading = read("What did we say on Tuesday?", now=at(7, 15), sessions=tokyo, calendar=new_york)
    assert reading.notes == (
        "nothing on Tuesday, 5 May 2026, as days are counted in America/New_York: looked one day either side",
    )
