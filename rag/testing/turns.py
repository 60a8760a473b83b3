"""Turns that the contracts of memory add, and look for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from rag.memory.store import Store, Wanted
from rag.types import Scope, Turn

__all__ = ["MINUTE", "NOON", "VECTOR", "expect", "ids", "turn"]

NOON: Final = datetime(2026, 5, 3, 12, tzinfo=UTC)
"""When they begin."""

MINUTE: Final = timedelta(minutes=1)
"""What parts them."""

VECTOR: Final = b"\0\0\x80?"
"""A vector of one number, which is 1."""


def turn(number: int, text: str = "hi", *, at: datetime = NOON, **more: Any) -> Turn:
    """A turn that has its number for an id.

    Example:
        >>> turn(7).turn_id
        '7'
    """
    return Turn(turn_id=str(number), text=text, at=at, **more)


def ids(store: Store, scope: Scope, **wanted: Any) -> list[str]:
    """The ids of the turns that are wanted, in the order that the store finds them in."""
    return [kept.turn.turn_id for kept in store.find(Wanted(scope, **wanted))]


def expect(kept: bool, otherwise: str) -> None:
    """Hold a store to its contract.

    Raises:
        AssertionError: it is not kept; the message says what is otherwise.
    """
    if not kept:
        raise AssertionError(otherwise)
