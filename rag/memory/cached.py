"""A store whose turns are kept in memory once a question has read them, and followed as they change.

A question over all of a user's conversations would otherwise read all that the user ever said: nearly half a second
for 20,000 turns. Turns never change and their numbers are never given twice, so that how many there are, the latest
number and the sum of the numbers (`Talks.tally`) tell whether what is held is what the store has, whoever wrote it.
That is asked each time. What came since is added; where anything went, or came into view, all is read anew.
"""

from __future__ import annotations

import threading
from bisect import bisect_left, insort
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from rag.memory.followed import Sessions
from rag.memory.sessions import Session
from rag.memory.store.values import Kept, Tally, Wanted
from rag.types import Scope

if TYPE_CHECKING:
    from rag.memory.store.seam import MemoryStore

__all__ = ["CachedStore"]

_MOST: Final = 25_000  # turns of one user that are held, the latest; some 4 KB each, with a vector of 384 numbers
_MOST_OF_ALL: Final = 2 * _MOST
_MOST_USERS: Final = 1000
_MOST_TALKS: Final = 1000  # of one user, whose sessions are held


@dataclass(slots=True)
class _Turns:
    """The latest turns, in order of time."""

    tally: Tally
    rows: list[Kept]

    @property
    def whole(self) -> bool:
        return self.tally.count <= _MOST

    def follow(self, new: Iterable[Kept], tally: Tally) -> None:
        rows = self.rows.copy()  # others may be reading the old ones
        for row in new:
            insort(rows, row, key=_order)
        self.tally, self.rows = tally, rows[-_MOST:]

    def find(self, wanted: Wanted) -> list[Kept] | None:
        """The turns wanted, by bounds or as the last ones; None where earlier ones are wanted than are held."""
        rows = self.rows
        if wanted.last is not None:
            return rows[-wanted.last :] if self.whole or wanted.last <= _MOST else None
        if not self.whole and (wanted.start is None or wanted.start <= _said(rows[0])):
            return None
        first = 0 if wanted.start is None else bisect_left(rows, wanted.start, key=_said)
        last = len(rows) if wanted.end is None else bisect_left(rows, wanted.end, key=_said)
        return rows[first:last]


@dataclass(slots=True)
class _Held:
    """What is held of a user, each part from when it was first asked for."""

    turns: dict[str | None, _Turns] = field(default_factory=dict)
    sessions: dict[tuple[str | None, timedelta], Sessions] = field(default_factory=dict)
    vectors: dict[str, dict[int, bytes]] = field(default_factory=dict)
    size: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def keep(self, conversation: str | None, turns: _Turns) -> None:
        """Hold the turns as those that were asked for last, and let go of others where they are too many."""
        self.turns.pop(conversation, None)
        self.turns[conversation] = turns
        size = sum(len(each.rows) for each in self.turns.values())
        while size > _MOST_OF_ALL:
            size -= len(self.turns.pop(next(iter(self.turns))).rows)
            self.vectors.clear()
        self.size = size
        if len(self.sessions) > _MOST_TALKS:
            self.sessions.clear()


