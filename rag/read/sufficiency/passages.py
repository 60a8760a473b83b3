"""Passages of evidence as sufficiency reads them, and which of them belong together."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from rag.read.rows import is_row
from rag.read.statements import statements
from rag.read.sufficiency.parts import proper_names
from rag.read.terms import numbers, terms
from rag.types import EvidenceItem

__all__ = ["Read", "has_word", "met"]

_MOST_OF_A_NAME: Final = 0.75
"""The share of a name of three words or more that a text must have; of a shorter one it has all."""

_TELLING: Final = 4
"""Letters of a record's value from which on it can tell the record from others."""

_FORM: Final = 5
"""Letters that two stems must begin with alike to be forms of one word, as "director" and "directed"."""


@dataclass(frozen=True, eq=False)
class Read:
    """A passage with its words, its names and its statements."""

    item: EvidenceItem

    @cached_property
    def text(self) -> str:
        """All that tells what it says: the title, the text, and what the metadata names."""
        passage = self.item.passage
        told = [value for value in passage.metadata.values() if isinstance(value, str)]
        return "\n".join([passage.title, passage.text, *told])

    @cached_property
    def words(self) -> frozenset[str]:
        """The stems of its text."""
        return frozenset(terms(self.text))

    @cached_property
    def title(self) -> frozenset[str]:
        """The stems of its title, less what stands in brackets to tell it from others: "Alien (film)"."""
        return frozenset(terms(re.sub(r"\s*\([^)]*\)", "", self.item.passage.title)))

    @cached_property
    def names(self) -> frozenset[frozenset[str]]:
        """The names in its text, as stems."""
        return frozenset(frozenset(terms(name)) for name in proper_names(self.item.passage.text))

    @cached_property
    def statements(self) -> tuple[str, ...]:
        """What it says, one by one."""
        text = self.item.passage.text
        return tuple(text[start:end] for start, end in statements(text))

    def has_name(self, name: str) -> bool:
        """Whether the name stands in it, or most of a long one."""
        words = set(terms(name))
        if numbers(name) - numbers(self.text):
            return False
        return len(words & self.words) >= (_MOST_OF_A_NAME if len(words) > 2 else 1.0) * len(words)

    def is_linked(self, other: Read) -> bool:
        """Whether one names what the other is about or was searched for by it, or both are of one document or title."""
        if self.item.passage.doc_id == other.item.passage.doc_id or (self.title and self.title == other.title):
            return True
        if (bool(other.title) and other.title in self.names) or (bool(self.title) and self.title in other.names):
            return True
        return self._led_to(other) or other._led_to(self)

    def _led_to(self, other: Read) -> bool:
        """Whether this is a record of which a plan put a value into the query that found the other."""
        return bool(self.values) and any(value in other.item.query.casefold() for value in self.values)

    @cached_property
    def values(self) -> frozenset[str]:
        """What a record's fields hold that can tell it from others; empty for a text."""
        if not is_row(self.item):
            return frozenset()
        told = (str(value).casefold() for value in self.item.fields.values() if isinstance(value, str))
        return frozenset(value for value in told if len(value) >= _TELLING)

    def is_about(self, names: Sequence[frozenset[str]]) -> frozenset[int]:
        """The places of those names that its title is, or is a part of, or has in it."""
        title = self.title
        return frozenset(place for place, name in enumerate(names) if title and (title <= name or name <= title))


def has_word(words: Collection[str], word: str) -> bool:
    """Whether a stem is among others, in this form or another."""
    return word in words or (len(word) >= _FORM and any(own[:_FORM] == word[:_FORM] for own in words))


def met(words: Iterable[str], passages: Iterable[Read]) -> frozenset[str]:
    """Those of the words that some of the passages have, in whatever form."""
    own = frozenset().union(*(passage.words for passage in passages))
    return frozenset(word for word in words if has_word(own, word))
