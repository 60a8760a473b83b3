"""The time words of any text, whether or not it speaks of a conversation."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from rag.memory.when.calendar import Calendar
from rag.memory.when.frame import Frame
from rag.memory.when.grammar import grammar
from rag.memory.when.reading import found
from rag.memory.when.settled import settled
from rag.memory.when.tokens import tokenised
from rag.memory.when.window import Window

__all__ = ["Expressed", "expressions"]


@dataclass(frozen=True, slots=True)
class Expressed:
    """Time words: `phrase` stands in the text from `start` to `end` (in characters) and means `window`."""

    phrase: str
    start: int
    end: int
    window: Window


def expressions(
    text: str, now: datetime, calendar: Calendar | None = None, *, language: str = "en"
) -> tuple[Expressed, ...]:
    """The time words of a text from left to right, each read as of the past where it leaves a choice.

    What is yet to come, and what counts sessions, is left out.

    Raises:
        ConfigError: there is no grammar of that language.

    Example:
        >>> from datetime import UTC
        >>> for found in expressions("It rained last Friday.", datetime(2026, 5, 7, tzinfo=UTC)):
        ...     found.phrase, str(found.window)
        ('last Friday', 'Friday, 1 May 2026')
    """
    civil, words = calendar or Calendar(), grammar(language)
    frame, tokens = Frame(now, civil), tokenised(text, civil.names)
    named = []
    for time in found(words, tokens):
        start, end = tokens[time.start].start, tokens[time.end - 1].end
        window = settled(time.expression, frame, text[start:end])
        if window is not None and window.parts and not time.expression.of_sessions:
            named.append(Expressed(text[start:end], start, end, window))
    return tuple(named)
