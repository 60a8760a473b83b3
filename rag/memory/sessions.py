"""Sessions: the stretches of talk that a conversation falls into, numbered from its first turn."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from rag.types import Turn

__all__ = ["GAP", "Session", "grouped", "numbered", "split"]

GAP: Final = timedelta(minutes=20)


@dataclass(frozen=True, slots=True)
class Session:
    """One stretch of talk; `number` counts from 1 in order of first turns, `start` and `end` are its first and last.

    `name` is the name that its turns gave it, or None when a silence set it apart; `zone` is where it began.
    """

    number: int
    name: str | None
    conversation: str
    start: datetime
    end: datetime
    zone: str
    turns: int


def split(turns: Iterable[Turn], gap: timedelta = GAP, *, conversation: str = "") -> tuple[Session, ...]:
    """The sessions of one conversation's turns, which may come in any order.

    Turns that name a session belong to it however long they paused; the others part where nobody spoke
    for longer than `gap`. A turn without a time is in no session.

    Example:
        >>> from datetime import UTC
        >>> at = datetime(2026, 5, 5, 9, tzinfo=UTC)
        >>> turns = [Turn(text="Hello", at=at), Turn(text="Me again", at=at + timedelta(hours=1))]
        >>> [session.number for session in split(turns)]
        [1, 2]
    """
    return tuple(session for session, _ in grouped(turns, gap, conversation=conversation))


def grouped(
    turns: Iterable[Turn], gap: timedelta = GAP, *, conversation: str = ""
) -> tuple[tuple[Session, tuple[Turn, ...]], ...]:
    """Each session of a conversation with its turns, both in order of time."""
    groups: list[list[tuple[datetime, Turn]]] = []
    named: dict[str, list[tuple[datetime, Turn]]] = {}
    silent: list[tuple[datetime, Turn]] = []
    for at, turn in sorted(((turn.at, turn) for turn in turns if turn.at is not None), key=lambda pair: pair[0]):
        if turn.session is not None:
            group = named.setdefault(turn.session, [])
        else:
            if silent and at - silent[-1][0] > gap:
                silent = []
            group = silent
        if not group:
            groups.append(group)
        group.append((at, turn))
    return tuple(
        (_session(n, group, conversation), tuple(turn for _, turn in group)) for n, group in enumerate(groups, 1)
    )


def numbered(sessions: Iterable[Session]) -> tuple[Session, ...]:
    """Sessions of several conversations in one order, numbered anew: what "the third session" counts across threads."""
    ordered = sorted(sessions, key=lambda session: (session.start, session.conversation, session.number))
    return tuple(
        Session(number, each.name, each.conversation, each.start, each.end, each.zone, each.turns)
        for number, each in enumerate(ordered, 1)
    )


def _session(number: int, group: list[tuple[datetime, Turn]], conversation: str) -> Session:
    (start, first), (end, _) = group[0], group[-1]
    return Session(number, first.session, conversation, start, end, first.zone, len(group))
