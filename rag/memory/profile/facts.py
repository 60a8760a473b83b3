"""Facts from statements: what is true of somebody, since when, until when, and since when that is known.

Each statement is kept as a row of its own, which goes with its turn. What closes what is worked out when facts
are read, so that whatever the rows left support is right without being made anew: a fact that a forgotten one
had closed is open again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import groupby
from typing import Final

from pydantic import AwareDatetime, BaseModel, ConfigDict

from rag.memory.profile.rules import Stated, stated
from rag.memory.profile.values import ME, Concept, Fact
from rag.memory.store.values import Derived, Kept
from rag.read.terms import terms

__all__ = ["FACT", "RULES", "Said", "by_rules", "facts", "said_of"]

FACT: Final = "profile.fact"
"""The kind of the rows that hold statements; their key is the attribute."""

RULES: Final = "rules"
"""Who read a statement, where no model did."""


class Said(BaseModel):
    """A statement as it is kept: `turn` is the turn that makes it, as hits name it, and `by` who read it there.

    `since` is when it became true, or ceased to be; when it was said, where that is not told.
    """

    model_config = ConfigDict(frozen=True)

    subject: str
    attribute: str
    value: str
    text: str
    turn: str
    many: bool = False
    ends: bool = False
    since: AwareDatetime
    at: AwareDatetime
    by: str = RULES

    @property
    def what(self) -> frozenset[str]:
        """The value as it is compared: "the green tea" is "green tea"."""
        return frozenset(terms(self.value)) or frozenset([self.value.casefold()])

    def row(self, number: int) -> Derived:
        """The row that keeps it, known from when it was said; `number` is its turn's."""
        return Derived(FACT, self.attribute, self.model_dump_json(), (number,), self.at)


def by_rules(kept: Kept) -> list[Derived]:
    """The statements of a turn, read by rules."""
    return [said_of(kept, one).row(kept.number) for one in stated(kept.turn)]


def said_of(kept: Kept, stated: Stated, by: str = RULES) -> Said:
    """A statement of a turn about who said it."""
    at = (kept.turn.at or datetime.now(UTC)).astimezone(UTC)
    return Said(
        subject=kept.turn.speaker,
        attribute=stated.attribute,
        value=stated.value,
        text=stated.text,
        turn=kept.reference,
        many=stated.many,
        ends=stated.ends,
        since=min(stated.since or at, at),
        at=at,
        by=by,
    )


def facts(said: Iterable[Said], edits: Sequence[tuple[Concept, datetime]] = ()) -> list[Fact]:
    """What the statements come to, by subject, attribute and time, the oldest first.

    A newer value closes the older one, unless there are many at a time; a value that was edited by hand closes
    all that was said before, and stands whatever is said later.

    Example:
        >>> at = datetime(2026, 5, 5, tzinfo=UTC)
        >>> def home(value, day):
        ...     then = at.replace(day=day)
        ...     return Said(subject="", attribute="home", value=value, text="", turn="", since=then, at=then)
        >>> [str(fact) for fact in facts([home("Rome", 9), home("Oslo", 5)])]
        ['home: Oslo (since Tuesday, 5 May 2026 until Saturday, 9 May 2026)', 'home: Rome (since Saturday, 9 May 2026)']
    """
    names = {name.casefold(): _subject(concept) for concept, _ in edits for name in concept.names}
    by_hand = {
        (_subject(concept), name.casefold()): _edited(concept, name.casefold(), value, at)
        for concept, at in edits
        for name, value in concept.attributes.items()
    }

    def key(one: Said) -> tuple[str, str]:
        subject = one.subject.casefold()
        return names.get(subject, subject), one.attribute

    found: list[Fact] = []
    for of, group in groupby(sorted(said, key=lambda one: (key(one), one.since, one.at)), key):
        found += _line(list(group), by_hand.pop(of, None))
    return [*found, *by_hand.values()]


def _line(said: Sequence[Said], edited: Fact | None) -> list[Fact]:
    """The facts of one attribute of one subject, the oldest first."""
    apart = {one.what for one in said} if any(one.many for one in said) else {None}
    found = [fact for what in apart for fact in _followed([one for one in said if what in (None, one.what)])]
    found.sort(key=lambda fact: (fact.valid_from, fact.turns, fact.value))
    if edited is None:
        return found
    return [*(_closed(fact, edited.valid_from) for fact in found if fact.valid_from < edited.valid_from), edited]


def _closed(fact: Fact, at: datetime) -> Fact:
    return fact.model_copy(update={"valid_until": min(fact.valid_until or at, at)})


def _followed(said: Sequence[Said]) -> Iterator[Fact]:
    """Values that follow each other; what is said again is said by more turns."""
    last: Fact | None = None
    what: frozenset[str] = frozenset()
    for one in said:
        if last is not None and one.what == what and not one.ends:
            recorded = min(last.recorded, one.at)
            last = last.model_copy(update={"turns": (*last.turns, one.turn), "text": one.text, "recorded": recorded})
            continue
        if last is not None and (one.what == what or not one.ends):
            yield last.model_copy(update={"valid_until": one.since})
            last = None
        if not one.ends:
            last, what = _fact(one), one.what
    if last is not None:
        yield last


def _fact(said: Said) -> Fact:
    return Fact(
        subject=said.subject,
        attribute=said.attribute,
        value=said.value,
        valid_from=said.since,
        recorded=said.at,
        turns=(said.turn,),
        text=said.text,
    )


def _subject(concept: Concept) -> str:
    """Whose a concept's attributes are: the user has no name of their own."""
    return "" if concept.tag == ME else concept.name.casefold()


def _edited(concept: Concept, attribute: str, value: str, at: datetime) -> Fact:
    subject = "" if concept.tag == ME else concept.name
    return Fact(subject=subject, attribute=attribute, value=value, valid_from=at, recorded=at)
