"""What holds of every window, whatever was asked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from rag.memory.sessions import Session
from rag.memory.when import Calendar, expressions, read
from rag.memory.when.grammar import grammar

ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Pacific/Apia", "Asia/Kathmandu", "Australia/Lord_Howe")
_GRAMMAR = grammar()
WORDS = sorted(
    {word for words in _GRAMMAR.words.values() for word in words} | {word for word in _GRAMMAR.lists["light"]}
)
PIECES = (
    *WORDS,
    "the",
    "of",
    "ago",
    "before",
    "between",
    "since",
    "last",
    "we",
    "discussed",
    "5",
    "31",
    "2024",
    "0",
    "99999",
    ":",
    ".",
    ",",
    "'s",
)
texts = st.one_of(st.text(max_size=60), st.lists(st.sampled_from(PIECES), max_size=14).map(" ".join))
moments = st.datetimes(
    datetime(1990, 1, 1), datetime(2090, 1, 1), timezones=st.sampled_from([ZoneInfo(z) for z in ZONES])
)
calendars = st.builds(
    Calendar,
    zone=st.sampled_from(ZONES),
    week_start=st.integers(0, 6),
    day_boundary=st.integers(0, 12),
    fiscal_start=st.integers(1, 12),
    day_first=st.booleans(),
    southern=st.booleans(),
)


@st.composite
def histories(draw: st.DrawFn) -> tuple[datetime, tuple[Session, ...]]:
    now = draw(moments)
    back = sorted(draw(st.lists(st.integers(0, 600 * 24 * 60), max_size=12)), reverse=True)
    starts = [now.astimezone(UTC) - timedelta(minutes=minutes) for minutes in back]
    lasts = timedelta(minutes=draw(st.integers(0, 90)))
    return now, tuple(Session(n, None, "c", at, at + lasts, "UTC", 2) for n, at in enumerate(starts, 1))


@settings(max_examples=150, deadline=None)
@given(text=texts, history=histories(), calendar=calendars)
def test_any_text_is_read_and_bounds_contain_what_a_window_holds(
    text: str, history: tuple[datetime, tuple[Session, ...]], calendar: Calendar
) -> None:
    now, sessions = history
    reading = read(text, now=now, sessions=sessions, calendar=calendar)
    window = reading.window
    if window is None:
        return
    assert str(window)
    assert window.phrase in text
    low, high = window.bounds
    for session in sessions:
        for at in (session.start, session.end):
            if window.holds(at, session.number):
                assert low is None or low <= at
                assert high is None or at < high


@settings(max_examples=150, deadline=None)
@given(text=texts, now=moments, calendar=calendars, near=st.integers(-(10**6), 10**6))
def test_expressions_stand_where_they_say_and_hold_within_their_bounds(
    text: str, now: datetime, calendar: Calendar, near: int
) -> None:
    for found in expressions(text, now, calendar):
        assert text[found.start : found.end] == found.phrase
        low, high = found.window.bounds
        for edge in (low, high, now):
            at = (edge or now) + timedelta(seconds=near % 7200 - 3600)
            if found.window.holds(at, 1):
                assert low is None or low <= at
                assert high is None or at < high


@settings(max_examples=60, deadline=None)
@given(text=texts, history=histories())
def test_reading_twice_gives_the_same(text: str, history: tuple[datetime, tuple[Session, ...]]) -> None:
    now, sessions = history
    assert read(text, now=now, sessions=sessions) == read(text, now=now, sessions=sessions)
