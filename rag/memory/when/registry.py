"""The meanings that a grammar's rules name: functions of what a form's parts came to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

__all__ = ["MEANINGS", "meaning"]

MEANINGS: Final[dict[str, Callable[..., Any]]] = {}
_Meaning = TypeVar("_Meaning", bound=Callable[..., Any])


def meaning(function: _Meaning) -> _Meaning:
    """Make a function the meaning of its name; it gives None for a form that means nothing after all."""
    MEANINGS[function.__name__.lstrip("_")] = function
    return function
