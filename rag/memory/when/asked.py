"""Questions of time: the one call that turns a question into what it asks of a memory."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache

from rag.memory.sessions import Session
from rag.memory.when.calendar import Calendar
from rag.memory.when.frame import Finder, Frame
from rag.memory.when.grammar import grammar
from rag.memory.when.reading import Reading
from rag.types import Turn

__all__ = ["read"]


def read(
    question: str,
    *,
    now: datetime,
    calendar: Calendar | None = None,
    sessions: Sequence[Session] = (),
    context: Sequence[Turn] = (),
    current_session: str | int | None = None,
    find: Finder | None = None,
    language: str = "en",
) -> Reading:
    """What a question asks of a memory: its window, and what is left of it.

    The session that is named as current is not counted: "last session" is the one before it. Without it, `now`
    lies in the latest session, and that counts. `find` tells when something was said, for questions such as
    "the day before we talked about the garden". `context` is the turns before the question, the oldest first.

    Raises:
        ConfigError: there is no grammar of that language.

    Example:
        >>> from datetime import UTC
        >>> str(read("What did we discuss on 5 May?", now=datetime(2026, 5, 7, tzinfo=UTC)).window)
        'Tuesday, 5 May 2026'
    """
    from rag.memory.context import in_context

    civil = calendar or Calendar()

    @lru_cache
    def frame(at: datetime | None) -> Frame:
        return Frame(now if at is None else min(at, now), civil, sessions, current_session, find)

    return in_context(question, context, frame, grammar(language))
