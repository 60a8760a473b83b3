from __future__ import annotations

from datetime import UTC, datetime, timedelta

from rag.memory.sessions import grouped, numbered, split
from rag.types import Turn

NOON = datetime(2026, 5, 5, 12, tzinfo=UTC)


def said(minutes: float, session: str | None = None, text: str = "x") -> Turn:
    return Turn(text=text, at=NOON + timedelta(minutes=minutes), session=session, zone="Europe/Berlin")


def test_a_silence_longer_than_the_gap_parts_sessions_and_one_as_long_does_not():
    assert [s.turns for s in split([said(0), said(20), said(40.1)])] == [2, 1]


def test_the_gap_is_the_callers():
    assert len(split([said(0), said(20)], timedelta(minutes=19))) == 2


def test_named_turns_stay_together_over_any_silence():
    first, second = split([said(0, "a"), said(500, "a"), said(30, "b")])
    assert (first.name, first.turns, first.end) == ("a", 2, NOON + timedelta(minutes=500))
    assert (second.name, second.number) == ("b", 2)


def test_named_turns_do_not_join_the_unnamed_around_them():
    assert [(s.name, s.turns) for s in split([said(0), said(1, "a"), said(2)])] == [(None, 2), ("a", 1)]


def test_the_order_of_arrival_does_not_matter():
    turns = [said(60), said(0), said(1)]
    assert split(turns) == split(sorted(turns, key=lambda turn: turn.at or NOON))


def test_a_turn_without_a_time_is_in_no_session():
    assert [s.turns for s in split([said(0), Turn(text="when?")])] == [1]


def test_grouped_keeps_the_turns_in_order_of_time():
    ((_, turns),) = grouped([said(1, text="b"), said(0, text="a")])
    assert [turn.text for turn in turns] == ["a", "b"]


def test_a_session_knows_its_conversation_and_the_zone_it_began_in():
    (session,) = split([said(0)], conversation="c1")
    assert (session.conversation, session.zone) == ("c1", "Europe/Berlin")


def test_sessions_of_several_conversations_are_numbered_in_one_order():
    one = split([said(0), said(100)], conversation="one")
    two = split([said(50)], conversation="two")
    assert [(s.number, s.conversation) for s in numbered(one + two)] == [(1, "one"), (2, "two"), (3, "one")]
