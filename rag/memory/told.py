"""Turns told to people: when they were said, and by whom."""

from __future__ import annotations

from rag.memory.when import described
from rag.shown import on_a_line
from rag.types import Turn

__all__ = ["day", "line", "said"]


def day(turn: Turn) -> str:
    """The day that a turn was said on, where it was said; "" when it has no time.

    Example:
        >>> from datetime import UTC, datetime
        >>> day(Turn(text="Hello", at=datetime(2026, 5, 5, 10, 12, tzinfo=UTC)))
        'Tuesday, 5 May 2026'
    """
    return "" if turn.at is None else described.day(turn.at)


def said(turn: Turn) -> str:
    """Who said a turn, and when: what stands above it where it is cited.

    Example:
        >>> from datetime import UTC, datetime
        >>> said(Turn(text="Hello", speaker="Ann", at=datetime(2026, 5, 5, 10, 12, tzinfo=UTC)))
        'Ann, Tuesday, 5 May 2026, 10:12'
    """
    who = turn.speaker or turn.role or ""
    when = f"{day(turn)}, {turn.at:%H:%M}" if turn.at else ""
    return ", ".join(filter(None, (who, when)))


def line(turn: Turn) -> str:
    """A turn in one line."""
    return on_a_line(f"{said(turn)}: {turn.text}")