class CachedStore:
    """Answers what recall asks time and again from memory; all else is done by the store itself.

    What was said up to a moment (`as_of`) is read from the store. Threads may share it.
    """

    def __init__(self, store: MemoryStore) -> None:
        self._store = store
        self._users: OrderedDict[tuple[str | None, str | None], _Held] = OrderedDict()
        self._lock = threading.Lock()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def clear(self) -> None:
        """Let go of all that is held."""
        with self._lock:
            self._users.clear()

    def find(self, wanted: Wanted) -> list[Kept]:
        """As `Store.find`."""
        of, held = Wanted(wanted.scope, wanted.conversation), self._held(wanted.scope)
        bounded = wanted.start is not None or wanted.end is not None
        # A window alone is read by the store, which reads no more than that.
        unread = bounded and of.conversation not in held.turns
        if unread or not _is_plain(wanted, of) or (bounded and wanted.last is not None) or wanted.last == 0:
            return self._store.find(wanted)
        with held.lock:
            found = self._turns(held, of).find(wanted)
        return self._store.find(wanted) if found is None else found

    def sessions(self, wanted: Wanted, gap: timedelta) -> tuple[Session, ...]:
        """As `Talks.sessions`."""
        of, held = Wanted(wanted.scope, wanted.conversation), self._held(wanted.scope)
        if wanted != of or of.scope.as_of is not None:
            return self._store.sessions(wanted, gap)
        with held.lock:
            tally, known = self._store.tally(of), held.sessions.get((of.conversation, gap))
            new = None if known is None else self._new(of, known.tally, tally)
            if known is None or new is None:
                known = held.sessions[of.conversation, gap] = Sessions.read(self._store, of, gap, tally)
            else:
                known.follow(new, tally, self._store)
            sessions = known.all()
            if sum(session.turns for session in sessions) != tally.count:  # others wrote between the two looks
                del held.sessions[of.conversation, gap]
            return sessions

    def speakers(self, wanted: Wanted) -> tuple[str, ...]:
        """As `Talks.speakers`."""
        of, held = Wanted(wanted.scope, wanted.conversation), self._held(wanted.scope)
        if wanted == of and of.scope.as_of is None and of.conversation in held.turns:
            with held.lock:
                turns = self._turns(held, of)
            if turns.whole:
                return tuple(sorted({row.turn.speaker for row in turns.rows}))
        return self._store.speakers(wanted)

    def vectors(self, numbers: Sequence[int], embedder: str, scope: Scope) -> dict[int, bytes]:
        """As `Vectors.vectors`, for turns that were found just now."""
        held = self._held(scope)
        if not held.turns:
            return self._store.vectors(numbers, embedder, scope)
        with held.lock:
            known = held.vectors.setdefault(embedder, {})
            if missing := [number for number in numbers if number not in known]:
                if len(known) + len(missing) > _MOST_OF_ALL:
                    known.clear()
                    missing = list(numbers)
                known |= self._store.vectors(missing, embedder, scope)
            return {number: known[number] for number in numbers if number in known}

    def _held(self, scope: Scope) -> _Held:
        with self._lock:
            held = self._users.setdefault((scope.tenant, scope.user), _Held())
            self._users.move_to_end((scope.tenant, scope.user))
            size = sum(held.size for held in self._users.values())
            while len(self._users) > 1 and (size > _MOST_OF_ALL or len(self._users) > _MOST_USERS):
                size -= self._users.popitem(last=False)[1].size
            return held

    def _turns(self, held: _Held, of: Wanted) -> _Turns:
        tally, turns = self._store.tally(of), held.turns.get(of.conversation)
        new = None if turns is None else self._new(of, turns.tally, tally)
        if turns is None or new is None:
            held.vectors.clear()  # of turns that may be gone
            rows = self._store.find(replace(of, last=_MOST))
            turns = _Turns(tally, [row for row in rows if row.number <= tally.latest])
        else:
            turns.follow(new, tally)
        held.keep(of.conversation, turns)
        return turns

    def _new(self, of: Wanted, known: Tally, tally: Tally) -> Sequence[Kept] | None:
        """The turns that came since, or None where others went meanwhile."""
        if tally == known:
            return ()
        found = self._store.find(replace(of, after=known.latest, order="arrival"))
        new = [row for row in found if row.number <= tally.latest]
        due = Tally(known.count + len(new), tally.latest, known.total + sum(row.number for row in new))
        return new if tally == due else None


def _is_plain(wanted: Wanted, of: Wanted) -> bool:
    """Whether nothing but a time and a number of turns is asked for."""
    return of.scope.as_of is None and replace(wanted, start=None, end=None, last=None) == of


def _order(row: Kept) -> tuple[datetime, int]:
    return _said(row), row.number


def _said(row: Kept) -> datetime:
    if row.turn.at is None:
        raise TypeError("a turn that is kept has a time")
    return row.turn.at
