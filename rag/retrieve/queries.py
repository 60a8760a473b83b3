"""The vectors of queries, worked out once for all indexes of one embedder."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final
from weakref import WeakKeyDictionary, ref

from rag.protocols import EmbedsQueries
from rag.retrieve.once import Once

if TYPE_CHECKING:
    import numpy as np

    from rag.protocols import Embedder
    from rag.retrieve.query import Weights

    Vector = np.ndarray[Any, np.dtype[np.float32]]

__all__ = ["mean_vector", "query_vectors"]

_LONGEST: Final = 8_000  # characters that an embedder is given
_KEPT: Final = 256
_of_embedder: WeakKeyDictionary[Embedder, Once[[str], Vector]] = WeakKeyDictionary()


def query_vectors(embedder: Embedder) -> Callable[[str], Vector]:
    """A function from a query to its vector, the same for each index that an embedder is given to.

    Example:
        >>> from rag.testing import FakeEmbedder
        >>> embedder = FakeEmbedder()
        >>> query_vectors(embedder) is query_vectors(embedder)
        True
    """
    try:
        weak = ref(embedder)  # a cache that held its own key would keep it for ever
        return _of_embedder.setdefault(embedder, Once(lambda text: _embedded(weak(), text), size=_KEPT))
    except TypeError:  # it has no weak references or no hash, so that it cannot be a key
        return Once(lambda text: _embedded(embedder, text), size=_KEPT)


def mean_vector(vector: Callable[[str], Vector], texts: Weights) -> Vector:
    """The weighted mean of the texts' vectors, as a unit vector.

    Source: Gao et al., 2022, arXiv 2212.10496, section 3 (the mean of drafts stands for the query).
    """
    import numpy as np

    if len(texts) == 1:
        return vector(texts[0][0])
    total: Vector = np.sum([weight * vector(text) for text, weight in texts], axis=0)
    length = np.linalg.norm(total)
    unit: Vector = total / length if length else total
    return unit


def _embedded(embedder: Embedder | None, text: str) -> Vector:
    if embedder is None:
        raise ReferenceError("the embedder is gone, although who asks it holds it")
    embed = embedder.embed_queries if isinstance(embedder, EmbedsQueries) else embedder.embed
    vector: Vector = embed([text[:_LONGEST]])[0]
    return vector
