"""JSON Lines: one turn a line, with its conversation, and nothing lost."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from itertools import groupby, islice
from typing import TYPE_CHECKING, Final, TypeAlias

from pydantic import ValidationError

from rag.errors import InputError
from rag.memory.admitted import checked_name
from rag.memory.store.values import Wanted
from rag.types import Scope, Turn

if TYPE_CHECKING:
    from rag.memory import Memory

__all__ = ["Said", "exported", "imported", "turns_of"]

Said: TypeAlias = tuple[str, Turn]
"""A turn, after the name of its conversation."""

_CONVERSATION: Final = "conversation"
_AT_ONCE: Final = 1000  # turns of one transaction


def exported(memory: Memory, conversation: str | None = None, *, scope: Scope | None = None) -> Iterator[str]:
    """The scope's turns, a line of JSON each, in order of arrival: all that `imported` needs to make them anew.

    Tenant and user are not in it: whoever imports says whose turns they are.

    Raises:
        StoreError: the memory could not be read.
    """
    for kept in memory.store.find(Wanted(scope or Scope(), conversation, order="arrival")):
        told = {_CONVERSATION: kept.conversation} | kept.turn.model_dump(mode="json")
        # ASCII, since a text may have half of a surrogate pair, which no encoding takes.
        yield json.dumps(told)


def turns_of(lines: Iterable[str]) -> Iterator[Said]:
    r"""The turns of lines that `exported` wrote; empty lines are passed over.

    Example:
        >>> list(turns_of(['{"conversation": "c1", "turn_id": "1", "text": "Hello"}']))[0][1].text
        'Hello'

    Raises:
        InputError: a line is no turn; the message tells its number.
    """
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            told = json.loads(line)
            conversation = checked_name(told.pop(_CONVERSATION))
            turn = Turn.model_validate(told)
        except (ValueError, ValidationError, InputError, KeyError, AttributeError, TypeError) as error:
            raise InputError(
                f"line {number} is no turn of an export: {type(error).__name__}; each line is a JSON object with"
                " conversation, turn_id, text and at"
            ) from error
        yield conversation, turn


def imported(memory: Memory, said: Iterable[Said], *, scope: Scope | None = None) -> int:
    """Add turns to a memory, and tell how many they are; those that are there already are left as they are.

    Turns are kept a thousand at a time, so that what was added before an error stays; to import again is safe.

    Raises:
        TurnConflict: a turn of the same id is there with another text.
        StoreError: the turns could not be written.
    """
    count = 0
    for conversation, group in groupby(said, key=lambda pair: pair[0]):
        while turns := [turn for _, turn in islice(group, _AT_ONCE)]:
            memory.add(conversation, turns, scope=scope)
            count += len(turns)
    return count
