"""Embedders, one a file: texts to unit vectors."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rag.protocols import Embedder

__all__ = ["default_embedder"]


@cache
def default_embedder() -> Embedder:
    """The embedder that is used when none is given: one `MiniLM` for the whole process.

    Example:
        >>> default_embedder() is default_embedder()
        True
    """
    from rag.embed.minilm import MiniLM

    return MiniLM()
