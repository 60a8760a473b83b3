"""Recall: from a question to the turns that it asks for.

Time words filter; they never merely re-rank. What is left of the question is then searched for among the
turns of that time alone.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from rag.errors import InputError, RagError
from rag.memory.places import Places, beside
from rag.memory.rank import near_best, scored
from rag.memory.recalled import Recall
from rag.memory.sessions import GAP, Session, numbered
from rag.memory.store.values import Kept, Wanted
from rag.memory.told import said
from rag.memory.when.asked import read
from rag.memory.when.calendar import DAY, Calendar
from rag.memory.when.reading import Reading
from rag.memory.when.window import Window
from rag.memory.zones import here, zone_name, zone_of
from rag.types import Hit, Passage, Scope, Turn

if TYPE_CHECKING:
    import numpy as np

    from rag.memory.store.seam import MemoryStore
    from rag.protocols import Embedder

    Floats = np.ndarray[Any, np.dtype[Any]]

__all__ = ["Asked", "Recaller"]

_MOST_TURNS: Final = 20_000  # that one question is compared with; of more, the latest
_EMBEDDED: Final = 256  # turns without a vector that one question has embedded: a second or two
_AS_GOOD: Final = 0.9  # of the best score: talk that is as much about a topic as the best
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Asked:
    """A question to a memory, and what bounds the answer.

    `conversation` is None for all of the scope's. `now` is what "yesterday" counts from; the context's turns
    stand before the question, the oldest first. `current_session`, a name or number, is not counted.
    `neighbours` turns before and after each hit come with it. `within` is the conversation that the question
    itself belongs to: a session of it that still goes on is current.
    """

    question: str
    conversation: str | None = None
    now: datetime | None = None
    context: Sequence[Turn] = ()
    k: int = 10
    scope: Scope = field(default_factory=Scope)
    current_session: str | int | None = None
    neighbours: int = 0
    within: str | None = None

    def __post_init__(self) -> None:
        if self.k < 1 or self.neighbours < 0:
            raise InputError(
                f"k={self.k}, neighbours={self.neighbours}: ask for 1 turn or more, and 0 neighbours or more"
            )
        if self.now is not None and self.now.utcoffset() is None:
            raise InputError(
                f"now={self.now} has no zone: say which, as in datetime(…, tzinfo=ZoneInfo('Europe/Berlin'))"
            )


@dataclass(frozen=True, slots=True)
class Who:
    """Whose words a question is about: a speaker, a role, or a name that nobody has."""

    speaker: str | None
    role: str | None
    unknown: str | None = None

    def says(self, row: Kept) -> bool:
        """Whether a turn is theirs."""
        by_speaker = self.speaker is None or row.turn.speaker.casefold() == self.speaker.casefold()
        return by_speaker and (self.role is None or row.turn.role == self.role)

    def silence(self, rows: Sequence[Kept]) -> list[str]:
        """What is to be said where nothing of theirs is among some turns."""
        if self.unknown:
            return [f"nobody is called {self.unknown!r} here: what everybody said was searched"]
        if not rows or any(map(self.says, rows)):
            return []
        return [f"{self.speaker or f'the {self.role}'} said nothing at that time"]


@dataclass(frozen=True, slots=True)
class Recaller:
    """Recalls turns of a store; `gap` parts sessions, and `calendar` is that of `now`'s zone when not given."""

    store: MemoryStore
    gap: timedelta = GAP
    calendar: Calendar | None = None
    embedder: Embedder | None = None

    def recall(self, asked: Asked) -> Recall:
        """The turns that a question asks for.

        Raises:
            StoreError: the memory could not be read.
        """
        return self.answer(asked, *self.reading(asked))

    def reading(self, asked: Asked) -> tuple[Reading, tuple[Session, ...]]:
        """What the question asks for, and the sessions that it was read by.

        Raises:
            StoreError: the memory could not be read.
        """
        sessions = self.sessions(asked)
        now = asked.now or _here(sessions)
        current = self._current(asked, sessions, now)
        reading = read(
            asked.question,
            now=now,
            calendar=self.calendar or Calendar(zone=zone_name(now)),
            sessions=sessions,
            context=asked.context,
            current_session=current,
            find=lambda topic: self._last_said(topic, asked, sessions, current),
        )
        return reading, sessions

    def sessions(self, asked: Asked) -> tuple[Session, ...]:
        """The sessions that a question may mean: those of its conversation, or of all in one order.

        Raises:
            StoreError: the memory could not be read.
        """
        sessions = self.store.sessions(Wanted(asked.scope, asked.conversation), self.gap)
        return sessions if asked.conversation is not None else numbered(sessions)

    def rows(self, asked: Asked, window: Window | None, places: Places) -> tuple[list[Kept], list[str]]:
        """The turns that a question is compared with, in order of time, and what has to be said of which they are.

        Raises:
            StoreError: the memory could not be read.
        """
        start, end = window.bounds if window else (None, None)
        # One more than is searched tells whether there are more.
        wanted = Wanted(asked.scope, asked.conversation, start, end, last=None if window else _MOST_TURNS + 1)
        rows = self.store.find(wanted)
        if window:
            return [row for row in rows if window.holds(row.turn.at or datetime.now(UTC), places.number(row))], []
        if len(rows) <= _MOST_TURNS:
            return rows, []
        return rows[1:], [f"only the latest {_MOST_TURNS:,} turns were searched: name a time to reach earlier ones"]

    def answer(self, asked: Asked, reading: Reading, sessions: Sequence[Session]) -> Recall:
        """The turns that a question asks for that was read already.

        Raises:
            StoreError: the memory could not be read.
        """
        places = Places(sessions)
        rows, notes = self.rows(asked, reading.window, places)
        who = self._who(asked, reading, rows)
        notes += who.silence(rows)
        if reading.pure:
            chosen = [(row, 1.0) for row in rows if who.says(row)]
        else:
            chosen = self._ranked(asked, reading, rows, who=who, places=places, notes=notes)
        return self._told(asked, reading, chosen, rows, notes)

    def _who(self, asked: Asked, reading: Reading, rows: Sequence[Kept]) -> Who:
        """Whose words are meant, as far as the conversation knows them: roles need not be told, names may be parts."""
        role = reading.role if any(row.turn.role for row in rows) else None
        if not reading.speaker:
            return Who(None, role)
        known = self.store.speakers(Wanted(asked.scope, asked.conversation))
        called = reading.speaker.casefold()
        found = [name for name in known if called == name.casefold()]
        found = found or [name for name in known if called in name.casefold().split()]
        return Who(found[0] if found else None, role, unknown=None if found else reading.speaker)

    def _current(self, asked: Asked, sessions: Sequence[Session], now: datetime) -> str | int | None:
        ours = [session for session in sessions if session.conversation == asked.within]
        if asked.current_session is not None:  # conversations may have sessions of one name
            named = (session.number for session in ours if session.name == asked.current_session)
            return next(named, asked.current_session)
        last = max(ours, key=lambda session: session.end, default=None)
        return last.number if last and now - last.end <= self.gap else None

    def _ranked(
        self, asked: Asked, reading: Reading, rows: Sequence[Kept], *, who: Who, places: Places, notes: list[str]
    ) -> list[tuple[Kept, float]]:
        """The rows that meet the content, best first, with their scores."""
        # Without a window all words tell, also those of times that are not about the conversation.
        content = (reading.window and reading.content) or reading.question
        scores = scored(content, rows, [places.number(row) for row in rows], self._cosines(asked, content, rows, notes))
        order = [n for n in (-scores.whole).argsort(kind="stable").tolist() if who.says(rows[n])][: asked.k]
        if reading.window:
            order = near_best(order, lambda n: float(scores.own[n]))
        return [(rows[n], float(scores.whole[n])) for n in order if scores.whole[n] > 0]

    def _cosines(
        self, asked: Asked, content: str, rows: Sequence[Kept], notes: list[str]
    ) -> Callable[[Floats], Floats | None]:
        """What tells nearness in meaning; where it cannot be told, a note says so."""

        def told(words: Floats) -> Floats | None:
            try:
                return self._near(asked, content, rows, words)
            except RagError as error:
                _log.warning("turns are compared by words alone: %s", error)
                notes.append(f"turns were compared by words alone: {error}")
                return None

        return told if rows else lambda _: None

    def _near(self, asked: Asked, content: str, rows: Sequence[Kept], words: Floats) -> Floats | None:
        from rag.memory.meaning import Meaning

        order = [rows[n] for n in (-words).argsort(kind="stable").tolist()]
        meaning = Meaning(self.store, self.embedder, asked.scope)
        meaning.embed(order, most=_EMBEDDED)
        return meaning.cosines(content, rows)

    def _told(
        self,
        asked: Asked,
        reading: Reading,
        chosen: Sequence[tuple[Kept, float]],
        rows: Sequence[Kept],
        notes: list[str],
    ) -> Recall:
        hits = tuple(_hit(row, score, rank) for rank, (row, score) in enumerate(chosen))
        found = [row for row, _ in chosen]
        if asked.neighbours and reading.window and found:
            rows = self._around(asked, found)
        kept = beside(found, rows, asked.neighbours)
        return Recall.model_construct(
            turns=tuple(row.turn for row in kept), window=reading.window, notes=(*reading.notes, *notes), hits=hits
        )

    def _around(self, asked: Asked, found: Sequence[Kept]) -> list[Kept]:
        """The turns of the days about those found: what was answered just after midnight lies outside of the window."""
        at = [row.turn.at for row in found if row.turn.at is not None]
        return self.store.find(Wanted(asked.scope, asked.conversation, min(at) - DAY, max(at) + DAY))

    def _last_said(
        self, topic: str, asked: Asked, sessions: Sequence[Session], current: str | int | None
    ) -> datetime | None:
        """When a topic was last spoken of, for "the day before we talked about X"; None when it never was.

        The session under way is left out: the question itself speaks of the topic in it.
        """
        places = Places(sessions)
        rows, _ = self.rows(asked, None, places)
        rows = [row for row in rows if current is None or current not in (places.number(row), row.turn.session)]
        scores = scored(topic, rows, [places.number(row) for row in rows]).own
        best = max(scores, default=0.0)
        # Of several talks about it the latest is meant, as "last Friday" is the latest of all Fridays.
        near = [row.turn.at for row, score in zip(rows, scores, strict=True) if score >= _AS_GOOD * best > 0]
        return near[-1] if near else None


def _here(sessions: Sequence[Session]) -> datetime:
    """The present, in the zone of what was said last."""
    last = max(sessions, key=lambda session: session.end, default=None)
    return datetime.now(zone_of(last.zone)) if last else here()


def _hit(row: Kept, score: float, rank: int) -> Hit:
    turn = row.turn
    passage = Passage.model_construct(
        doc_id=row.conversation,
        chunk_id=row.reference,
        title=said(turn),
        text=turn.text,
        source="",
        span=None,
        metadata=turn.metadata | {"conversation": row.conversation, "turn_id": turn.turn_id},
    )
    return Hit.model_construct(passage=passage, score=score, rank=rank)
