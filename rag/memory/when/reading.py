"""Reading a question: its time words become a window, and what is left is its content."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel, ConfigDict

from rag.memory.when.about import Bond, Clause
from rag.memory.when.frame import Expression, Frame
from rag.memory.when.grammar import Grammar
from rag.memory.when.settled import settled
from rag.memory.when.tokens import Token, tokenised
from rag.memory.when.window import Window

__all__ = ["Found", "Read", "Reading", "found", "read_text"]


class Reading(BaseModel):
    """What a question asks of a memory.

    `window` is what its time words came to, or None when they are not about the conversation; `content` is
    what is left of it to search for; `pure` says that nothing is; `speaker` or `role` is whose words are
    meant; `question` stands by itself.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    window: Window | None = None
    content: str = ""
    speaker: str | None = None
    role: Literal["user", "assistant"] | None = None
    pure: bool = False
    question: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """Time words in a text: their tokens' places, and what they mean."""

    start: int
    end: int
    expression: Expression


def found(language: Grammar, tokens: Sequence[Token]) -> Iterator[Found]:
    """The time words of a text, from left to right: the longest at each place, unless one that it cuts goes on."""
    reader, at = language.read(tokens), 0
    while at < len(tokens):
        # "We talked about three weeks ago": the word belongs to the talk, and leaves the weeks exact.
        about = tokens[at].word == "about" and at > 0 and tokens[at - 1].word in language.lists["aboutless"]
        for end, expression in () if about else sorted(reader.match("when", at), key=lambda match: -match[0]):
            if end - 1 == at or all(beyond <= end for beyond, _ in reader.match("when", end - 1)):
                yield Found(at, end, expression)
                at = end - 1
                break
        at += 1


@dataclass(frozen=True)
class Read:
    """One text as it was read: its clause, the time that is about the conversation, and the window it opens."""

    text: str
    clause: Clause
    time: Found | None
    bond: Bond
    window: Window | None

    @property
    def content(self) -> str:
        """What the sentences that hold the question are about."""
        clause = self.clause
        words = [at for at in self.asked if clause.content(at)]
        if not words:
            return ""
        timed = range(self.time.start, self.time.end) if self.time else range(0)
        kept = [at for at in range(words[0], words[-1] + 1) if at not in timed and clause.talk[at] < 2]
        return _spelt(self.text, [clause.tokens[at] for at in kept])

    @property
    def asked(self) -> range:
        """The sentence that asks: the one that its time stands in, else the last."""
        if self.time is not None:
            return self.clause.sentence(self.time.start)
        tokens = self.clause.tokens
        last = max((at for at, token in enumerate(tokens) if token.text[:1].isalnum()), default=0)
        return self.clause.sentence(last) if tokens else range(0)


def read_text(text: str, frame: Frame, language: Grammar) -> Read:
    """One text, read by itself."""
    tokens = tokenised(text, frame.calendar.names)
    times = tuple(found(language, tokens))
    clause = Clause(language, tokens, [(time.start, time.end) for time in times])
    best: tuple[Bond, Found, Window] | None = None
    for time in times:
        bond = Bond.OWN if time.expression.of_sessions else clause.bond(time.start, time.end)
        if bond > (best[0] if best else Bond.NONE):
            phrase = text[tokens[time.start].start : tokens[time.end - 1].end]
            window = settled(time.expression, frame, phrase)
            if window is not None and _likely(window, bond, frame):
                best = bond, time, window
    if best is None:
        return Read(text, clause, None, Bond.NONE, None)
    return Read(text, clause, best[1], best[0], best[2])


def _likely(window: Window, bond: Bond, frame: Frame) -> bool:
    """Whether a loosely bound time can be one of the conversation: something was said then."""
    return bond >= Bond.STRONG or not frame.sessions or not frame.empty(window.parts)


def _spelt(text: str, tokens: Sequence[Token]) -> str:
    pieces: list[str] = []
    for before, token in zip((None, *tokens), tokens, strict=False):
        near = before is not None and token.start - before.end <= 1
        pieces.append((text[before.end : token.start] if near and before else " " if before else "") + token.text)
    return "".join(pieces)
