"""How much the collections of an index may hold on a question, from one search of them all."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from rag.read.terms import terms
from rag.retrieve.catalogue import Catalogue, Seen, listed
from rag.retrieve.dense import Dense
from rag.retrieve.lexical import Lexical, query_words

if TYPE_CHECKING:
    import numpy as np

    Vector = np.ndarray[Any, np.dtype[np.float32]]

__all__ = ["Relevance"]

_COLLECTIONS: Final = """
    SELECT chunks.id, collection FROM chunks JOIN partitions ON partitions.id = chunks.partition
    WHERE chunks.id IN (SELECT value FROM json_each(?1))
    AND chunks.partition IN (SELECT value FROM json_each(?2))"""
_TEXTS: Final = "SELECT id, title, text FROM chunks WHERE id IN (SELECT value FROM json_each(?1))"
_DEPTH: Final = 100  # chunks looked at, by words and by meaning
_BEST: Final = 3  # passages of a collection that are read, by each sign
_MOST_WORDS: Final = 50  # of the question
_UNRELATED: Final = 0.1  # cosines between texts of different subjects, and of one
_SAME: Final = 0.7


@dataclass(frozen=True, slots=True)
class Relevance:
    """Measures, in the two halves of an index, how much its collections may hold on a question."""

    catalogue: Catalogue
    lexical: Lexical
    dense: Dense
    vector: Callable[[str], Vector]

    def of(self, question: str, seen: Seen) -> dict[str | None, float]:
        """How well each collection meets the question, from 0 to 1; None stands for all of them together.

        The mean of two signs: the cosine of the collection's nearest passage, and the share of the
        question's words, rare ones counting for more, that its best passages have. What is not seen
        counts for neither.

        Raises:
            RetrievalError: the index cannot be read.
        """
        if not question.strip() or not seen.partitions:
            return {}
        near = dict(self.dense.search(self.vector(question), _DEPTH, seen.filter))
        worded = dict(self.lexical.search(question, _DEPTH, seen.filter))
        members = self._members({*near, *worded}, seen)
        best = {name: {*_first(near, found), *_first(worded, found)} for name, found in members.items()}
        stems = self._stems(set().union(*best.values()))
        weights = self._weights(question, seen.partitions)
        return {
            name: (_nearness(near, found) + _coverage((stems[number] for number in best[name]), weights)) / 2
            for name, found in members.items()
        }

    def _members(self, numbers: Iterable[int], seen: Seen) -> dict[str | None, set[int]]:
        """The chunks by collection, and all of them."""
        members: dict[str | None, set[int]] = defaultdict(set)
        for number, collection in self.catalogue.rows(_COLLECTIONS, listed(numbers), listed(seen.partitions)):
            if number not in seen.hidden:
                members[collection].add(number)
                members[None].add(number)
        return members

    def _stems(self, numbers: Iterable[int]) -> dict[int, frozenset[str]]:
        found = self.catalogue.rows(_TEXTS, listed(numbers))
        return defaultdict(frozenset, {number: frozenset(terms(f"{title}\n{text}")) for number, title, text in found})

    def _weights(self, question: str, partitions: Sequence[int]) -> dict[str, float]:
        """The stems of the question's words, each with its inverse document frequency among what is seen."""
        rarities = self.lexical.rarities(query_words(question)[:_MOST_WORDS], partitions)
        return {stem: rarity for word, rarity in rarities.items() for stem in terms(word)}


def _first(scores: Mapping[int, float], members: Set[int]) -> list[int]:
    """The best members by scores that come best first."""
    return [number for number in scores if number in members][:_BEST]


def _nearness(cosines: Mapping[int, float], members: Set[int]) -> float:
    nearest = max(cosines.get(number, 0.0) for number in members)
    return min(1.0, max(0.0, (nearest - _UNRELATED) / (_SAME - _UNRELATED)))


def _coverage(read: Iterable[Set[str]], weights: Mapping[str, float]) -> float:
    def weight(stems: Iterable[str]) -> float:
        return math.fsum(weights[stem] for stem in stems)

    best = sorted((stems & weights.keys() for stems in read), key=weight, reverse=True)[:_BEST]
    total = weight(weights)
    return weight(set().union(*best)) / total if total else 0.0
