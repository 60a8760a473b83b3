"""Questions made to stand by themselves: what they leave out is taken from the turns before them.

A question may leave out its time ("can you sum that up?"), what it is about ("and on Tuesday?") or whose words
it asks for ("what did she say?"). Each is looked for in the turns before it, the nearest first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeAlias

from rag.memory.when.about import Bond
from rag.memory.when.calendar import Calendar
from rag.memory.when.frame import Frame
from rag.memory.when.grammar import Grammar, grammar
from rag.memory.when.reading import Read, Reading, leaning, read_text
from rag.types import Turn

__all__ = ["abstains", "in_context"]

_REACH: Final = 20
"""How many turns before it a question leans on at most."""

FrameAt: TypeAlias = Callable[[datetime | None], Frame]


@dataclass(frozen=True)
class _Context:
    """The turns before a question, read as they are needed, the nearest first."""

    turns: tuple[Turn, ...]
    frame: FrameAt
    language: Grammar

    def back(self) -> Iterator[tuple[Turn, Read]]:
        for turn in self.turns[: -_REACH - 1 : -1]:
            yield turn, read_text(turn.text, self.frame(turn.at), self.language)

    def timed(self) -> Read | None:
        """The nearest turn that speaks of a time of the conversation."""
        return next((read for _, read in self.back() if read.bond > Bond.BARE), None)

    def speaker(self) -> str | None:
        """The name of the one who was last spoken of, of those who speak or of whose words a turn asks."""
        names = {turn.speaker for turn in self.turns if turn.speaker}
        for _, read in self.back():
            named = [token.text for token in read.clause.tokens if token.text in names]
            if read.voice.speaker or named:
                return read.voice.speaker or named[-1]
        return None


def in_context(question: str, context: Sequence[Turn], frame: FrameAt, language: Grammar) -> Reading:
    """What a question asks of a memory, with what the turns before it (the oldest first) add.

    `frame` gives the frame of a turn's time, and of None for the question's own.
    """
    before = _Context(tuple(context), frame, language)
    asked = read_text(question, frame(None), language)
    if asked.bond > Bond.BARE and not asked.voice.leans:
        return _reading(asked, asked, asked.content, question)
    said = before.timed()
    if said is not None and said.time is not None and asked.bond <= Bond.BARE:
        asked = leaning(asked, said.time.expression, frame(None), language)
    whole, content = question, asked.content
    if said is not None and asked.window is not None and not content and not asked.talks:
        # "And on Tuesday?" is asked of what the question before it was about.
        content, whole = said.content, said.retimed(asked.phrase)
    timed = asked if asked.window is not None else said if said is not None and _leans(asked) else None
    if timed is not None and timed is not asked:
        whole = asked.retimed(timed.phrase)
    return _reading(asked, timed, content, whole, before.speaker() if asked.voice.leans else None)


def abstains(question: str, context: Sequence[Turn], now: datetime, language: str = "en") -> bool:
    """Whether a question leans on the turns before it (the oldest first), and the rules find nothing to put in.

    Example:
        >>> from datetime import UTC
        >>> said = [Turn(role="user", text="What does the Lisbon tour cost?"), Turn(role="assistant", text="40 EUR.")]
        >>> abstains("Is it worth that?", said, datetime(2026, 5, 7, tzinfo=UTC))
        True
        >>> abstains("What does the Porto tour cost?", said, datetime(2026, 5, 7, tzinfo=UTC))
        False
    """
    words, calendar = grammar(language), Calendar()
    asked = read_text(question, Frame(now, calendar), words)
    if not context or not (asked.voice.leans or asked.clause.points_back(asked.asked)):
        return False
    return in_context(question, context, lambda at: Frame(at or now, calendar), words).question == question


def _leans(asked: Read) -> bool:
    """Whether a question without a time points back to one: it has nothing of its own, or speaks of the talk."""
    words = {token.word for token in asked.clause.tokens}
    return not asked.content or asked.talks or not words.isdisjoint(asked.clause.lists["back"])


def _reading(asked: Read, timed: Read | None, content: str, question: str, speaker: str | None = None) -> Reading:
    window = timed.window if timed is not None else None
    return Reading(
        window=window,
        content=content,
        speaker=asked.voice.speaker or speaker,
        role=asked.voice.role,
        pure=window is not None and not content,
        question=question,
        notes=window.notes if window is not None else (),
    )
