"""A stand-in for an embedder whose vectors lie as a model's do."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Vectors = np.ndarray[Any, np.dtype[np.float32]]

__all__ = ["SpreadEmbedder"]

_WORDS = re.compile(r"\w+")


class SpreadEmbedder:
    """Unit vectors: the mean of one random direction a word, so that texts that share words are near each other.

    Unlike those of `FakeEmbedder` they are dense and no two distances are alike, which the graphs of
    nearest-neighbour indexes need.

    Example:
        >>> near = SpreadEmbedder().embed(["red kettle", "a red kettle", "returns"])
        >>> bool(near[0] @ near[1] > near[0] @ near[2])
        True
    """

    def __init__(self, dimensions: int = 64) -> None:
        self.name = f"spread-{dimensions}"
        self.dimensions = dimensions

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors, of shape (texts, dimensions)."""
        import numpy as np

        vectors: Vectors = np.stack([self._sum(_WORDS.findall(text.lower()) or [""]) for text in texts])
        norms: Vectors = np.linalg.norm(vectors, axis=1, keepdims=True)
        unit: Vectors = vectors / norms
        return unit

    def _sum(self, words: Sequence[str]) -> Vectors:
        import numpy as np

        total: Vectors = np.sum([_direction(word, self.dimensions) for word in words], axis=0, dtype=np.float32)
        return total


@lru_cache(maxsize=4096)
def _direction(word: str, dimensions: int) -> Vectors:
    import numpy as np

    seed = int.from_bytes(hashlib.blake2b(word.encode("utf-8", "replace"), digest_size=8).digest(), "big")
    return np.random.default_rng(seed).standard_normal(dimensions, dtype=np.float32)
