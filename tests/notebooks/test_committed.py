"""Notebooks are committed as they ran."""

from __future__ import annotations

import re
from pathlib import Path

import nbformat
import pytest

PATHS = sorted((Path(__file__).parents[2] / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
def test_a_notebook_is_committed_as_it_ran_and_names_no_machine(path):
    code = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    again = f"run `python -m notebooks.execute notebooks/{path.name}`, and look at what it shows"
    assert [cell.execution_count for cell in code] == list(range(1, len(code) + 1)), again
    written = path.read_text(encoding="utf-8")
    assert not re.search(r"/(home|root|tmp|Users|work|private)/|site-packages|Traceback|Warning", written)


def test_there_are_notebooks():
    assert len(PATHS) >= 3
