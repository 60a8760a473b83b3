"""What is searched for, as it travels through an expression."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from rag.types import Scope

__all__ = ["Query", "Weights"]

Weights: TypeAlias = tuple[tuple[str, float], ...]
"""Texts, each with what it counts for (above 0)."""


@dataclass(frozen=True, slots=True)
class Query:
    """What is searched for, in whose name, in which collection.

    `text` is all that most queries have. A reformulator may also say what each half of an index is to look
    for in its place: search by words counts `words` by their weights, and search by meaning looks for the
    weighted mean of the vectors of `texts`.
    """

    text: str
    scope: Scope | None = None
    collection: str | None = None
    words: Weights = ()
    texts: Weights = ()

    @property
    def meant(self) -> Weights:
        """What search by meaning looks for: `texts`, or the text itself where there are none."""
        return self.texts or ((self.text, 1.0),)
