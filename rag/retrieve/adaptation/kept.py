"""An adapter as an index keeps it: in the catalogue, so that it is never apart from the vectors it is for."""

from __future__ import annotations

from collections.abc import Callable

from rag.errors import ConfigError
from rag.protocols import Embedder
from rag.retrieve.adaptation.adapter import Adapted, Adapter
from rag.retrieve.catalogue import Catalogue

__all__ = ["keep", "kept"]

_KEY = "adapter"


def keep(catalogue: Catalogue, adapter: Adapter | None, embedder: Callable[[], Embedder]) -> None:
    """Store the adapter in place of the one before; None, or one that is off, leaves none.

    Raises:
        ConfigError: it is no adapter.
        DimensionMismatch: it was learned for another embedder.
        StoreBusy: the database is locked by another process.
        RetrievalError: it cannot be written.
    """
    if not isinstance(adapter, Adapter | None):
        raise ConfigError(f"{adapter!r} is no adapter; give what rag.retrieve.adapt returned, or None for none")
    if adapter:
        adapter.check(embedder().name)
    with catalogue.writing() as connection:
        connection.execute("DELETE FROM meta WHERE key = ?", (_KEY,))
        if adapter and adapter.on:
            connection.execute("INSERT INTO meta VALUES (?, ?)", (_KEY, adapter.to_bytes()))


def kept(catalogue: Catalogue, embedder: Embedder) -> Adapter | None:
    """The adapter that is stored, unless the embedder has one of its own.

    Raises:
        DimensionMismatch: it was learned for another embedder.
        RetrievalError: it cannot be read.
    """
    content = None if isinstance(embedder, Adapted) else catalogue.meta(_KEY)
    if content is None:
        return None
    adapter = Adapter.from_bytes(content)
    adapter.check(embedder.name)
    return adapter
