"""The lock of the prompts: a text cannot change unless its version rises.

`prompts.lock` holds the version of each prompt that ships, and the hash of its text. After a change
to a prompt, raise its `version` and run `python -m prompts.lock`.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TypeAlias

from prompts import load, names

__all__ = ["LOCK", "check", "current", "problems", "write"]

LOCK = Path(__file__).with_name("prompts.lock")

Entries: TypeAlias = Mapping[str, Mapping[str, int | str]]

_RUN = "run python -m prompts.lock"


def current() -> Entries:
    """The version and the hash of each prompt, as its file has them."""
    prompts = {name: load(name) for name in names()}
    return {
        name: {"version": prompt.version, "sha256": hashlib.sha256(prompt.body.encode()).hexdigest()}
        for name, prompt in prompts.items()
    }


def problems(found: Entries, locked: Entries) -> tuple[str, ...]:
    """What is wrong with prompts as found, given those locked: one line each.

    Example:
        >>> problems({"a": {"version": 1, "sha256": "new"}}, {"a": {"version": 1, "sha256": "old"}})
        ('a: the text changed, but not its version 1; raise it in a.md, then run python -m prompts.lock',)
    """
    lines = [f"{_frozen_text(name, locked)}, then {_RUN}" for name in _unraised(found, locked)]
    stale = {name for name in {*found, *locked} if found.get(name) != locked.get(name)} - set(_unraised(found, locked))
    return (*lines, *(f"{name}: the lock does not tell what its file holds; {_RUN}" for name in sorted(stale)))


def check() -> tuple[str, ...]:
    """What is wrong with the prompts that ship: one line each, and none when all is well."""
    return problems(current(), _locked(LOCK))


def write(path: Path = LOCK) -> None:
    """Lock the prompts as they are.

    Raises:
        ValueError: a text changed, but not its version.
    """
    found, locked = current(), _locked(path)
    if names_unraised := _unraised(found, locked):
        raise ValueError("; ".join(_frozen_text(name, locked) for name in names_unraised))
    path.write_text(json.dumps(found, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def _locked(path: Path) -> Entries:
    locked: Entries = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return locked


def _unraised(found: Entries, locked: Entries) -> list[str]:
    both = sorted(found.keys() & locked.keys())
    changed = [name for name in both if found[name]["sha256"] != locked[name]["sha256"]]
    return [name for name in changed if int(found[name]["version"]) <= int(locked[name]["version"])]


def _frozen_text(name: str, locked: Entries) -> str:
    return f"{name}: the text changed, but not its version {locked[name]['version']}; raise it in {name}.md"


if __name__ == "__main__":
    try:
        write()
    except ValueError as error:
        sys.exit(str(error))
