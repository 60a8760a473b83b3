"""What may come into a memory: checked at the door, since a turn that was kept cannot be changed later."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

from rag.errors import InputError
from rag.memory.zones import is_zone
from rag.types import Turn

__all__ = ["checked_ids", "checked_lifetime", "checked_name", "checked_turns", "whole"]


def checked_name(conversation: Any) -> str:
    """A conversation's name as plain text, without the class that it may have come with.

    Example:
        >>> checked_name("c1")
        'c1'

    Raises:
        InputError: it is no text: one store would keep another name than was given, and another none.
    """
    if not isinstance(conversation, str):
        raise InputError(f"a conversation's name is text, not {conversation!r}: write it as {str(conversation)!r}")
    return str.__str__(conversation)


def checked_turns(turns: Any) -> tuple[Turn, ...]:
    """The turns that were given.

    Raises:
        InputError: they are no turns, or a single one.
    """
    if isinstance(turns, Turn):
        raise InputError("one turn was given where several may be: write [turn]")
    given = tuple(turns) if isinstance(turns, Iterable) else (turns,)
    for turn in given:
        if not isinstance(turn, Turn):
            raise InputError(f"{type(turn).__name__} is no turn: write Turn(text=…)")
    return given


def whole(turns: Any) -> tuple[Turn, ...]:
    """The turns, each with an id and a time: its own, or else a new one and the present.

    Raises:
        InputError: they are no turns, or one was said in a zone that is not known here.
    """
    now = datetime.now(UTC)
    for turn in (given := checked_turns(turns)):
        if not is_zone(turn.zone):
            raise InputError(f"{turn.zone!r} is no time zone that is known here: write one such as Europe/Berlin")
    return tuple(
        turn.model_copy(update={"turn_id": turn.turn_id or uuid4().hex, "at": turn.at or now}) for turn in given
    )


def checked_ids(turns: Any) -> tuple[str, ...]:
    """The ids of turns.

    Raises:
        InputError: it is one text, of which each letter would be taken for an id.
    """
    if isinstance(turns, str):
        raise InputError(f"turns={turns!r} is one text: write [{turns!r}] for the turn of that id")
    return tuple(turns)


def checked_lifetime(lasts: Any) -> timedelta | None:
    """A time to live, or None for ever.

    Raises:
        InputError: it is no length of time, or not above zero.
    """
    if lasts is not None and not (isinstance(lasts, timedelta) and lasts > timedelta()):
        raise InputError(f"turns cannot live for {lasts!r}: pass a timedelta above zero, or None to keep them for ever")
    return lasts
