"""Who may import whom, what is imported when, and the bars that the code keeps to."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("rag", "planners", "prompts")
MODULES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
HEAVY = {
    "aiohttp", "chromadb", "fastapi", "httpx", "langchain_core", "numpy", "onnxruntime", "openai", "psycopg", "rich",
    "click", "sqlalchemy", "tantivy", "tenacity", "tiktoken", "tokenizers", "typer", "uvicorn",
}  # fmt: skip
PLANNERS_MAY_IMPORT = {
    "rag.card",
    "rag.errors",
    "rag.plan",
    "rag.protocols",
    "rag.types",
    "rag.verdict",
    "planners",
    "prompts",
}
LONG_MODULES = {
    "rag/assistant.py": "the signatures of its public methods stand in full, sync and async",
    "rag/protocols.py": "the seams stand together, each with its contract",
    "rag/memory/memory.py": "the signatures of its public methods stand in full, sync and async",
}
"""Modules over 300 lines, each with the reason."""

# The server and the command line are loaded only by those who run them.
LOADED_WITH_RAG = [path for path in MODULES if path.parent.name not in ("serve", "cli")]

by_module = pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))


def _tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _imports(node: ast.AST) -> Iterator[str]:
    """Every imported module below the node, by its dotted name."""
    for child in ast.walk(node):
        if isinstance(child, ast.Import):
            yield from (alias.name for alias in child.names)
        elif isinstance(child, ast.ImportFrom) and child.module:
            yield child.module


def _imports_at_load(path: Path) -> Iterator[str]:
    """What is imported as the module loads: not in functions, and not for type checkers alone."""
    pending: list[ast.AST] = list(_tree(path).body)
    while pending:
        node = pending.pop()
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from _imports(node)
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            pending += node.orelse
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            pending += ast.iter_child_nodes(node)


def _functions(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(_tree(path)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


@by_module
def test_imports_go_one_way(path):
    imported = {name for name in _imports(_tree(path)) if name.split(".")[0] not in sys.stdlib_module_names}
    room = path.relative_to(ROOT).parts[0]
    if room == "prompts":
        assert {name for name in imported if name.split(".")[0] != "prompts"} == set()
    elif room == "planners":
        allowed = tuple(PLANNERS_MAY_IMPORT)
        assert {n for n in imported if not any(n == a or n.startswith(a + ".") for a in allowed)} == set()
    else:
        assert {name for name in imported if name.split(".")[0] == "planners"} == set()


@pytest.mark.parametrize("path", LOADED_WITH_RAG, ids=lambda path: str(path.relative_to(ROOT)))
def test_heavy_libraries_are_imported_on_use(path):
    assert {name.split(".")[0] for name in _imports_at_load(path)} & HEAVY == set()


def test_import_rag_loads_no_heavy_library():
    code = f"import rag, sys; print(*sorted(set(sys.modules) & {HEAVY!r}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.split() == []


def test_the_environment_is_read_in_one_place():
    readers = {
        str(path.relative_to(ROOT))
        for path in MODULES
        for node in ast.walk(_tree(path))
        if isinstance(node, ast.Attribute) and ast.unparse(node) in ("os.environ", "os.getenv")
    }
    assert readers <= {"rag/settings.py"}


def test_entry_points_are_the_planners_that_there_are():
    found = {point.name: point.value for point in metadata.entry_points(group="rag.planners")}
    assert set(found) == {"direct", "evidence_loop", "iter_retgen", "react", "reaper", "rules"}
    assert all((ROOT / f"{value.split(':')[0].replace('.', '/')}.py").is_file() for value in found.values())


@by_module
def test_modules_are_short(path):
    name = str(path.relative_to(ROOT))
    limit = 500 if name in LONG_MODULES else 300
    assert path.read_text(encoding="utf-8").count("\n") <= limit


@by_module
def test_functions_are_short_and_take_few_arguments(path):
    for function in _functions(path):
        docstring = len((ast.get_docstring(function, clean=False) or "").splitlines())
        assert function.end_lineno - function.lineno - docstring < 60, function.name
        positional = [a for a in function.args.posonlyargs + function.args.args if a.arg not in ("self", "cls")]
        assert len(positional) <= 5, function.name


@by_module
def test_modules_say_what_they_export_and_what_they_are(path):
    tree = _tree(path)
    assert ast.get_docstring(tree)
    exported = [
        node for node in tree.body if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
    ]
    if path.name not in ("__init__.py", "__main__.py"):
        names = ast.literal_eval(exported[0].value)
        # Trees have a class a node: those of dates and of their relations belong together.
        assert len(names) <= 12 or path.name in ("errors.py", "protocols.py", "dates.py", "relations.py")


@by_module
def test_input_is_not_checked_by_assert(path):
    assert not [node.lineno for node in ast.walk(_tree(path)) if isinstance(node, ast.Assert)]
