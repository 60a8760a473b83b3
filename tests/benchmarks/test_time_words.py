"""The questions of the invented diary keep the windows that they have."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest

from benchmarks.time_words import ASKED, NOW, diary, meant
from rag.memory.when import read


@pytest.mark.parametrize("text", ASKED)
def test_a_question_has_the_window_that_it_means(text):
    sessions = diary()
    assert meant(read(text, now=NOW, sessions=sessions).window, sessions) == ASKED[text]


def test_no_two_sessions_of_the_diary_are_one():
    starts = [session.start for session in diary()]
    assert starts == sorted(starts)
    assert min(b - a for a, b in pairwise(starts)) > timedelta(minutes=20)
