"""How much the collections of an index may hold on a question, from one search of them all."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from typing import TYPE_CHECKING, Any, Final

from rag.read.terms import terms
from rag.retrieve.catalogue import Catalogue, View, listed
from rag.retrieve.dense import Dense
from rag.retrieve.lexical import lexical, query_words

if TYPE_CHECKING:
    import numpy as np

    Vector = np.ndarray[Any, np.dtype[np.float32]]

__all__ = ["relevance"]

_SEEN: Final = "(?1 IS NULL OR +partition IN (SELECT value FROM json_each(?1)))"
_CHUNKS: Final = f"SELECT count(*) FROM chunks WHERE {_SEEN}"  # noqa: S608  # a constant
_CHUNKS_WITH: Final = f"""
    SELECT count(*) FROM words CROSS JOIN chunks INDEXED BY chunks_by_id ON chunks.id = words.rowid
    WHERE words MATCH ?2 AND {_SEEN}"""  # noqa: S608  # a constant
_TEXTS: Final = """
    SELECT chunks.id, collection, title, text FROM chunks JOIN partitions ON partitions.id = chunks.partition
    WHERE chunks.id IN (SELECT value FROM json_each(?1))"""
_DEPTH: Final = 100  # chunks looked at, by words and by meaning
_BEST: Final = 3  # passages of a collection that are read
_UNRELATED: Final = 0.1  # cosines between texts of different subjects, and of one
_SAME: Final = 0.7


def relevance(
    catalogue: Catalogue, dense: Dense, vector: Callable[[str], Vector], question: str, view: View
) -> dict[str | None, float]:
    """How well each collection meets the question, from 0 to 1; None stands for all of them together.

    The mean of two signs: the cosine of the collection's nearest passage, and the share of the
    question's words, rare ones counting for more, that its best passages have. What the view does
    not show counts for neither.
    """
    partitions = catalogue.partitions(view)
    if not question.strip() or partitions == ():
        return {}
    cosines = dict(dense.search(vector(question), _DEPTH, partitions))
    worded = [number for number, _ in lexical(catalogue, question, _DEPTH, partitions)]
    weights = _weights(catalogue, question, partitions)
    signs: dict[str | None, list[tuple[float, Set[str]]]] = defaultdict(list)
    for number, collection, stems in _read(catalogue, {*cosines, *worded}):
        for name in (collection, None):
            signs[name].append((cosines.get(number, 0.0), stems & weights.keys()))
    return {name: (_nearness(found) + _coverage(found, weights)) / 2 for name, found in signs.items()}


def _nearness(signs: Sequence[tuple[float, Set[str]]]) -> float:
    nearest = max(cosine for cosine, _ in signs)
    return min(1.0, max(0.0, (nearest - _UNRELATED) / (_SAME - _UNRELATED)))


def _coverage(signs: Sequence[tuple[float, Set[str]]], weights: Mapping[str, float]) -> float:
    def weight(stems: Iterable[str]) -> float:
        return math.fsum(weights[stem] for stem in stems)

    best = sorted((stems for _, stems in signs), key=weight, reverse=True)[:_BEST]
    total = weight(weights)
    return weight(set().union(*best)) / total if total else 0.0


def _weights(catalogue: Catalogue, question: str, partitions: Sequence[int] | None) -> dict[str, float]:
    """The stems of the question's words, each with its inverse document frequency among what is seen."""
    seen = listed(partitions)
    (total,) = catalogue.rows(_CHUNKS, seen)[0]
    weights = {}
    for word in query_words(question):
        (known,) = catalogue.rows(_CHUNKS_WITH, seen, f'"{word}"')[0]
        for stem in terms(word):
            weights[stem] = math.log(1 + (total - known + 0.5) / (known + 0.5))
    return weights


def _read(catalogue: Catalogue, numbers: Iterable[int]) -> Iterator[tuple[int, str, frozenset[str]]]:
    """Each chunk with its collection and the stems of its words."""
    for number, collection, title, text in catalogue.rows(_TEXTS, listed(numbers)):
        yield number, collection, frozenset(terms(f"{title}\n{text}"))
