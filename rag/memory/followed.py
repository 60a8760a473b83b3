"""The sessions of some conversations, carried on as turns come in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Self

from rag.memory.sessions import Session
from rag.memory.store.rows import civil
from rag.memory.store.seam import Talks
from rag.memory.store.values import Kept, Tally, Wanted

__all__ = ["Sessions"]


@dataclass(slots=True)
class Sessions:
    """What `Talks.sessions` gives for the turns wanted, without each of them being read again for each new one."""

    of: Wanted
    gap: timedelta
    tally: Tally
    by_conversation: dict[str, list[Session]]

    @classmethod
    def read(cls, store: Talks, of: Wanted, gap: timedelta, tally: Tally) -> Self:
        """Those of the turns that the store has."""
        made = cls(of, gap, tally, {})
        made._put(store.sessions(of, gap))
        return made

    def all(self) -> tuple[Session, ...]:
        """The sessions, by conversation and number."""
        return tuple(session for name in sorted(self.by_conversation) for session in self.by_conversation[name])

    def follow(self, new: Iterable[Kept], tally: Tally, store: Talks) -> None:
        """Take in turns that came since; a conversation where one came late is read anew."""
        late = {row.conversation for row in new if not self._taken(row)}
        for name in sorted(late):
            self.by_conversation.pop(name, None)
            self._put(store.sessions(replace(self.of, conversation=name), self.gap))
        self.tally = tally

    def _put(self, sessions: Iterable[Session]) -> None:
        for session in sessions:
            self.by_conversation.setdefault(session.conversation, []).append(session)

    def _taken(self, row: Kept) -> bool:
        """Whether the turn could be put into the sessions so far: it is none that comes before one of them begins."""
        turn, sessions = row.turn, self.by_conversation.setdefault(row.conversation, [])
        at = turn.at
        if at is None or (sessions and at < sessions[-1].start):
            return False
        place = next((n for n in reversed(range(len(sessions))) if sessions[n].name == turn.session), None)
        if place is None or (turn.session is None and at - sessions[place].end > self.gap):
            sessions.append(Session(len(sessions) + 1, turn.session, row.conversation, at, at, turn.zone, 1))
            return True
        its = sessions[place]
        end = max(its.end, civil(at, its.zone))
        sessions[place] = replace(its, end=end, turns=its.turns + 1)
        return True
