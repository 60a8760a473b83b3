"""How much the collections of an index may hold on a question, from one search of them all."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence, Set
from typing import TYPE_CHECKING, Any, Final

from rag.read.terms import terms
from rag.retrieve.catalogue import Catalogue, View, listed
from rag.retrieve.dense import Dense
from rag.retrieve.lexical import lexical, query_words

if TYPE_CHECKING:
    import numpy as np

    Vector = np.ndarray[Any, np.dtype[np.float32]]

__all__ = ["relevance"]

_DEPTH: Final = 200  # chunks looked at, by words and by meaning
_BEST: Final = 3  # passages of a collection that are read
_UNRELATED: Final = 0.1  # cosines between texts of different subjects, and of one
_SAME: Final = 0.7


def relevance(
    catalogue: Catalogue, dense: Dense, vector: Callable[[str], Vector], question: str, view: View
) -> dict[str, float]:
    """How well each collection meets the question, from 0 to 1; "" stands for all of them together.

    The mean of two signs: the cosine of the collection's nearest passage, and the share of the
    question's words, rare ones counting for more, that its best passages have.
    """
    partitions = catalogue.partitions(view)
    if not question.strip() or partitions == ():
        return {}
    near = dense.search(vector(question), _DEPTH, partitions)
    worded = lexical(catalogue, question, _DEPTH, partitions)
    places = _places(catalogue, [number for number, _ in (*near, *worded)])
    weights = _weights(catalogue, question)
    found = {}
    for name in {"", *places.values()}:
        nearest, best_worded = ([pair for pair in r if name in ("", places.get(pair[0]))] for r in (near, worded))
        best = [number for number, _ in (*nearest[:_BEST], *best_worded[:_BEST])]
        cosine = nearest[0][1] if nearest else 0.0
        found[name] = (_calibrated(cosine) + _covered(weights, _stems(catalogue, best))) / 2
    return found


def _calibrated(cosine: float) -> float:
    return min(1.0, max(0.0, (cosine - _UNRELATED) / (_SAME - _UNRELATED)))


def _covered(weights: Mapping[str, float], stems: Set[str]) -> float:
    total = sum(weights.values())
    return sum(weight for stem, weight in weights.items() if stem in stems) / total if total else 0.0


def _weights(catalogue: Catalogue, question: str) -> dict[str, float]:
    """The stems of the question's words, each with its inverse document frequency."""
    (total,) = catalogue.rows("SELECT count(*) FROM chunks")[0]
    weights = {}
    for word in query_words(question):
        (known,) = catalogue.rows("SELECT count(*) FROM words WHERE words MATCH ?", f'"{word}"')[0]
        for stem in terms(word):
            weights[stem] = math.log(1 + (total - known + 0.5) / (known + 0.5))
    return weights


def _places(catalogue: Catalogue, numbers: Sequence[int]) -> dict[int, str]:
    """The collection of each chunk."""
    found = catalogue.rows(
        """SELECT chunks.id, collection FROM chunks JOIN partitions ON partitions.id = chunks.partition
           WHERE chunks.id IN (SELECT value FROM json_each(?))""",
        listed(numbers),
    )
    return dict(found)


def _stems(catalogue: Catalogue, numbers: Sequence[int]) -> set[str]:
    found = catalogue.rows(
        "SELECT title, text FROM chunks WHERE id IN (SELECT value FROM json_each(?))", listed(numbers)
    )
    return {stem for title, text in found for stem in terms(f"{title}\n{text}")}
