"""RM3: a query expanded by the words of what it finds first, without any model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from rag.errors import ConfigError
from rag.read.terms import terms as stems
from rag.retrieve.algebra import Query, Retriever
from rag.retrieve.query import Weights
from rag.retrieve.reformulate.seam import Reformulator, Variant
from rag.retrieve.reformulate.words import counted, joined, stems_of
from rag.retrieve.way import Way
from rag.types import Hit

__all__ = ["RM3", "relevance_model"]


@dataclass(frozen=True, slots=True)
class RM3(Reformulator):
    """Pseudo relevance feedback: the query's words, and those that its first hits make likely.

    Search by words counts the query's words and the `terms` likeliest ones by their shares. Search by
    meaning is left with the query as it was.

    Args:
        documents: hits that are taken for relevant.
        terms: words that are added.
        original: what the query counts for beside them, from 0 to 1.

    Raises:
        ConfigError: a number is out of its range.

    Source: Lavrenko and Croft, 2001, Relevance-Based Language Models (RM1); Abdul-Jaleel et al., 2004, UMass at
    TREC 2004 (interpolation with the query). Scores stand in place of the query's likelihood.
    """

    documents: int = 5
    terms: int = 20
    original: float = 0.7

    def __post_init__(self) -> None:
        if self.documents < 1 or self.terms < 1 or not 0 <= self.original <= 1:
            raise ConfigError(f"{self!r} cannot work; give 1 or more documents and terms, and original from 0 to 1")

    async def variants(self, query: Query, retriever: Retriever, way: Way) -> Sequence[Variant]:
        """One query, or the same one when nothing is found."""
        hits = (await retriever.found(query, self.documents, way)).hits[: self.documents]
        likely = relevance_model(hits, self.terms)
        if not likely:
            return [Variant(query)]
        words = _interpolated(query.words or counted(query.text), likely, self.original)
        text = joined(query.text, [word for word, _ in likely])
        return [Variant(replace(query, text=text, words=words, texts=query.meant))]


def relevance_model(hits: Sequence[Hit], terms: int) -> Weights:
    """The likeliest words of what is relevant, with their probabilities, which sum to 1; the likeliest first.

    P(w) is the mean of a word's share of each hit, weighted by the hits' scores. Words of one stem are
    one, spelled as they mostly are.
    """
    likelihood: dict[str, float] = {}
    spelled: dict[str, Counter[str]] = {}
    for hit in hits:
        found = stems_of(hit, spelled)
        for stem, count in found.items():
            likelihood[stem] = likelihood.get(stem, 0.0) + max(hit.score, 0.0) * count / found.total()
    best = sorted(likelihood.items(), key=lambda pair: (-pair[1], pair[0]))[:terms]
    total = sum(weight for _, weight in best)
    return tuple((_written(spelled[stem]), weight / total) for stem, weight in best if weight > 0)


def _interpolated(query: Weights, likely: Weights, original: float) -> Weights:
    """The query's words, as shares of 1, and the likely ones; words of one stem stand once, as the query has them."""
    length = sum(count for _, count in query)
    weights = {word: original * count / length for word, count in query}
    known = {tuple(stems(word)): word for word in weights}
    for word, weight in likely:
        name = known.get(tuple(stems(word)), word)
        weights[name] = weights.get(name, 0.0) + (1 - original) * weight
    return tuple((word, weight) for word, weight in weights.items() if weight > 0)


def _written(spellings: Counter[str]) -> str:
    return min(spellings, key=lambda word: (-spellings[word], word))
