"""The second notebook runs as a newcomer would run it, and is committed as it ran."""

from __future__ import annotations

import copy
import re
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode

from notebooks.execute import execute

PATH = Path(__file__).parents[2] / "notebooks" / "2_plans_and_budgets.ipynb"
COMMITTED = nbformat.read(PATH, as_version=4)
AGAIN = "run `python -m notebooks.execute notebooks/2_plans_and_budgets.ipynb`, and look at what it shows"


@pytest.fixture(scope="module")
def executed(tmp_path_factory) -> NotebookNode:
    return execute(copy.deepcopy(COMMITTED), tmp_path_factory.mktemp("nb"))


def _output(notebook: NotebookNode, cell_with: str) -> str:
    cells = [c for c in notebook.cells if c.cell_type == "code" and cell_with in c.source]
    return "".join(o.get("text") or o["data"]["text/plain"] for o in cells[0].outputs)


@pytest.mark.parametrize(
    ("cell", "facts"),
    [
        ("Plan.from_json(", ["s2  parcels(", "← s1"]),
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
def test_each_cell_shows_what_its_prose_says(executed, cell, facts):
    for notebook in (executed, COMMITTED):
        shown = _output(notebook, cell)
        assert [fact for fact in facts if fact not in shown] == [], f"{shown}\n{AGAIN}"


def test_it_is_committed_as_it_ran_and_names_no_machine():
    code = [cell for cell in COMMITTED.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1)), AGAIN
    written = PATH.read_text(encoding="utf-8")
    assert not re.search(r"/(home|root|tmp|Users|work|private)/|site-packages|Traceback|Warning", written)
