"""Checks what an assistant is given: sources by name, and planners by name or as they are.

Planners are named in the entry-point group `rag.planners`, ours and other people's alike.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import EntryPoint, entry_points, packages_distributions
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import anyio

from rag.errors import ConfigError
from rag.models.prices import Prices
from rag.protocols import Model, Planner, Source

if TYPE_CHECKING:
    from rag.settings import Settings

__all__ = [
    "GROUP",
    "bind_model",
    "bind_planner",
    "bind_prices",
    "bind_prompts",
    "bind_sources",
    "close",
    "planner_names",
]

GROUP: Final = "rag.planners"


def bind_sources(sources: Iterable[Source]) -> dict[str, Source]:
    """The sources by name, in their order.

    Raises:
        ConfigError: one is no source, or two share a name.
    """
    found: dict[str, Source] = {}
    for source in sources:
        if not isinstance(source, Source):
            raise ConfigError(
                f"{source!r:.80} is not a source; make one with rag.source(name, function), rag.sql or index.source"
            )
        if source.card.name in found:
            raise ConfigError(f"two sources are called {source.card.name!r}; give each its own name")
        found[source.card.name] = source
    return found


def bind_model(model: Model | None) -> Model | None:
    """The model, if there is one.

    Raises:
        ConfigError: it is none.
    """
    if model is not None and not isinstance(model, Model):
        raise ConfigError(f"{model!r:.80} is not a model; make one with rag.model(name)")
    return model


def bind_planner(planner: str | Planner, rounds: int) -> Planner:
    """The planner, found by its name where it is one, and put into a loop where there are several rounds.

    A planner with an attribute `rounds` is a loop itself: one that is named is made for so many rounds, and
    one that is given keeps its own.

    Raises:
        ConfigError: there is no such planner, it cannot be loaded, or it is none.
    """
    if rounds < 1:
        raise ConfigError(f"rounds={rounds} cannot be; give 1 or more")
    found = _load(planner)() if isinstance(planner, str) else planner
    if not isinstance(found, Planner):
        raise ConfigError(f"{planner!r:.80} is not a planner: it has no method `plan`")
    if hasattr(found, "rounds"):
        found = _load(planner)(rounds=rounds) if isinstance(planner, str) else found
    elif rounds > 1:
        found = _load("evidence_loop")(found, rounds=rounds)
    return found


def bind_prompts(folder: Path | str | None, settings: Settings | None) -> Path | None:
    """The folder of the user's own prompts: the one given, else the one that the settings name.

    Raises:
        ConfigError: there is no such folder, or the environment holds a setting that cannot work.
    """
    from rag.settings import Settings

    found = Path(folder) if folder else (settings or Settings.load()).prompts
    if found is not None and not found.is_dir():
        raise ConfigError(f"there is no folder {str(found)!r} with prompts; make it, or leave prompts= out")
    return found


def bind_prices(settings: Settings | None) -> Prices:
    """The prices of the file that the settings name, before those that ship.

    Raises:
        ConfigError: the file cannot be read or is no table of prices.
    """
    from rag.settings import Settings

    return Prices.load((settings or Settings.load()).prices)


def planner_names() -> tuple[str, ...]:
    """The names of the planners that are installed, in order."""
    return tuple(sorted({entry.name for entry in entry_points(group=GROUP)}))


async def close(part: object) -> None:
    """Close a part of an assistant, where it has `aclose` or `close`."""
    if hasattr(part, "aclose"):
        await part.aclose()
    elif hasattr(part, "close"):
        await anyio.to_thread.run_sync(part.close)


def _load(name: str) -> Any:
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
