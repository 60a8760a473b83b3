"""How much work a question is worth, as one word that stands for several settings."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final, Literal, TypeAlias, get_args

from rag.errors import ConfigError
from rag.protocols import Planner

__all__ = ["EFFORTS", "Effort", "EffortName", "effort_of", "table"]

EffortName: TypeAlias = Literal["none", "low", "medium", "high"]


@dataclass(frozen=True, slots=True)
class Effort:
    """The planner with a model and without one, the rounds, and how often a part that failed is replanned."""

    planner: str | Planner
    without_model: str | Planner
    rounds: int = 1
    replans: int = 0


EFFORTS: Final = MappingProxyType(
    {
        "none": Effort("direct", "direct"),
        "low": Effort("rules", "rules"),
        "medium": Effort("reaper", "rules"),
        "high": Effort("reaper", "rules", rounds=2, replans=1),
    }
)
"""From no planning at all, where every source is asked the question as it stands, to two rounds and a second try."""


def effort_of(
    name: str,
    *,
    model: bool,
    planner: str | Planner | None = None,
    rounds: int | None = None,
    replans: int | None = None,
) -> Effort:
    """What the word stands for, with a model or without one, where nothing else is said piece by piece.

    Raises:
        ConfigError: there is no such word, or `replans` is less than 0.

    Example:
        >>> effort_of("high", model=False, rounds=1)
        Effort(planner='rules', without_model='rules', rounds=1, replans=1)
    """
    if name not in EFFORTS:
        raise ConfigError(f"effort={name!r} cannot be; give one of {', '.join(get_args(EffortName))}")
    if replans is not None and replans < 0:
        raise ConfigError(f"replans={replans} cannot be; give 0 or more")
    effort = EFFORTS[name]
    return replace(
        effort,
        planner=planner or (effort.planner if model else effort.without_model),
        rounds=effort.rounds if rounds is None else rounds,
        replans=effort.replans if replans is None else replans,
    )


def table() -> str:
    """The words and what they stand for, a line each.

    Example:
        >>> print(table().splitlines()[2])
        medium  planner reaper (rules without a model), 1 round, no replanning
    """
    return "\n".join(f"{name:<7} {_told(effort)}" for name, effort in EFFORTS.items())


def _told(effort: Effort) -> str:
    other = f" ({effort.without_model} without a model)" if effort.without_model != effort.planner else ""
    rounds = f"{effort.rounds} round{'s' if effort.rounds > 1 else ''}"
    replans = "what failed is planned anew once" if effort.replans else "no replanning"
    return f"planner {effort.planner}{other}, {rounds}, {replans}"
