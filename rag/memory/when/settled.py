"""From what time words mean to the window they open, and what is done where nothing was said in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from rag.memory.when.calendar import DAY, moved
from rag.memory.when.described import day, listed, told
from rag.memory.when.frame import Expression, Frame, preferred
from rag.memory.when.region import ALL, Region
from rag.memory.when.relations import Moved
from rag.memory.when.window import Window

__all__ = ["settled"]


def settled(expression: Expression, frame: Frame, phrase: str) -> Window | None:
    """The window of time words in a frame; None for what is yet to come.

    An empty part of a day stands for the day, and an empty day for the days beside it; the notes say so.
    """
    region = preferred(expression.candidates(frame, ALL), frame)
    if region is None or not (region or expression.of_sessions):
        return None
    notes: tuple[str, ...] = ()
    if frame.begun and frame.empty(region):
        region, notes = _instead(region, frame, expression)
    zone = frame.calendar.zone
    return Window(parts=region, phrase=phrase, zone=zone, notes=notes)


def _instead(region: Region, frame: Frame, expression: Expression) -> tuple[Region, tuple[str, ...]]:
    if not region:
        count = len(frame.sessions)
        return region, (
            f"there {'is' if count == 1 else 'are'} {count or 'no'} session{'s' * (count != 1)} to choose from",
        )
    nothing = f"nothing on {told(region)}" + (f", as days are counted in {frame.zone}" if frame.zone else "")
    for wider, how in _wider(region, expression):
        if not frame.empty(wider):
            return wider, (f"{nothing}: looked {how}",)
    return region, (f"{nothing}{_nearest(region, frame)}",)


def _wider(region: Region, expression: Expression) -> Iterator[tuple[Region, str]]:
    if any(part.hours is not None for part in region):
        region = tuple(replace(part, hours=None) for part in region)
        yield region, "at the whole day"
    if all(part.end - part.start <= DAY for part in region):
        # "The day before we talked about it" never means the day on which that was.
        away = expression.n if isinstance(expression, Moved) and expression.anchor.of_sessions else 0
        before, after = int(away <= 0), int(away >= 0)
        wider = (
            replace(part, start=moved(part.start, -before, "day"), end=moved(part.end, after, "day")) for part in region
        )
        yield tuple(wider), "one day either side" if not away else f"one day {'further back' if before else 'later'}"


def _nearest(region: Region, frame: Frame) -> str:
    start = min(part.start for part in region)
    before = [session for session in frame.begun if session.end < start][-1:]
    after = [session for session in frame.begun if session.start >= start][:1]
    near = listed(day(session.start) for session in (*before, *after))
    return f"; nearest: {near}" if near else ""
