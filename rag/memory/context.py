"""Questions made to stand by themselves: what they leave out is taken from the turns before them.

A question may leave out its time ("can you sum that up?"), what it is about ("and on Tuesday?") or whose words
it asks for ("what did she say?"). Each is looked for in the turns before it, the nearest first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from typing import Final, TypeAlias

from rag.memory.when.about import Bond
from rag.memory.when.calendar import Calendar
from rag.memory.when.frame import Frame
from rag.memory.when.grammar import Grammar, grammar
from rag.memory.when.reading import Read, Reading, leaning, read_text
from rag.memory.when.speaker import Voice
from rag.types import Turn

__all__ = ["abstains", "in_context"]

_REACH: Final = 20
"""How many turns before it a question leans on at most."""

FrameAt: TypeAlias = Callable[[datetime | None], Frame]


@dataclass(frozen=True)
class _Said:
    """What was spoken of before: a text whose time is meant, and the text that tells what it was about."""

    timed: Read
    about: Read

    def then(self, asked: Read, frame: Frame, language: Grammar) -> Read:
        """A text as it is meant after this: "the one before that" counts from its time."""
        if self.timed.time is None or not asked.goes_on:
            return asked
        return leaning(asked, self.timed.time.expression, frame, language)


@dataclass(frozen=True)
class _Context:
    """The turns before a question, read as they are needed, the nearest first."""

    turns: tuple[Turn, ...]
    frame: FrameAt
    language: Grammar

    def back(self) -> Iterator[tuple[Turn, Read]]:
        for turn in self.turns[: -_REACH - 1 : -1]:
            yield turn, read_text(turn.text, self.frame(turn.at), self.language)

    def said(self) -> _Said | None:
        """The nearest time of the conversation that a turn speaks of, moved by the questions that lean on it."""
        since: list[tuple[Turn, Read]] = []
        for turn, read in self.back():
            if read.bond > Bond.BARE and not (_asks(turn) and _elliptic(read)):
                return reduce(self._moved, reversed(since), _Said(read, read))
            if _asks(turn):
                since.append((turn, read))
        return None

    def _moved(self, said: _Said, then: tuple[Turn, Read]) -> _Said:
        turn, read = then
        leant = said.then(read, self.frame(turn.at), self.language)
        if leant.window is None:
            return said
        return _Said(leant, leant if leant.content or leant.talks else said.about)

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
    if asked.bond > Bond.BARE and not asked.voice.leans and not asked.goes_on:
        return _reading(asked, asked, asked, question)
    said = before.said()
    if said is not None:
        asked = said.then(asked, frame(None), language)
    about, whole = asked, question
    if said is not None and asked.window is not None and not asked.content and not asked.talks:
        # "And on Tuesday?" is asked of what the question before it was about.
        about, whole = said.about, said.about.retimed(asked.phrase)
    timed = asked if asked.window is not None else said.timed if said is not None and _leans(asked) else None
    if timed is not None and timed is not asked:
        whole = asked.retimed(timed.phrase)
    return _reading(asked, timed, about, whole, before.speaker)


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


def _asks(turn: Turn) -> bool:
    """Whether a turn may be a question to the memory; where nobody has a role, its mark tells."""
    return turn.role == "user" or (turn.role is None and turn.text.rstrip().endswith("?"))


def _elliptic(read: Read) -> bool:
    """Whether a text with a time of its own leans all the same: "and two sessions earlier?"."""
    return read.goes_on and not read.content and not read.talks


def _leans(asked: Read) -> bool:
    """Whether a question without a time points back to one: it speaks of the talk, or has nothing of its own."""
    if asked.talks or asked.clause.points_to_time(asked.asked):
        return True
    if asked.content:  # "Is it waterproof?" goes on from an answer; "and what did you recommend?" from its question
        return asked.follows and asked.voice != Voice()
    return asked.clause.wants(asked.asked)


def _reading(
    asked: Read, timed: Read | None, about: Read, question: str, named: Callable[[], str | None] = lambda: None
) -> Reading:
    """What is asked: the time of one text, what another is about, and whose words either asks for."""
    window = timed.window if timed is not None else None
    voice = about.voice if asked.voice == Voice() and about.asks else asked.voice
    return Reading(
        window=window,
        content=about.content,
        speaker=voice.speaker or (named() if voice.leans else None),
        role=voice.role,
        pure=window is not None and not about.content,
        question=question,
        notes=window.notes if window is not None else (),
    )
