"""Embedders, one a file: texts to unit vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rag.embed.minilm import MiniLM
from rag.embed.openai import OpenAIEmbedder

if TYPE_CHECKING:
    from rag.protocols import Embedder

__all__ = ["OpenAIEmbedder", "default_embedder"]

_DEFAULT: Final = MiniLM()  # opens no file before it is used


def default_embedder() -> Embedder:
    """The embedder that is used when none is given: one `MiniLM` for the whole process.

    Example:
        >>> default_embedder() is default_embedder()
        True
    """
    return _DEFAULT
