"""Passages that contradict one another, found without a model: another value in statements that are otherwise one.

Few are found, and those surely: two statements of different documents, on one subject, with the same words,
that differ in one figure, in one name where only one can be, or in a negation. What is told of different
times is reported with the dates of its documents: nobody can say by rule which holds.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import Final

from rag.read.denial import DENIES, denies
from rag.read.passages import Statement, statements_of
from rag.read.rows import is_row
from rag.read.statements import plain
from rag.read.sufficiency.parts import MONTHS, proper_names
from rag.read.terms import numbers, terms
from rag.types import Evidence, EvidenceItem, Passage
from rag.verdict import Conflict, Said

__all__ = ["conflict_of", "conflicts"]

_DATES: Final = ("date", "updated", "updated_at", "published", "published_at", "created_at", "as_of", "valid_from")
_YEAR = r"(?:1\d|20)\d\d"
_VALUE = re.compile(
    rf"\b{_YEAR}\b(?![.,:]?\d)|\b(?:{MONTHS})\b"
    rf"|(?:[€$£¥] ?)?\d[\d.,:]*(?<=\d)(?: ?(?:%|°C|°F|[€$£¥]|(?!(?:{MONTHS})\b)[A-Za-z]{{1,12}}\b))?"
)
# Where one name stands, no other can: "born in", "directed by", "the capital of … is".
_ONLY_ONE = re.compile(
    r"\b(?:(?:born|died|founded|based|located|headquartered|buried|situated) (?:in|at|near)"
    r"|(?:directed|founded|painted|composed|discovered|designed|invented|chaired|led|owned|acquired) by"
    r"|\bthe [\w' -]{3,60}? (?:is|was))\s+(?:the )?$",
    re.IGNORECASE,
)
# Words that take nothing away from a statement and add nothing to it.
_NO_MATTER: Final = frozenset(
    terms("cannot now currently current about approximately roughly around nearly new today usually")
)
_FEWEST_WORDS: Final = 2
_MOST_STATEMENTS: Final = 400
_LONGEST: Final = 200  # characters of a value: a whole statement may be one, and a passage may be anyone's


def conflicts(evidence: Evidence) -> tuple[Conflict, ...]:
    """The contradictions between texts of the evidence, in the order of the passages; rows are left out.

    Example:
        >>> pages = [("old", "The pass costs 40 EUR."), ("new", "The pass now costs 45 EUR.")]
        >>> items = [Passage(doc_id=d, chunk_id=f"{d}#0", title="Pass", text=t, metadata={"date": d}) for d, t in pages]
        >>> evidence = Evidence(items=tuple(EvidenceItem(passage=each, step_id="s1") for each in items))
        >>> print(conflicts(evidence)[0])
        sources differ on The pass costs …: 40 EUR (Pass, old); 45 EUR (Pass, new)
    """
    told = [_Told(each) for each in statements_of([item for item in evidence.items if not is_row(item)])]
    alike: dict[object, list[_Told]] = {}
    for each in told[:_MOST_STATEMENTS]:
        if len(each.words) >= _FEWEST_WORDS:
            alike.setdefault((each.subject, each.statement.above, each.words), []).append(each)
        for slot in each.slots:
            alike.setdefault(slot, []).append(each)
    found: dict[tuple[object, str], dict[Said, None]] = {}
    for key, group in alike.items():
        for conflict in _within(key, group):
            # However many passages have their say on one thing, it is one conflict.
            found.setdefault((key, conflict.of), {}).update(dict.fromkeys(conflict.sides))
    return tuple(dict.fromkeys(Conflict(of=of, sides=tuple(sides)) for (_, of), sides in found.items()))


def conflict_of(of: str, sides: Sequence[tuple[str, EvidenceItem]]) -> Conflict | None:
    """A conflict between values, each of which must stand in its item; None unless two of them in two items do."""
    said: dict[str, Said] = {}
    for value, item in sides:
        plain_value = " ".join(value.split())
        if plain_value and plain_value.casefold() in " ".join(item.passage.text.split()).casefold():
            said.setdefault(plain_value.casefold(), _said(plain_value, item))
    if len(said) < 2 or len({side.evidence for side in said.values()}) < 2:
        return None
    return Conflict(of=" ".join(of.split()), sides=tuple(said.values()))


@dataclass(frozen=True, eq=False)
class _Told:
    """A statement, taken apart into what it is about, its words and its values."""

    statement: Statement

    @cached_property
    def text(self) -> str:
        return plain(self.statement.text)

    @cached_property
    def names(self) -> frozenset[str]:
        return frozenset(proper_names(_VALUE.sub("…", self.text)))

    @cached_property
    def subject(self) -> object:
        """The names in it; a statement without one is about what its document is about."""
        return self.names or self.statement.item.passage.title

    def is_of_same(self, other: _Told) -> bool:
        """Whether two statements of different documents are on one thing: by their titles, or by how they begin.

        Headings and columns tell apart what a document says twice, and figures in titles the parts of a series.
        """
        own, its = self.statement.item.passage, other.statement.item.passage
        if own.doc_id == its.doc_id or own.title.casefold() == its.title.casefold():
            return own.doc_id != its.doc_id
        series = re.sub(r"\d", "", own.title) == re.sub(r"\d", "", its.title)
        return not series and bool(self.opening and self.opening == other.opening)

    def is_titled(self, value: str) -> bool:
        """Whether a value stands in the document's title."""
        return _plain(value) in {*numbers(self.statement.item.passage.title), *self._title_names}

    @cached_property
    def _title_names(self) -> set[str]:
        return {name.casefold() for name in proper_names(self.statement.item.passage.title)}

    @cached_property
    def opening(self) -> str:
        """The name that the statement begins with, if any."""
        text = re.sub(r"^(?:The|A|An) ", "", self.text)
        return next((name for name in sorted(self.names, key=len, reverse=True) if text.startswith(name)), "")

    @cached_property
    def values(self) -> dict[str, str]:
        """The figures and months, as they compare and as they are written."""
        return {_plain(match[0]): match[0] for match in _VALUE.finditer(self.text)}

    @cached_property
    def words(self) -> frozenset[str]:
        """The words beside the figures."""
        return (
            frozenset(terms(re.sub(r"\d[\d.,:]*", " ", self.text))) - _NO_MATTER - frozenset(map(_month, self.values))
        )

    @cached_property
    def slots(self) -> dict[tuple[str, str], str]:
        """The text around each name that can be but one, and the name."""
        found = {}
        for name in self.names:
            before, _, after = self.text.partition(name)
            if _ONLY_ONE.search(before) and (self.names - {name} or len(terms(before + after)) > _FEWEST_WORDS):
                found[" ".join(before.casefold().split()), " ".join(after.casefold().split())] = name
        return found


