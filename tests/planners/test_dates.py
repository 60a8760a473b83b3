"""Days that a question names, seen from Friday, 20 November 2026."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planners.dates import find_days

TODAY = date(2026, 11, 20)


def _days(start: str, end: str) -> tuple[date | None, date | None]:
    return (date.fromisoformat(start) if start else None, date.fromisoformat(end) if end else None)


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("what came on 2026-03-05?", "2026-03-05", "2026-03-05"),
        ("on 5 March", "2026-03-05", "2026-03-05"),
        ("on December 3rd", "2025-12-03", "2025-12-03"),
        ("in March", "2026-03-01", "2026-03-31"),
        ("in December", "2025-12-01", "2025-12-31"),
        ("February 2024", "2024-02-01", "2024-02-29"),
        ("in 2025", "2025-01-01", "2025-12-31"),
        ("yesterday", "2026-11-19", "2026-11-19"),
        ("last week", "2026-11-09", "2026-11-15"),
        ("this month", "2026-11-01", "2026-11-30"),
        ("the last 3 days", "2026-11-17", "2026-11-20"),
        ("two months ago", "2026-09-20", "2026-09-20"),
        ("on Friday", "2026-11-13", "2026-11-13"),
        ("Will it rain on Friday?", "2026-11-27", "2026-11-27"),
        ("will it open on 3 December", "2026-12-03", "2026-12-03"),
        ("since 3 November", "2026-11-03", ""),
        ("after March 2026", "2026-04-01", ""),
        ("before 2026-03-05", "", "2026-03-04"),
        ("until the 5th of May", "", "2026-05-05"),
        ("between 3 May and 7 June", "2026-05-03", "2026-06-07"),
        ("from May to July 2025", "2025-05-01", "2025-07-31"),
    ],
)
def test_days_are_read(text, start, end):
    found = find_days(text, TODAY)
    assert found is not None
    assert (found.start, found.end) == _days(start, end)
    assert found.words in text


@pytest.mark.parametrize(
    "text", ["May I return it?", "march on", "How long does a charge last?", "31 June", "order 2026", "", "by and by"]
)
def test_what_names_no_day_is_left_alone(text):
    assert find_days(text, TODAY) is None


@given(st.text(max_size=120), st.dates())
def test_days_in_any_text_are_words_of_it_and_in_order(text, today):
    found = find_days(text, today)
    if found is not None:
        assert found.words in text
        assert (found.start or date.min) <= (found.end or date.max)


@given(st.sampled_from(["last", "this", "next"]), st.sampled_from(["week", "month", "year"]), st.dates())
def test_calendar_spans_are_in_order_wherever_the_calendar_has_them(which, unit, today):
    found = find_days(f"{which} {unit}", today)
    assert found is None or (found.start is not None and found.end is not None and found.start <= found.end)
