"""The first notebook runs as a newcomer would run it."""

from __future__ import annotations

from pathlib import Path

import pytest
from nbclient.exceptions import CellExecutionError
from nbformat.v4 import new_code_cell, new_notebook, new_output

from notebooks.execute import execute, tidied

PATH = Path(__file__).parents[2] / "notebooks" / "1_first_answer.ipynb"


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
def test_each_cell_shows_what_its_prose_says(lacking, cell, facts):
    assert lacking(cell, facts) == ""


def test_it_is_committed_with_the_plan_that_is_made(executed, committed, shown):
    assert shown(executed, "plan = assistant.plan(") == shown(committed, "plan = assistant.plan(")


def test_plans_and_answers_show_themselves(executed, shown):
    assert "<svg" in shown(executed, "plan = assistant.plan(", "text/html")
    page = shown(executed, "answer = assistant.ask(", "text/html")
    assert ">[1]</span>" in page
    assert "<svg" in page


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
