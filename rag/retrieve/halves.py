"""The two halves of an index, as searches that keep to what a scope sees."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rag.retrieve.catalogue import Catalogue, Seen, View
from rag.retrieve.dense import Dense
from rag.retrieve.lexical import Lexical
from rag.retrieve.passages import hits
from rag.retrieve.queries import mean_vector
from rag.retrieve.query import Query
from rag.types import Hit, Scope

if TYPE_CHECKING:
    import numpy as np

    Vector = np.ndarray[Any, np.dtype[np.float32]]

__all__ = ["Halves"]


@dataclass(frozen=True, slots=True)
class Halves:
    """Search by words and search by meaning, over one catalogue."""

    catalogue: Catalogue
    lexical: Lexical
    dense: Dense
    vector: Callable[[str, Scope | None], Vector]

    def by_words(self, query: Query, k: int) -> list[Hit]:
        """The `k` hits that score best by words, best first.

        Raises:
            RetrievalError: the index cannot be read.
        """
        if query.words:
            return self._hits(query, k, lambda n, seen: self.lexical.weighted(query.words, n, seen.partitions))
        return self._hits(query, k, lambda n, seen: self.lexical.search(query.text, n, seen.filter))

    def by_meaning(self, query: Query, k: int) -> list[Hit]:
        """The `k` hits that are nearest, best first.

        Raises:
            RetrievalError: the index cannot be read.
            ModelError: the embedder failed.
        """

        def best(n: int, seen: Seen) -> list[tuple[int, float]]:
            vector = mean_vector(lambda text: self.vector(text, query.scope), query.meant)
            return self.dense.search(vector, n, seen.filter)

        return self._hits(query, k, best)

    def _hits(self, query: Query, k: int, best: Callable[[int, Seen], list[tuple[int, float]]]) -> list[Hit]:
        seen = self.catalogue.seen(View.of(query.scope, query.collection))
        if not seen.partitions:
            return []  # before a model is loaded for nothing
        found = best(k + len(seen.hidden), seen)
        return hits(self.catalogue, [pair for pair in found if pair[0] not in seen.hidden][:k], seen)
