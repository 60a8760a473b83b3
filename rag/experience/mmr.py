"""Maximal marginal relevance: the best of what is alike, and of the rest what is unlike it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[np.float32]]

__all__ = ["most_marginal"]


def most_marginal(worth: Array, vectors: Array, k: int, *, balance: float) -> list[int]:
    """The rows of up to k items, in the order chosen: worth much, and unlike those chosen before.

    Each is the one of the greatest `balance` · worth - (1 - `balance`) · likeness, where likeness is the
    cosine with the nearest one before it, or 0 if that is negative. Ties go to the first row.

    Args:
        worth: what each item is worth by itself, of shape (items,); as a cosine, at most 1.
        vectors: their unit vectors, of shape (items, dimensions).
        k: how many are chosen at most.
        balance: from 0 (unlike each other, whatever they are worth) to 1 (worth alone); λ in the paper.

    Source: Carbonell and Goldstein, SIGIR 1998, "The use of MMR", section 2.

    Example:
        >>> import numpy as np
        >>> twins_and_another = np.array([[1, 0], [1, 0], [0, 1]], dtype=np.float32)
        >>> most_marginal(np.array([0.9, 0.8, 0.5], dtype=np.float32), twins_and_another, 2, balance=0.7)
        [0, 2]
    """
    import numpy as np

    likeness, chosen = np.zeros_like(worth), list[int]()
    while len(chosen) < min(k, len(worth)):
        marginal = balance * worth - (1 - balance) * likeness
        marginal[chosen] = -np.inf
        chosen.append(int(np.argmax(marginal)))
        likeness = np.maximum(likeness, vectors @ vectors[chosen[-1]])
    return chosen
