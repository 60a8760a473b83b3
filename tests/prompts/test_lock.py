from __future__ import annotations

import json
from pathlib import Path

import pytest

from prompts import lock, names


def test_the_lock_tells_what_the_prompts_hold() -> None:
    assert lock.check() == ()
    assert set(json.loads(lock.LOCK.read_text())) == set(names())


def test_a_text_that_changed_under_the_same_version_is_a_problem() -> None:
    (line,) = lock.problems({"a": {"version": 2, "sha256": "x"}}, {"a": {"version": 2, "sha256": "y"}})
    assert "raise it in a.md" in line


@pytest.mark.parametrize(
    ("found", "locked"),
    [
        ({"a": {"version": 2, "sha256": "x"}}, {"a": {"version": 1, "sha256": "y"}}),
        ({"a": {"version": 2, "sha256": "x"}}, {"a": {"version": 1, "sha256": "x"}}),
        ({"a": {"version": 1, "sha256": "x"}}, {}),
        ({}, {"a": {"version": 1, "sha256": "x"}}),
    ],
)
def test_a_lock_that_is_behind_is_a_problem(found: lock.Entries, locked: lock.Entries) -> None:
    assert lock.problems(found, locked) == (
        "a: the lock does not tell what its file holds; run python -m prompts.lock",
    )


def test_writing_locks_the_prompts_as_they_are(tmp_path: Path) -> None:
    lock.write(tmp_path / "lock")
    assert json.loads((tmp_path / "lock").read_text()) == lock.current()


def test_writing_refuses_a_text_that_changed_under_the_same_version(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    path.write_text(json.dumps({"answer": {"version": 99, "sha256": "old"}}))
    with pytest.raises(ValueError, match=r"answer: the text changed, but not its version 99; raise it in answer\.md"):
        lock.write(path)
    assert "old" in path.read_text()
