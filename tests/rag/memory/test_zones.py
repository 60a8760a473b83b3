"""Zones: of a time by name, and this machine's own."""

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

import rag
from rag.memory import Memory
from rag.memory.when.calendar import Calendar
from rag.memory.zones import here, local_zone, zone_name, zone_of
from rag.testing import FakeSource
from rag.types import Turn


@pytest.mark.parametrize("month", [1, 7])
@pytest.mark.parametrize("minutes", [-570, -210, -150, -120, 0, 60, 210, 330, 345, 390, 570, 630, 765, 840])
def test_a_bare_offset_has_a_zone_with_that_offset(month, minutes):
    offset = timedelta(minutes=minutes)
    at = datetime(2026, month, 7, 12, tzinfo=timezone(offset))
    name = zone_name(at)
    there = at.astimezone(zone_of(name)).utcoffset() == offset
    # Some zones are half an hour off for a part of the year alone.
    assert there if (name != "UTC" or not minutes) else minutes in (-150, -210, 210, 630, 765)
    assert Calendar(zone=name)


def test_what_was_said_on_a_day_is_found_by_that_day_at_half_an_hour():
    india = timezone(timedelta(hours=5, minutes=30))
    with Memory.open("sqlite://") as memory:
        for day in (5, 6):
            at = datetime(2026, 5, day, 0, 30, tzinfo=india)
            memory.add("c", [Turn(text=f"{at:%A}", at=at, zone=zone_name(at))])
        found = memory.recall("What did we talk about on Tuesday?", "c", now=datetime(2026, 5, 7, 12, tzinfo=india))
        assert [turn.text for turn in found.turns] == ["Tuesday"]


@pytest.mark.parametrize("named", ["Europe/Berlin", ":Europe/Berlin"])
def test_the_zone_of_this_machine_has_a_name_and_so_summer_time(monkeypatch, named):
    monkeypatch.setenv("TZ", named)
    assert local_zone() == ZoneInfo("Europe/Berlin")
    assert zone_name(here()) == "Europe/Berlin"
    assert abs(here() - datetime.now(UTC)) < timedelta(minutes=1)


@pytest.mark.parametrize("named", ["EST5EDT,M3.2.0,M11.1.0", "/no/such/zone", ""])
def test_a_zone_of_this_machine_without_a_name_has_its_offset(monkeypatch, named):
    monkeypatch.setenv("TZ", named)
    monkeypatch.setattr("rag.memory.zones._linked", lambda: "")
    assert here().utcoffset() is not None
    assert abs(here() - datetime.now(UTC)) < timedelta(minutes=1)


def test_an_assistant_keeps_turns_in_the_zone_of_this_machine(monkeypatch):
    monkeypatch.setenv("TZ", "Asia/Kolkata")
    with (
        Memory.open("sqlite://") as memory,
        rag.Assistant([FakeSource("docs", [{"text": "x"}])], memory=memory) as made,
    ):
        made.ask("lamps?", conversation="c1")
        assert {turn.zone for turn in memory.turns("c1")} == {"Asia/Kolkata"}
