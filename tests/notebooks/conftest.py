"""A notebook as it is committed, and as it runs now: the one that the module of the tests names in `PATH`."""

from __future__ import annotations

import copy

import nbformat
import pytest
from nbformat import NotebookNode

from notebooks.execute import execute


@pytest.fixture(scope="module")
def committed(request) -> NotebookNode:
    return nbformat.read(request.module.PATH, as_version=4)


@pytest.fixture(scope="module")
def executed(committed, tmp_path_factory) -> NotebookNode:
    return execute(copy.deepcopy(committed), tmp_path_factory.mktemp("nb"))


@pytest.fixture(scope="session")
def shown():
    """What the one cell with some code shows."""

    def of(notebook: NotebookNode, cell_with: str, kind: str = "text/plain") -> str:
        (cell,) = (c for c in notebook.cells if c.cell_type == "code" and cell_with in c.source)
        return "".join(o.get("text") or o["data"][kind] for o in cell.outputs)

    return of


@pytest.fixture(scope="module")
def lacking(request, committed, executed, shown):
    """Which facts a cell does not show, as it is committed or as it runs now; with what to do about it."""

    def of(cell_with: str, facts: list[str]) -> str:
        told = [shown(notebook, cell_with) for notebook in (executed, committed)]
        missing = [(fact, text) for text in told for fact in facts if fact not in text]
        again = f"run `python -m notebooks.execute notebooks/{request.module.PATH.name}`, and look at what it shows"
        return "".join(f"{fact!r} is not in: {text}\n" for fact, text in missing) + again * bool(missing)

    return of
