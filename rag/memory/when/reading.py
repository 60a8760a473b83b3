"""Reading a question: its time words become a window, and what is left is its content."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from pydantic import BaseModel, ConfigDict

from rag.memory.when.about import Bond, Clause
from rag.memory.when.calendar import moved
from rag.memory.when.dates import Date, Fixed, Ordered
from rag.memory.when.frame import Expression, Frame, chosen
from rag.memory.when.grammar import Grammar
from rag.memory.when.hours import dayless, on_its_day
from rag.memory.when.recurrent import Lately
from rag.memory.when.region import ALL
from rag.memory.when.relations import Dated
from rag.memory.when.settled import settled
from rag.memory.when.speaker import Party, Voice, voice
from rag.memory.when.tokens import Token, tokenised
from rag.memory.when.window import Window

__all__ = ["Found", "Read", "Reading", "found", "leaning", "read_text"]


_DATES: Final = (Date, Dated, Fixed, Ordered)


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
    role: Party | None = None
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
    """One text as it was read: its clause, the time that is about the conversation, and the window it opens.

    `bond` is how the time is bound to the conversation; `voice` whose words are meant.
    """

    text: str
    clause: Clause
    time: Found | None = None
    bond: Bond = Bond.NONE
    window: Window | None = None

    @cached_property
    def asked(self) -> range:
        """The sentence that asks: the one that its time stands in, else the last."""
        tokens = self.clause.tokens
        if self.time is not None:
            return self.clause.sentence(self.time.start)
        last = max((at for at, token in enumerate(tokens) if token.text[:1].isalnum()), default=0)
        return self.clause.sentence(last) if tokens else range(0)

    @cached_property
    def voice(self) -> Voice:
        """Whose words are meant."""
        return voice(self.clause, self.asked)

    @cached_property
    def content(self) -> str:
        """What the sentence that asks is about, less its time, its words of talk and its speaker."""
        clause = self.clause
        other = clause.timed | clause.spoken(self.asked) | {self.voice.at}
        if not any(clause.content(at) for at in self.asked if at not in other):
            return ""
        words = [at for at in self.asked if clause.tells(at) and at not in other]
        kept = (at for at in range(words[0], words[-1] + 1) if at not in other)
        return _spelt(self.text, [clause.tokens[at] for at in kept if clause.talk[at] < 2])

    @property
    def talks(self) -> bool:
        """Whether the sentence that asks has a word of talk or of recalling of its own, beside its time."""
        own = (at for at in self.asked if at not in self.clause.timed)
        return any(self.clause.talk[at] == 2 or self.clause.recalls(at) for at in own)

    @property
    def goes_on(self) -> bool:
        """Whether it can count from a time said before it: a time that is bound to nothing, or "and …?"."""
        return self.bond <= Bond.BARE or self.follows

    @property
    def follows(self) -> bool:
        """Whether it begins as what goes on from a question before it: "and …?"."""
        return bool(self.asked) and self.clause.tokens[self.asked.start].word in self.clause.lists["following"]

    @property
    def asks(self) -> bool:
        """Whether the sentence that asks has the mark of a question."""
        return self.clause.asks(self.asked)

    @property
    def phrase(self) -> str:
        """The time words as they stand."""
        if self.time is None:
            return ""
        tokens = self.clause.tokens
        return self.text[tokens[self.time.start].start : tokens[self.time.end - 1].end]

    def retimed(self, phrase: str) -> str:
        """The text with other time words in the place of its own, or after its last word."""
        tokens = self.clause.tokens
        if self.time is not None:
            start, end = tokens[self.time.start].start, tokens[self.time.end - 1].end
            return f"{self.text[:start]}{phrase}{self.text[end:]}"
        end = tokens[self.asked[-1]].end if self.asked else len(self.text)
        return f"{self.text[:end]} {phrase}{self.text[end:]}"


def read_text(text: str, frame: Frame, language: Grammar) -> Read:
    """One text, read by itself."""
    tokens = tokenised(text, frame.calendar.names)
    times = tuple(found(language, tokens))
    if any(isinstance(time.expression, Lately) for time in times):
        plain = Clause(language, tokens, ())
        times = tuple(time for time in times if not isinstance(time.expression, Lately) or plain.ours(time.start))
    clause = Clause(language, tokens, [(time.start, time.end) for time in times])
    best = Read(text, clause)
    for time in times:
        dated = isinstance(time.expression, _DATES) and bool(frame.begun)
        dated = dated and not frame.empty(chosen(time.expression.candidates(frame, ALL), frame))
        bond = Bond.OWN if time.expression.of_sessions else clause.bond(time.start, time.end, dated=dated)
        corrected = bond > Bond.NONE and best.time is not None and clause.corrected(best.time.end, time.start)
        if bond > best.bond or corrected:
            phrase = text[tokens[time.start].start : tokens[time.end - 1].end]
            window = settled(time.expression, frame, phrase)
            if window is not None and _likely(window, bond, frame):
                best = Read(text, clause, time, bond, window)
    return best


def leaning(read: Read, anchor: Expression, frame: Frame, language: Grammar) -> Read:
    """A text whose time leans on one that was said before it ("the one before that"); itself when it does not."""
    for time in _leaning(read, anchor, language):
        clause = Clause(language, read.clause.tokens, [(time.start, time.end)])
        phrase = read.text[clause.tokens[time.start].start : clause.tokens[time.end - 1].end]
        window = settled(time.expression, frame, phrase)
        if window is not None:
            leant = Read(read.text, clause, time, Bond.OWN, window)
            return leant if leant.talks or not leant.content else read
    return read


def _leaning(read: Read, anchor: Expression, language: Grammar) -> Iterator[Found]:
    reader = language.read(read.clause.tokens)
    for at in read.asked:
        for end, lean in sorted(reader.match("ellipsis", at), key=lambda match: -match[0])[:1]:
            yield Found(at, end, lean(anchor))
    if read.time is not None and dayless(read.time.expression):
        yield Found(read.time.start, read.time.end, on_its_day(read.time.expression, anchor))


def _likely(window: Window, bond: Bond, frame: Frame) -> bool:
    """Whether a loosely bound time can be one of the conversation: something was said then, or about then."""
    if bond > Bond.WEAK or not frame.begun or not frame.empty(window.parts):
        return True
    return bond == Bond.BARE and any(part.end > moved(frame.floor, -1, "year") for part in window.parts)


def _spelt(text: str, tokens: Sequence[Token]) -> str:
    pieces: list[str] = []
    for before, token in zip((None, *tokens), tokens, strict=False):
        near = before is not None and token.start - before.end <= 1
        pieces.append((text[before.end : token.start] if near and before else " " if before else "") + token.text)
    return "".join(pieces)
