"""Which sources give what another needs: a field of their rows for an argument that must be given."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Final

from rag.card import SourceCard
from rag.plan.shapes import Shape

__all__ = ["PASSAGE", "Givers", "givers_among", "gives_passages", "needs", "row_fields"]

PASSAGE: Final = frozenset(("doc_id", "chunk_id", "title", "text", "score", "span", "metadata"))
"""The fields of rows that are passages of text: none of them is an argument of anything."""

_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_DEEPEST: Final = 4  # levels within a row
# When something is to be is for the question to say, though rows have dates as well.
_WHEN: Final = frozenset(("date", "day", "time", "hour", "month", "year"))
_TELLING: Final = 8  # letters that a name has at least to be looked for in what is told of an argument


def needs(card: SourceCard) -> frozenset[str]:
    """The arguments that a step must give, besides words to search for: what another source may have to bring.

    Example:
        >>> from pydantic import BaseModel
        >>> class Arguments(BaseModel):
        ...     hotel_id: str
        ...     nights: int = 1
        >>> sorted(needs(SourceCard(name="rooms", arguments=Arguments)))
        ['hotel_id']
    """
    return card.required - {card.query_argument}


def row_fields(card: SourceCard) -> Iterator[tuple[str, ...]]:
    """The path of each field that the source's rows are said to have, those within others after them.

    Example:
        >>> card = SourceCard(name="places", output={"properties": {
        ...     "name": {}, "at": {"properties": {"lat": {}, "lon": {}}}}})
        >>> list(row_fields(card))
        [('name',), ('at',), ('at', 'lat'), ('at', 'lon')]
    """
    if card.output is not None:
        yield from _paths(Shape(card.output, card.output.get("$defs", {})), ())


def gives_passages(card: SourceCard) -> bool:
    """Whether rows are passages of text, as far as the source says: they have no field that others may need."""
    return {path[0] for path in row_fields(card)} <= PASSAGE


def _paths(shape: Shape, above: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    if len(above) == _DEEPEST:
        return
    for kind in shape.kinds():
        for name, schema in (kind.fields or {}).items():
            yield (*above, name)
            yield from _paths(kind.of(schema), (*above, name))
        if "array" in kind.types:
            yield from _paths(kind.item, above)


class Givers:
    """Knows which of several sources give what others need.

    A field is meant for an argument when it has its words or, being of several words, the last of them;
    where it lacks some, as `id` does of `hotel_id`, the source's name may have them. A source that needs
    the same itself gives nothing new. Where what is told of an argument names sources, it is these.

    Example:
        >>> from pydantic import BaseModel
        >>> class Arguments(BaseModel):
        ...     hotel_id: str
        >>> hotels = SourceCard(name="search_hotels", output={"properties": {"id": {}}})
        >>> rooms = SourceCard(name="rooms", arguments=Arguments)
        >>> Givers([hotels, rooms]).of(rooms, "hotel_id")
        ('search_hotels',)
    """

    def __init__(self, cards: Sequence[SourceCard]) -> None:
        self._cards = {card.name: card for card in cards}
        self._names = {card.name: _folded(card.name) for card in cards}
        self._needs = {card.name: frozenset(map(_words, needs(card))) for card in cards}
        # By the last word, which a field and the argument that it is for share.
        self._fields: dict[str, list[tuple[str, frozenset[str], frozenset[str]]]] = {}
        for card in cards:
            if gives_passages(card):
                continue
            own = frozenset(_words(card.name))
            for field in dict.fromkeys(_words(path[-1]) for path in row_fields(card)):
                if field:
                    self._fields.setdefault(field[-1], []).append((card.name, frozenset(field), own))

    def of(self, card: SourceCard, name: str) -> tuple[str, ...]:
        """The names of the sources that may give the argument, in card order."""
        told = _folded(str(card.properties[name].get("description", "")))
        said = {other for other, folded in self._names.items() if len(folded) >= _TELLING and folded in told}
        meant = said or self._alike(name)
        return tuple(other for other in self._cards if other in meant and other != card.name)

    def _alike(self, name: str) -> set[str]:
        """The names of the sources with a field that is meant for an argument of that name."""
        words = _words(name)
        found: set[str] = set()
        if _WHEN & set(words[-1:]):
            return found
        for other, field, own in self._fields.get((words or ("",))[-1], ()):
            alike = set(words) <= field | own or (len(field) > 1 and field <= set(words))
            if alike and words not in self._needs[other]:
                found.add(other)
        return found

    def added(self, kept: Sequence[SourceCard], fit: Mapping[str, float], most: int) -> tuple[SourceCard, ...]:
        """The sources, besides those kept, that give what these need, and what they need in turn.

        One for each argument that no source may give as yet: the fittest; at most `most`.
        """
        found: dict[str, SourceCard] = {card.name: card for card in kept}
        pending = list(kept)
        for card in pending:  # those that are added are looked at in their turn
            for name in sorted(needs(card)):
                giving = self.of(card, name)
                if giving and not found.keys() & set(giving) and len(found) < len(kept) + most:
                    best = self._cards[max(giving, key=lambda each: fit.get(each, 0.0))]
                    found[best.name] = best
                    pending.append(best)
        return tuple(found.values())[len(kept) :]


@lru_cache(maxsize=32)
def givers_among(cards: tuple[SourceCard, ...]) -> Givers:
    """Who gives what among these sources; kept, since most questions are asked of the same ones."""
    return Givers(cards)


def _words(name: str) -> tuple[str, ...]:
    return tuple(word.casefold().removesuffix("s") for word in _WORD.findall(name))


def _folded(text: str) -> str:
    return "".join(c for c in text.casefold() if c.isalnum())
