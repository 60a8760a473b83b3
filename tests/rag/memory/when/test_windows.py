from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from rag.errors import ConfigError
from rag.memory.sessions import Session
from rag.memory.when import Part, Reading, Window, expressions, read
from rag.memory.when.forms import sequences
from rag.memory.when.grammar import Grammar, grammar
from rag.memory.when.region import common

NOW = datetime(2026, 5, 14, 12, tzinfo=UTC)
DAYS = (1, 2, 6, 6, 12)
SESSIONS = tuple(
    Session(n, f"s{n}", "c", at := datetime(2026, 5, day, 8 + n, tzinfo=UTC), at + timedelta(minutes=5), "UTC", 3)
    for n, day in enumerate(DAYS, 1)
)


def asked(question: str, **options: object) -> Reading:
    return read(question, now=NOW, sessions=SESSIONS, **options)  # type: ignore[arg-type]


def test_an_empty_day_looks_one_day_either_side_and_says_so():
    window = asked("What did we discuss on May 5?").window
    assert window is not None
    assert window.notes == ("nothing on Tuesday, 5 May 2026: looked one day either side",)
    assert window.holds(datetime(2026, 5, 6, 11, tzinfo=UTC), 3)


def test_an_empty_time_with_nothing_near_says_what_is_nearest():
    reading = asked("What did we discuss on May 9?")
    assert reading.notes == ("nothing on Saturday, 9 May 2026; nearest: Wednesday, 6 May 2026, Tuesday, 12 May 2026",)


def test_a_session_that_never_was_is_told_with_how_many_there_are():
    window = asked("What was session 45 about?").window
    assert window is not None
    assert str(window) == "no time at all; there are 5 sessions to choose from"
    assert not window.holds(NOW, 5)


def test_a_full_count_of_days_may_end_a_day_earlier():
    window = asked("What did we talk about 7 days ago?").window
    assert window is not None
    assert str(window).startswith("Wednesday, 6 May 2026")


def test_the_current_session_is_not_counted():
    assert str(asked("Recap our last session").window).startswith("session 5")
    assert str(asked("Recap our last session", current_session="s5").window).startswith("session 4")
    assert str(asked("Recap our last session", current_session=5).window).startswith("session 4")


def test_a_window_explains_sessions_by_day_and_time():
    assert str(asked("The second conversation on Wednesday, what was it?").window) == (
        "session 4 (Wednesday, 6 May 2026, 12:00–12:05)"
    )


def test_what_was_said_is_dated_by_the_memory():
    found = datetime(2026, 5, 6, 11, tzinfo=UTC)
    reading = asked("What did we discuss the day before we talked about gardens?", find={"gardens": found}.get)
    assert reading.window is not None
    assert str(reading.window).startswith("Tuesday, 5 May 2026") or "5 May 2026" in str(reading.window)
    same_day = asked("What else came up the day we talked about gardens?", find={"gardens": found}.get).window
    assert str(same_day) == "Wednesday, 6 May 2026"


def test_without_a_memory_nothing_is_known_of_what_was_said():
    reading = asked("What else came up the day we talked about gardens?")
    assert reading.window is None or not reading.window.parts


@pytest.mark.parametrize(
    ("question", "content", "pure"),
    [
        ("What did we talk about on May 6?", "", True),
        ("Please sum up yesterday's chat", "", True),
        ("What did you say about the garden fence on May 6?", "garden fence", False),
        ("On May 6, which recipe did Ann mention?", "recipe", False),
        ("Which questions did I ask on May 6?", "", True),
        ("What did you suggest on May 6?", "", True),
        ("What did you answer me on May 6?", "", True),
        ("What advice did you give me on May 6?", "", True),
        ("What were the suggestions you made on May 6?", "", True),
        ("What did you recommend for dinner on May 6?", "dinner", False),
        ("Which tips about hiking did you give me on May 6?", "hiking", False),
    ],
)
def test_content_is_what_is_left_of_a_question(question: str, content: str, pure: bool):
    reading = asked(question)
    assert reading.pure is pure
    assert content in reading.content
    assert bool(content) is bool(reading.content)


@pytest.mark.parametrize(
    ("question", "speaker", "role"),
    [
        ("What did Ann say about it on May 6?", "Ann", None),
        ("What did you tell me on May 6?", None, "assistant"),
        ("What did I say on May 6?", None, "user"),
        ("What were my questions on May 6?", None, "user"),
        ("What was your advice on May 6?", None, "assistant"),
        ("What did we talk about on May 6?", None, None),
        ("What did Ann and Ben discuss on May 6?", None, None),
    ],
)
def test_whose_words_are_meant_is_read_from_the_subject(question: str, speaker: str | None, role: str | None):
    reading = asked(question)
    assert (reading.speaker, reading.role) == (speaker, role)


def test_bounds_are_open_where_a_window_is():
    since = asked("What have we discussed since May 6?").window
    assert since is not None
    assert since.bounds == (datetime(2026, 5, 6, tzinfo=UTC), None)


def test_expressions_need_no_conversation():
    text = "We moved in June 2024, and she left three days ago."
    assert [(e.phrase, str(e.window)) for e in expressions(text, NOW)] == [
        ("in June 2024", "1 June 2024 to 30 June 2024"),
        ("three days ago", "Monday, 11 May 2026"),
    ]


def test_expressions_leave_out_what_is_to_come():
    assert expressions("Let us meet next Friday.", NOW) == ()


def test_a_night_belongs_to_the_day_it_began_on():
    night = Part(datetime(2026, 5, 5), datetime(2026, 5, 6), hours=((1260, 1740),))
    assert night.holds(datetime(2026, 5, 6, 4, 59), 1)
    assert not night.holds(datetime(2026, 5, 5, 3), 1)
    assert night.close == datetime(2026, 5, 6, 5)


def test_regions_that_share_nothing_have_nothing_in_common():
    monday, tuesday = Part(weekdays=frozenset({0})), Part(weekdays=frozenset({1}))
    assert common((monday,), (tuesday,)) == ()
    assert common((Part(sessions=frozenset({1, 2})),), (Part(sessions=frozenset({2, 3})),)) == (
        Part(sessions=frozenset({2})),
    )


def test_a_window_of_no_parts_holds_nothing():
    assert not Window(parts=(), phrase="", zone="UTC").holds(NOW, 1)


def test_a_form_that_cannot_be_read_names_itself():
    with pytest.raises(ConfigError, match="a \\) b"):
        sequences("a ) b")


def test_a_rule_of_an_unknown_meaning_names_itself():
    data = {"words": {}, "lists": {}, "rules": {"when": {"dance": ["now"]}}, "spelling": {}}
    with pytest.raises(ConfigError, match="dance"):
        Grammar(data, {})


def test_a_language_without_a_grammar_is_refused():
    with pytest.raises(ConfigError, match="xx"):
        grammar("xx")
