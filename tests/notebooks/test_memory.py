"""The third notebook runs as a newcomer would run it, and is committed as it ran."""

from __future__ import annotations

import copy
import re
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode

from notebooks.execute import execute

PATH = Path(__file__).parents[2] / "notebooks" / "3_memory.ipynb"
COMMITTED = nbformat.read(PATH, as_version=4)
AGAIN = "run `python -m notebooks.execute notebooks/3_memory.ipynb`, and look at what it shows"


@pytest.fixture(scope="module")
def executed(tmp_path_factory) -> NotebookNode:
    return execute(copy.deepcopy(COMMITTED), tmp_path_factory.mktemp("nb"))


def _output(notebook: NotebookNode, cell_with: str) -> str:
    cells = [c for c in notebook.cells if c.cell_type == "code" and cell_with in c.source]
    return "".join(o.get("text") or o["data"]["text/plain"] for o in cells[0].outputs)


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
def test_each_cell_shows_what_its_prose_says(executed, cell, facts):
    for notebook in (executed, COMMITTED):
        shown = _output(notebook, cell)
        assert [fact for fact in facts if fact not in shown] == [], f"{shown}\n{AGAIN}"


def test_it_is_committed_as_it_ran_and_names_no_machine():
    code = [cell for cell in COMMITTED.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1)), AGAIN
    written = PATH.read_text(encoding="utf-8")
    assert not re.search(r"/(home|root|tmp|Users|work|private)/|site-packages|Traceback|Warning", written)
