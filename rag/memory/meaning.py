"""Turns compared by meaning, with vectors that are made when they are first needed, and kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rag.memory.store.values import Kept
from rag.shown import encodable
from rag.types import Scope

if TYPE_CHECKING:
    import numpy as np

    from rag.memory.store.seam import Vectors
    from rag.protocols import Embedder

    Floats = np.ndarray[Any, np.dtype[Any]]

__all__ = ["Meaning"]


class Meaning:
    """Compares turns of one scope with texts, by the vectors of one embedder."""

    def __init__(self, store: Vectors, embedder: Embedder | None, scope: Scope) -> None:
        from rag.embed import default_embedder

        self._store, self._scope = store, scope
        self._embedder = embedder or default_embedder()
        self._known: dict[int, bytes] = {}

    def embed(self, rows: Sequence[Kept], *, most: int | None = None) -> int:
        """Make the vectors that the first of these turns still lack, so many at most; how many were made.

        Raises:
            RagError: the embedder failed, or the vectors could not be kept.
        """
        name = self._embedder.name
        self._known |= self._store.vectors(
            [row.number for row in rows if row.number not in self._known], name, self._scope
        )
        missing = [row for row in rows if row.number not in self._known][:most]
        if missing:
            vectors = self._embedder.embed([encodable(row.said) for row in missing]).astype("<f4")
            made = {row.number: vector.tobytes() for row, vector in zip(missing, vectors, strict=True)}
            self._store.put_vectors(made, name, self._scope)
            self._known |= made
        return len(missing)

    def cosines(self, text: str, rows: Sequence[Kept]) -> Floats | None:
        """How near each turn is to a text, from -1 to 1; one without a vector is as far as the farthest.

        None where no turn has a vector.

        Raises:
            RagError: the embedder failed.
        """
        import numpy as np

        places = [n for n, row in enumerate(rows) if row.number in self._known]
        if not places:
            return None
        held = b"".join(self._known[rows[n].number] for n in places)
        vectors = np.frombuffer(held, "<f4").reshape(len(places), -1)
        near = vectors @ self._embedder.embed([encodable(text)])[0]
        found = np.full(len(rows), near.min(), np.float32)
        found[places] = near
        return found
