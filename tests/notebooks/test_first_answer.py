"""The first notebook runs as a newcomer would run it, and is committed as it ran."""

from __future__ import annotations

import copy
import re
from pathlib import Path

import nbformat
import pytest
from nbclient.exceptions import CellExecutionError
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook, new_output

from notebooks.execute import execute, tidied

PATH = Path(__file__).parents[2] / "notebooks" / "1_first_answer.ipynb"
COMMITTED = nbformat.read(PATH, as_version=4)
AGAIN = "run `python -m notebooks.execute notebooks/1_first_answer.ipynb`, and look at what it shows"


def _output(notebook: NotebookNode, cell_with: str, kind: str = "text/plain") -> str:
    """What the one cell with that code shows."""
    (cell,) = (c for c in notebook.cells if c.cell_type == "code" and cell_with in c.source)
    return "".join(o.get("text") or o["data"][kind] for o in cell.outputs)


@pytest.fixture(scope="module")
def executed(tmp_path_factory) -> NotebookNode:
    return execute(copy.deepcopy(COMMITTED), tmp_path_factory.mktemp("nb"))


@pytest.mark.parametrize(
    ("cell", "facts"),
    [
        ("index.search(", ["policies/returns.md"]),
        ("rag.sql(", ["order_id", "newest"]),
        ("rag.source(", ['pickup(day: "Monday" | ']),
        ("plan = assistant.plan(", ['s1  orders(table="orders", query="headphones", newest=1)', "← s1"]),
        ("answer = assistant.ask(", ["O-1044", "30 days", "[1] ", "no model was used"]),
        ("plan.diff(", ["- s2  policies(", "~ s3  reviews(", '"comfortable to wear with glasses: $s1[0].product"']),
        ("assistant.run(edited", ["O-1044", "omfort"]),
        ("asyncio.gather(", ["13:00", "14.90 EUR", "returned"]),
        ("memory.turns(", ["user: What is the weight", "1.05 kg", "user: What do buyers say"]),
    ],
)
def test_each_cell_shows_what_its_prose_says(executed, cell, facts):
    for notebook in (executed, COMMITTED):
        shown = _output(notebook, cell)
        assert [fact for fact in facts if fact not in shown] == [], f"{shown}\n{AGAIN}"


def test_it_is_committed_with_the_plan_that_is_made(executed):
    assert _output(executed, "plan = assistant.plan(") == _output(COMMITTED, "plan = assistant.plan("), AGAIN


def test_plans_and_answers_show_themselves(executed):
    assert "<svg" in _output(executed, "plan = assistant.plan(", "text/html")
    page = _output(executed, "answer = assistant.ask(", "text/html")
    assert ">[1]</span>" in page
    assert "<svg" in page


def test_it_is_committed_as_it_ran_and_names_no_machine():
    code = [cell for cell in COMMITTED.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1)), AGAIN
    written = PATH.read_text(encoding="utf-8")
    assert not re.search(r"/(home|root|tmp|Users|work|private)/|site-packages|Traceback|Warning", written)


def test_a_cell_that_fails_is_an_error(tmp_path):
    with pytest.raises(CellExecutionError, match="ZeroDivisionError"):
        execute(new_notebook(cells=[new_code_cell("1 / 0")]), tmp_path)


def test_tidying_takes_out_times_and_places():
    cell = new_code_cell("1", metadata={"execution": {"iopub.status.busy": "now"}})
    cell.outputs = [new_output("stream", text="in /home/ann/checkout/notebooks/x.py")]
    tidy = tidied(new_notebook(cells=[cell], metadata={"kernelspec": {"name": "here", "display_name": "Here"}}))
    assert tidy.cells[0].outputs[0].text == "in …/notebooks/x.py"
    assert "execution" not in tidy.cells[0].metadata
    assert tidy.metadata["kernelspec"]["name"] == "python3"
