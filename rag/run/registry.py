"""Planners by name, ours and other people's alike, from the entry-point group `rag.planners`."""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points, packages_distributions
from typing import Any, Final

from rag.errors import ConfigError

__all__ = ["GROUP", "load_planner", "planner_names"]

GROUP: Final = "rag.planners"


def planner_names() -> tuple[str, ...]:
    """The names of the planners that are installed, in order."""
    return tuple(sorted({entry.name for entry in entry_points(group=GROUP)}))


def load_planner(name: str) -> Any:
    """What makes the planner of that name: a class, as a rule.

    Raises:
        ConfigError: there is none, or it cannot be loaded.
    """
    found = list(entry_points(group=GROUP, name=name))
    if not found:
        names = ", ".join(planner_names()) or "none; install the package, so that its planners are found"
        raise ConfigError(f"there is no planner {name!r}; there are: {names}")
    return _loaded(found[0])


def _loaded(entry: EntryPoint) -> Any:
    try:
        return entry.load()
    except Exception as error:  # a planner's module is other people's code, and may raise anything
        why = f"{type(error).__name__}: {error}"
        raise ConfigError(f"the planner {entry.name!r} ({entry.value}) cannot be loaded: {why}{_clash()}") from error


def _clash() -> str:
    # Asked only when loading has failed: it reads the file lists of all that is installed.
    owners = sorted(set(packages_distributions().get("planners", ())))
    if len(owners) < 2:
        return ""
    return (
        f"; the distributions {' and '.join(owners)} both install a package called 'planners', and the later one"
        " overwrote the other's files: use an environment of their own for each"
    )
