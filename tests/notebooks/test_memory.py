"""The third notebook runs as a newcomer would run it."""

from __future__ import annotations

from pathlib import Path

import pytest

PATH = Path(__file__).parents[2] / "notebooks" / "3_memory.ipynb"


@pytest.mark.parametrize(
    ("cell", "facts"),
    [
        ("memory.sessions(", ["6"]),
        ("Tuesday the 5th?", ["window: Tuesday, 5 May 2026", "boats cost 80 EUR", "There is a kettle"]),
        ("for question in questions:", ["session 3 (", "session 5 (", "session 6 (", "4 May 2026 to 10 May 2026"]),
        ("about boats last week", ["window: 4 May 2026 to 10 May 2026", "boats cost 80 EUR"]),
        ("second opinion", ["None\nNone\nNone"]),
        ("assistant.ask(", ["Boats must be back by ten [1]", "Friday, 8 May 2026"]),
        ("memory.forget(", ["'turns': 4", "'cached': 0} True", "()"]),
    ],
)
def test_each_cell_shows_what_its_prose_says(lacking, cell, facts):
    assert lacking(cell, facts) == ""