def _within(key: object, group: Sequence[_Told]) -> Iterator[Conflict]:
    """The conflicts within statements that are otherwise one."""
    for one, other in combinations(group, 2):
        if not one.is_of_same(other):
            continue
        for of, left, right in _differences(key, one, other):
            # What tells documents of a series apart, as the year in a title, is no contradiction.
            if not (one.is_titled(left) or other.is_titled(right)):
                yield Conflict(of=of, sides=(_said(left, one.statement.item), _said(right, other.statement.item)))


def _differences(key: object, one: _Told, other: _Told) -> Iterator[tuple[str, str, str]]:
    """What two statements differ on, and what each says."""
    if isinstance(key, tuple) and key in one.slots:
        left, right = one.slots[key], other.slots[key]
        if not set(terms(left)) & set(terms(right)):
            yield one.text.replace(left, "…").rstrip(" ."), left, right
        return
    only, others = one.values.keys() - other.values.keys(), other.values.keys() - one.values.keys()
    if len(only) == len(others) == 1:
        left, right = one.values[only.pop()], other.values[others.pop()]
        if _unit(left) == _unit(right):
            yield one.text.replace(left, "…").rstrip(" ."), left, right
    elif not only and not others and denies(one.text) != denies(other.text):
        yield DENIES.sub("", one.text).rstrip(" ."), one.text, other.text


def _plain(value: str) -> str:
    figures = numbers(value)
    return min(figures) if figures else value.casefold()


def _unit(value: str) -> tuple[str, ...]:
    """What a value counts; a year counts nothing else."""
    unit = re.sub(r"\d[\d.,:]*", " ", value)
    if re.fullmatch(f"{_YEAR}|{MONTHS}", value):
        return ("year" if value.isdigit() else "month",)
    return tuple(terms(unit) or unit.split())


def _month(value: str) -> str:
    return next(iter(terms(value)), "")


def _said(value: str, item: EvidenceItem) -> Said:
    short = value if len(value) <= _LONGEST else f"{value[:_LONGEST]}…"
    return Said(value=short, evidence=item.key, title=item.passage.title, date=_date(item.passage))


def _date(passage: Passage) -> str:
    told: Iterable[object] = (passage.metadata.get(name) for name in _DATES)
    return next((str(value) for value in told if value), "")
