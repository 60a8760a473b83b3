"""What time words are read against: the moment, the calendar, and the sessions there have been."""

from __future__ import annotations

from abc import ABC, abstractmethod
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from itertools import islice
from typing import ClassVar, Final

from rag.memory.sessions import Session
from rag.memory.when.calendar import DAY, Calendar, Span, moved
from rag.memory.when.region import ALL, Part, Region

__all__ = ["Expression", "Finder", "Frame", "Series", "Stretch", "chosen", "preferred"]

Finder = Callable[[str], datetime | None]
# A question looks back over the sessions there are, or over so many years where there is none.
_YEARS_BACK: Final = 3
_CANDIDATES: Final = 800
_MINUTE: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Stretch:
    """A session in civil time, from its first turn to its last."""

    number: int
    start: datetime
    end: datetime


@dataclass(frozen=True)
class Frame:
    """An aware moment, the calendar, and the sessions there are; the session named `current` is not counted.

    `find` tells when something was said. Civil times are worked out when they are asked for.
    """

    moment: datetime
    calendar: Calendar
    given: Sequence[Session] = ()
    named: str | int | None = None
    find: Finder | None = None

    @cached_property
    def now(self) -> datetime:
        """The civil moment."""
        return self.calendar.civil(self.moment)

    @cached_property
    def zone(self) -> str:
        """The zone that its days are counted in, where something was said in another; else "", as nobody asks."""
        name = self.calendar.zone
        return name if any(session.zone != name for session in self.given) else ""

    @cached_property
    def begun(self) -> tuple[Stretch, ...]:
        """All sessions there have been, in order, with the one that goes on."""
        return tuple(self._stretch(session) for session in self.given if session.start <= self.moment)

    @cached_property
    def sessions(self) -> tuple[Stretch, ...]:
        """The sessions that are counted, in order: "the last session" is never the one that is named as current."""
        return tuple(session for session in self.begun if session.number != self._uncounted)

    @cached_property
    def _uncounted(self) -> int | None:
        """The number of the session that is named as current; of several of one name, the latest."""
        if self.named is None:
            return None
        known = (s for s in self.given if self.named in (s.number, s.name) and s.start <= self.moment)
        latest = max(known, key=lambda session: session.end, default=None)
        return latest.number if latest is not None else None

    @cached_property
    def current(self) -> int | None:
        """The session that now lies in, if that is counted."""
        last = self.sessions[-1] if self.sessions and self.named is None else None
        return last.number if last is not None and last.end >= self.now else None

    @cached_property
    def under_way(self) -> Stretch | None:
        """The session that goes on, whether or not it is counted."""
        number = self.current if self._uncounted is None else self._uncounted
        return next((session for session in self.begun if session.number == number), None)

    def _stretch(self, session: Session) -> Stretch:
        start, end = self.calendar.civil(session.start), self.calendar.civil(session.end)
        lasted = session.end - session.start
        if end - start >= lasted or lasted > DAY:
            return Stretch(session.number, start, end)
        # The clock went back meanwhile: what it showed last may be earlier than what it showed first.
        shown = [self.calendar.civil(session.start + n * _MINUTE) for n in range(lasted // _MINUTE + 1)]
        return Stretch(session.number, min(shown).replace(second=0, microsecond=0), max(*shown, end) + _MINUTE)

    @cached_property
    def today(self) -> datetime:
        """The first moment of the civil day."""
        return self.calendar.unit(self.now, "day")[0]

    @cached_property
    def floor(self) -> datetime:
        """Before this nothing was said."""
        return self.begun[0].start if self.begun else moved(self.today, -_YEARS_BACK, "year")

    @cached_property
    def _ends(self) -> list[datetime]:
        latest = datetime.min
        return [latest := max(latest, session.end) for session in self.begun]

    def sessions_in(self, region: Region) -> list[Stretch]:
        """The sessions that are counted of which a region holds something, in order, and others that it names.

        Filters are tried on their first and last turn.
        """
        named = frozenset[int]().union(*(part.sessions or () for part in region))
        met = {s.number: s for s in self._met(region) if s.number != self._uncounted or s.number in named}
        return [met[number] for number in sorted(met)]

    def empty(self, region: Region) -> bool:
        """Whether a region holds nothing of any session there has been: what was said just now was said today."""
        return next(self._met(region), None) is None

    def _met(self, region: Region) -> Iterator[Stretch]:
        for part in region:
            for session in islice(self.begun, bisect_left(self._ends, part.start), None):
                if session.start >= part.close:
                    break
                if _meets(part, session):
                    yield session


def _meets(part: Part, session: Stretch) -> bool:
    if session.start >= part.close or session.end < part.start:
        return False
    if part.sessions is not None and session.number not in part.sessions:
        return False
    if part.weekdays is None and part.hours is None:
        return session.start < part.end
    return part.holds(session.start, session.number) or part.holds(session.end, session.number)


class Expression(ABC):
    """What time words mean, before it is known when they are said."""

    _rank: ClassVar[int] = 0
    _spoken: ClassVar[bool] = False

    def candidates(self, frame: Frame, within: Region) -> Iterator[Region]:
        """The regions it may mean inside another, the likeliest (the latest) first."""
        return self._candidates(frame, within)

    @property
    def rank(self) -> int:
        """What orders those that combine: the coarser (higher) is settled first, and the finer within it."""
        return self._ranked()

    @property
    def of_sessions(self) -> bool:
        """Whether it speaks of sessions, and so can only be about the conversation."""
        return self._speaks()

    @abstractmethod
    def _candidates(self, frame: Frame, within: Region) -> Iterator[Region]: ...

    def _ranked(self) -> int:
        return self._rank

    def _speaks(self) -> bool:
        return self._spoken


class Series(Expression):
    """Something that comes again: a weekday, a month, a date without its year. The latest with a session is meant.

    Inside a narrower region all of its spans there are meant at once.
    """

    def spans(self, frame: Frame, upto: datetime) -> Iterator[Span]:
        """Its spans that begin before a time, backwards without end."""
        return self._spans(frame, upto)

    def latest(self, frame: Frame) -> datetime:
        """The time before which the span that is meant begins."""
        return self._latest(frame)

    def back(self, frame: Frame, upto: datetime, floor: datetime) -> Iterator[Span]:
        """The spans that begin before a time, backwards to the first that ends before anything was said."""
        for n, span in enumerate(islice(self.spans(frame, upto), _CANDIDATES)):
            if n and span[1] <= floor:
                return
            yield span

    @abstractmethod
    def _spans(self, frame: Frame, upto: datetime) -> Iterator[Span]: ...

    def _latest(self, frame: Frame) -> datetime:
        return frame.now

    def _candidates(self, frame: Frame, within: Region) -> Iterator[Region]:
        if within == ALL:
            yield from ((Part(start, end),) for start, end in self.back(frame, self.latest(frame), frame.floor))
        else:
            yield tuple(self._inside(frame, within))

    def _inside(self, frame: Frame, within: Region) -> Iterator[Part]:
        first = min((part.start for part in within), default=frame.now)
        last = max((part.end for part in within), default=frame.now)
        low, high = max(first, frame.floor), min(last, moved(frame.today, 1, "day"))
        if high <= low:  # it lies outside of all that was said: it is taken as it stands
            low, high = first, last
        for start, end in islice(self.spans(frame, high), _CANDIDATES):
            if end <= low:
                break
            yield from (both for part in within if (both := part & Part(start, end)) is not None)


def chosen(candidates: Iterable[Region], frame: Frame) -> Region:
    """The first candidate in which something was said, or else the first that is not empty; empty if none is."""
    return preferred(candidates, frame) or ()


def preferred(candidates: Iterable[Region], frame: Frame) -> Region | None:
    """As `chosen`, but None where there is no candidate at all."""
    first: Region | None = None
    for region in islice(candidates, _CANDIDATES if frame.begun else 2):
        if not frame.empty(region):
            return region
        first = first or region
    return first
