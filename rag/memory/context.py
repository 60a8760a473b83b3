"""Questions made to stand by themselves: what they leave out is taken from the turns before them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from rag.memory.sessions import Session
from rag.memory.when.about import Bond
from rag.memory.when.calendar import Calendar
from rag.memory.when.frame import Finder, Frame
from rag.memory.when.grammar import grammar
from rag.memory.when.reading import Read, Reading, read_text
from rag.types import Turn

__all__ = ["read"]

# A question leans on what was said just before; a hundred turns back is another matter.
_REACH: Final = 20


def read(
    question: str,
    *,
    now: datetime,
    calendar: Calendar | None = None,
    sessions: Sequence[Session] = (),
    context: Sequence[Turn] = (),
    current_session: str | int | None = None,
    find: Finder | None = None,
) -> Reading:
    """What a question asks of a memory, with what the turns before it (the oldest first) add.

    The session that is named as current is not counted: "last session" is the one before it. Without it,
    `now` lies in the latest session, and that counts. `find` tells when something was said, for questions
    such as "the day before we talked about the garden".
    """
    calendar = calendar or Calendar()
    language = grammar()

    def frame(at: datetime) -> Frame:
        return Frame.of(at, calendar, sessions, current=current_session, find=find)

    asked = read_text(question, frame(now), language)
    earlier = _earlier(asked, context, now, frame, language)
    window = asked.window or (earlier.window if earlier else None)
    content = asked.content
    return Reading(
        window=window,
        content=content,
        pure=window is not None and not content,
        question=question,
        notes=window.notes if window else (),
    )


def _earlier(asked: Read, context: Sequence[Turn], now: datetime, frame, language) -> Read | None:
    if asked.window is not None:
        return None
    for turn in list(context)[: -_REACH - 1 : -1]:
        said = read_text(turn.text, frame(min(turn.at or now, now)), language)
        if said.window is not None and said.bond > Bond.BARE:
            return said
    return None
