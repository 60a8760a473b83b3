"""A summary that rolls: each turn is taken in after the one before it, and what tells least is let go.

Since a step looks at the summary and at one turn alone, a summary that was brought up to date many times is
the one that all its turns give at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce

from rag.memory.profile.rules import sayings, telling
from rag.memory.profile.values import attributed
from rag.memory.store.values import Kept
from rag.read.terms import terms
from rag.tokens import estimate

__all__ = ["Held", "rolled"]

_FEWEST = 2  # words with a meaning: "I do." says nothing away from its place
_LONGEST = 60  # tokens of a sentence: a longer one is a story, and leaves no room for others


@dataclass(frozen=True, slots=True)
class Held:
    """A sentence that a summary holds: the turns that say it, by number and as hits name them, and its worth."""

    text: str
    numbers: tuple[int, ...]
    turns: tuple[str, ...]
    worth: int

    @property
    def what(self) -> frozenset[str]:
        """What it says, as sentences are compared."""
        return frozenset(terms(self.text)) or frozenset([self.text.casefold()])


def rolled(held: Iterable[Held], rows: Iterable[Kept], topic: str, budget: int) -> tuple[Held, ...]:
    """The summary with turns taken in, in order of arrival; at most `budget` tokens in all."""
    about = frozenset(terms(topic))
    return reduce(lambda summary, row: _taken_in(summary, row, about, budget), rows, tuple(held))


def _taken_in(held: tuple[Held, ...], row: Kept, about: frozenset[str], budget: int) -> tuple[Held, ...]:
    found = [one for text in sayings(row.turn) if (one := _worth_holding(text, row, about)) is not None]
    if not found:
        return held
    summary = {one.what: one for one in held}
    for one in found:
        before = summary.pop(one.what, None)
        # What is said again stands where it was said last, and on both turns.
        summary[one.what] = one if before is None else _both(before, one)
    kept = list(summary.values())
    while sum(estimate(one.text) for one in kept) > budget:
        # Of what tells as little, the oldest goes: later words tell of how things are now.
        kept.remove(min(kept, key=lambda one: one.worth))
    return tuple(kept)


def _worth_holding(text: str, row: Kept, about: frozenset[str]) -> Held | None:
    worth = telling(text)
    shared = len(about & set(terms(f"{row.turn.speaker} {text}")))
    if not worth or (about and not shared) or estimate(text) > _LONGEST or len(set(terms(text))) < _FEWEST:
        return None
    return Held(attributed(row.turn, text), (row.number,), (row.reference,), worth + shared)


def _both(before: Held, now: Held) -> Held:
    numbers, turns = (*before.numbers, *now.numbers), (*before.turns, *now.turns)
    return Held(now.text, tuple(dict.fromkeys(numbers)), tuple(dict.fromkeys(turns)), now.worth)
