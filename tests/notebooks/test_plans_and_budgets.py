"""The second notebook runs as a newcomer would run it."""

from __future__ import annotations

from pathlib import Path

import pytest

PATH = Path(__file__).parents[2] / "notebooks" / "2_plans_and_budgets.ipynb"


@pytest.mark.parametrize(
    ("cell", "facts"),
    [
        ("plan = rag.Plan.from_json(", ["s2  parcels(", "← s1"]),
        ("answer.plan.estimate()", ["2–4 source calls", "USD"]),
        ("answer.trace", ["question", "parcels", "█"]),
        ("again =", ["from the cache"]),
        ("another =", ["the plan cannot fit its budget: s2 asks 'parcels'", "partial"]),
        ("strict=True", ["seconds is spent", "so far:"]),
        ("press =", ["s1 brought nothing", "partial"]),
        ("replans=1", ["planned in place of s1"]),
        ("write_text(", ["True {'reviews':"]),
    ],
)
def test_each_cell_shows_what_its_prose_says(lacking, cell, facts):
    assert lacking(cell, facts) == ""
