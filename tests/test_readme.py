"""Every block of the README runs, and what it shows is what comes."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", README, re.S | re.M)


def _blocks(language: str) -> list[str]:
    return [text for name, text in BLOCKS if name == language]


def _run(command: str, cache: Path) -> subprocess.CompletedProcess[str]:
    """Run a command line of the README with this Python's `rag`."""
    arguments = shlex.split(command.replace("\\\n", " "))
    arguments[:1] = [sys.executable, "-m", "rag"]
    environment = {**os.environ, "RAG_CACHE_DIR": str(cache)}
    return subprocess.run(arguments, capture_output=True, text=True, cwd=ROOT, env=environment, check=False)


def _less_times(text: str) -> str:
    """The text with every time that a step took as the same one."""
    return re.sub(r"\b[\d.]+ m?s\b", "0 s", text)


def _timeless(printed: str) -> str:
    """What was printed, without how long it took on the machine."""
    return re.sub(r"\d+(\.\d+)? m?s\b", "… ms", printed)


def test_the_first_command_prints_what_is_shown(tmp_path):
    install, ask = _blocks("bash")[0].split(" && ", 1)
    done = _run(ask, tmp_path)
    assert install == "pip install ."
    assert done.returncode == 0, done.stderr
    assert _less_times(done.stdout.strip()) == _less_times(_blocks("text")[0].strip())


def test_the_second_command_installs_the_tests_and_runs_them():
    assert _blocks("bash")[1].strip() == 'pip install ".[test]" && python -m pytest'


def test_the_python_blocks_run_one_after_the_other(tmp_path, monkeypatch):
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    names: dict[str, object] = {}
    for number, block in enumerate(_blocks("python"), 1):
        exec(compile(block, f"README block {number}", "exec"), names)
    assert names["answer"].citations


@pytest.mark.parametrize("page", sorted((ROOT / "docs").glob("*.md")), ids=lambda path: path.name)
def test_the_blocks_of_a_page_print_what_stands_below_them(page, capsys):
    import rag

    names: dict[str, object] = {"rag": rag}
    blocks = re.findall(
        r"^```python\n(.*?)^```\n(?:\n```text\n(.*?)^```)?", page.read_text(encoding="utf-8"), re.S | re.M
    )
    assert blocks
    for block, printed in blocks:
        exec(compile(block, page.name, "exec"), names)
        assert _timeless(capsys.readouterr().out) == _timeless(printed)


def test_the_variables_that_are_named_are_those_that_are_read():
    from rag.settings import Settings

    aliases = [field.validation_alias for field in Settings.model_fields.values()]
    read = {str(name) for alias in aliases for name in getattr(alias, "choices", [alias])}
    named = set(re.findall(r"`((?:OPENAI|RAG)_\w+)`", README))
    assert named == {name for name in read if name.startswith(("OPENAI_", "RAG_"))}


def test_the_commands_that_are_named_exist():
    named = set(re.findall(r"`rag (\w+)", README))
    for command in named:
        done = subprocess.run(
            [sys.executable, "-m", "rag", command, "--help"], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, command


@pytest.mark.parametrize("place", re.findall(r"^\| `(.*?)` \|", README.split("## Where things are")[1], re.M))
def test_the_places_that_are_named_exist(place):
    for name in place.replace("`", "").split(", "):
        assert (ROOT / name).exists()


def test_the_table_of_measures_is_that_of_the_results():
    from benchmarks.table import filled

    assert filled(README) == README
