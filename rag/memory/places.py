"""Which session each turn lies in."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from datetime import UTC, datetime

from rag.memory.sessions import Session
from rag.memory.store.values import Kept

__all__ = ["Places"]


class Places:
    """The sessions of some conversations, as the places of their turns."""

    def __init__(self, sessions: Iterable[Session]) -> None:
        self._named: dict[tuple[str, str], int] = {}
        self._silent: dict[str, tuple[list[datetime], list[int]]] = {}
        for session in sessions:
            if session.name is not None:
                self._named[session.conversation, session.name] = session.number
            else:
                starts, numbers = self._silent.setdefault(session.conversation, ([], []))
                starts.append(session.start)
                numbers.append(session.number)

    def number(self, row: Kept) -> int:
        """The number of the session that a turn lies in; 0 when it came after the sessions were counted."""
        if row.turn.session is not None:
            return self._named.get((row.conversation, row.turn.session), 0)
        starts, numbers = self._silent.get(row.conversation, ([], []))
        place = bisect_right(starts, row.turn.at or datetime.now(UTC))
        return numbers[place - 1] if place else 0
