from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError

from rag.memory.sessions import Session
from rag.memory.when import Calendar, Window, read
from rag.memory.when.calendar import moved

BERLIN = ZoneInfo("Europe/Berlin")


def window(question: str, now: datetime, *talks: datetime, **options: object) -> Window:
    sessions = [Session(n, None, "c", at, at + timedelta(minutes=5), "UTC", 3) for n, at in enumerate(talks, 1)]
    found = read(question, now=now, sessions=sessions, calendar=Calendar(**options)).window  # type: ignore[arg-type]
    assert found is not None
    return found


def test_a_day_is_the_zones_own_and_an_hour_shorter_when_clocks_go_forward():
    low, high = window(
        "What did we discuss on 29 March 2026?", datetime(2026, 4, 2, tzinfo=UTC), zone="Europe/Berlin"
    ).bounds
    assert low == datetime(2026, 3, 28, 23, tzinfo=UTC)
    assert high == datetime(2026, 3, 29, 22, tzinfo=UTC)


def test_both_passes_of_an_hour_that_the_clock_shows_twice_are_of_the_day():
    day = window("What did we discuss on 25 October 2026?", datetime(2026, 10, 30, tzinfo=UTC), zone="Europe/Berlin")
    twice = datetime(2026, 10, 25, 2, 30, tzinfo=BERLIN)
    assert day.holds(twice, 1)
    assert day.holds(twice.replace(fold=1), 1)
    assert not day.holds(datetime(2026, 10, 25, 23, 30, tzinfo=UTC), 1)


def test_now_lies_on_the_day_that_the_zones_clock_shows():
    late = datetime(2026, 5, 5, 23, 30, tzinfo=UTC)
    assert str(window("What did we say today?", late)) == "Tuesday, 5 May 2026"
    assert str(window("What did we say today?", late, zone="Asia/Tokyo")) == "Wednesday, 6 May 2026"


@pytest.mark.parametrize(("week_start", "days"), [(0, "4 May 2026 to 10 May 2026"), (6, "3 May 2026 to 9 May 2026")])
def test_weeks_start_where_the_calendar_says(week_start: int, days: str):
    now = datetime(2026, 5, 14, 12, tzinfo=UTC)
    assert str(window("What did we discuss last week?", now, week_start=week_start)) == days


@pytest.mark.parametrize(("boundary", "held"), [(5, True), (0, False)])
def test_one_in_the_morning_is_last_night_until_the_day_boundary(boundary: int, held: bool):
    last_night = window(
        "What did we talk about last night?", datetime(2026, 5, 14, 9, tzinfo=UTC), day_boundary=boundary
    )
    assert last_night.holds(datetime(2026, 5, 13, 23, tzinfo=UTC), 1)
    assert last_night.holds(datetime(2026, 5, 14, 1, tzinfo=UTC), 1) is held
    assert not last_night.holds(datetime(2026, 5, 14, 6, tzinfo=UTC), 1)


def test_who_is_up_after_midnight_calls_the_evening_before_today_too():
    evening = datetime(2026, 5, 13, 21, tzinfo=UTC)
    late = datetime(2026, 5, 14, 1, tzinfo=UTC)
    assert window("What did we discuss earlier today?", late, evening).holds(evening, 1)


@pytest.mark.parametrize(("day_first", "day"), [(False, "Friday, 8 May 2026"), (True, "Wednesday, 5 August 2026")])
def test_dates_in_numbers_are_read_in_the_calendars_order(day_first: bool, day: str):
    now = datetime(2026, 9, 1, tzinfo=UTC)
    assert str(window("What did we discuss on 5/8/26?", now, day_first=day_first)) == day


def test_fiscal_years_begin_in_the_calendars_month_and_are_called_after_their_end():
    now = datetime(2026, 5, 14, tzinfo=UTC)
    asked = "What did we discuss in fiscal Q2 2026?"
    assert str(window(asked, now, fiscal_start=10)) == "1 January 2026 to 31 March 2026"
    assert str(window("What did we discuss in FY2026?", now, fiscal_start=10)) == "1 October 2025 to 30 September 2026"
    assert str(window("What did we discuss last fiscal year?", now, fiscal_start=4)) == "1 April 2025 to 31 March 2026"


def test_names_of_the_calendar_are_times():
    names = {"sprint 14": (date(2026, 5, 4), date(2026, 5, 15))}
    sprint = window("What did we decide in Sprint 14?", datetime(2026, 6, 1, tzinfo=UTC), names=names)
    assert (sprint.phrase, str(sprint)) == ("in Sprint 14", "4 May 2026 to 15 May 2026")


def test_summer_is_where_the_asker_is():
    now = datetime(2026, 5, 14, tzinfo=UTC)
    assert str(window("What did we discuss last summer?", now)) == "1 June 2025 to 31 August 2025"
    assert str(window("What did we discuss last summer?", now, southern=True)) == "1 December 2025 to 28 February 2026"


def test_an_unknown_zone_is_refused_by_name():
    with pytest.raises(ValidationError, match="Mars/Base"):
        Calendar(zone="Mars/Base")


def test_the_ends_of_the_era_hold():
    assert moved(datetime(2, 1, 1), -5, "year") == datetime.min
    assert moved(datetime(9990, 1, 1), 50, "year") == datetime.max
