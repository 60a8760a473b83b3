"""Expressions of order: the third session, the last two, "two sessions ago", "the one before that"."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import chain
from typing import ClassVar

from rag.memory.when.frame import Expression, Frame, Stretch, chosen
from rag.memory.when.region import Part, Region, common, extent

__all__ = ["BeforeThis", "Earlier", "Following", "Said", "Sessions", "parts_of"]

_MOMENT = timedelta(microseconds=1)


def parts_of(sessions: list[Stretch]) -> Region:
    """The region that holds whole sessions."""
    return tuple(
        Part(session.start, session.end + _MOMENT, sessions=frozenset({session.number})) for session in sessions
    )


@dataclass(frozen=True)
class Sessions(Expression):
    """The sessions from the `first` to the `last` by number, among those of a time; negative from its end.

    -1 is the latest: "k sessions ago" is session -k. `weak` words ("last time") need others to be about the talk.
    """

    first: int
    last: int
    weak: int = 0
    _rank: ClassVar[int] = 5

    def _speaks(self) -> bool:
        return not self.weak

    def _candidates(self, frame: Frame, within: Region) -> Iterator[Region]:
        found = frame.sessions_in(within)
        first, last = (n - 1 if n > 0 else len(found) + n for n in (self.first, self.last))
        if self.first != self.last:  # "the last three" are two where there are no more
            first = max(first, 0)
        yield parts_of(found[first : last + 1]) if 0 <= first <= last else ()


@dataclass(frozen=True)
class Following(Expression):
    """The session so many before (negative) or after the one that is meant."""

    n: int
    anchor: Expression
    _rank: ClassVar[int] = 5
    _spoken: ClassVar[bool] = True

    def _candidates(self, frame: Frame, within: Region) -> Iterator[Region]:
        region = chosen(self.anchor.candidates(frame, within), frame)
        beside = list(self._beside(frame, region))
        at = len(beside) + self.n if self.n < 0 else self.n - 1
        yield parts_of([beside[at]]) if 0 <= at < len(beside) else ()

    def _beside(self, frame: Frame, region: Region) -> Iterator[Stretch]:
        """The sessions on that side of a region, in order: of those in it, or of its times where nothing was said."""
        met, span = frame.sessions_in(region), extent(region)
        if met:
            last = (met[0] if self.n < 0 else met[-1]).number
            yield from (s for s in frame.sessions if (s.number < last if self.n < 0 else s.number > last))
        elif span is not None:
            yield from (s for s in frame.sessions if (s.end < span[0] if self.n < 0 else s.start >= span[1]))


@dataclass(frozen=True)
class Earlier(Expression):
    """Earlier in a time that is not over: before the session that now lies in, if there was another.

    `wider` is where to look when there was none: mornings run late, and begin at night.
    """

    of: Expression
    wider: Expression | None = None
    _rank: ClassVar[int] = 45

    def _candidates(self, frame: Frame, within: Region) -> Iterator[Region]:
        for region in chain(self.of.candidates(frame, within), *self._wider(frame, within)):
            before = [session for session in frame.sessions_in(region) if session.number != frame.current]
            if before:
                yield parts_of(before)
        for region in self.of.candidates(frame, within):
            yield common(region, (Part(end=frame.now + _MOMENT),))

    def _wider(self, frame: Frame, within: Region) -> Iterator[Iterator[Region]]:
        if self.wider is not None:
            yield self.wider.candidates(frame, within)


@dataclass(frozen=True)
class BeforeThis(Expression):
    """The session `n` before the one that now lies in; counted from the end where now lies in none that counts."""

    n: int = 1
    _rank: ClassVar[int] = 5
    _spoken: ClassVar[bool] = True

    def _candidates(self, frame: Frame, within: Region) -> Iterator[Region]:
        before = [session for session in frame.sessions_in(within) if session.number != frame.current]
        yield parts_of(before[-self.n :][:1]) if len(before) >= self.n else ()


@dataclass(frozen=True)
class Said(Expression):
    """The day on which something was said, which only the memory can tell."""

    text: str
    _rank: ClassVar[int] = 50
    _spoken: ClassVar[bool] = True

    def _candidates(self, frame: Frame, within: Region) -> Iterator[Region]:
        at = frame.find(self.text) if frame.find is not None else None
        if at is not None:
            yield common(within, (Part(*frame.calendar.unit(frame.calendar.civil(at), "day")),))
