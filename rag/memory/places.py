"""Where turns stand: the session that each lies in, and what was said beside it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from rag.memory.sessions import Session
from rag.memory.store.values import Kept

__all__ = ["Places", "beside"]


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


def beside(chosen: Sequence[Kept], rows: Sequence[Kept], count: int) -> list[Kept]:
    """The chosen turns, each between those said just before and after it in its conversation, nothing twice."""
    if not count:
        return list(chosen)
    by_conversation: dict[str, list[Kept]] = {}
    for row in rows:
        by_conversation.setdefault(row.conversation, []).append(row)
    found: dict[int, Kept] = {}
    for row in chosen:
        talk = by_conversation[row.conversation]
        at = next(n for n, other in enumerate(talk) if other.number == row.number)
        found |= {near.number: near for near in talk[max(0, at - count) : at + count + 1] if near.number not in found}
    return list(found.values())
