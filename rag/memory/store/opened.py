"""The store that a URL means."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rag.memory.store.seam import MemoryStore

__all__ = ["opened"]


def opened(url: str | Path) -> MemoryStore:
    """The store at a path or URL, made when it is not there.

    Raises:
        ConfigError: the URL is of a database that no store is for.
        StoreError: the store cannot be opened.
    """
    if str(url).startswith(("postgresql://", "postgres://")):
        from rag.memory.store.postgres import PostgresStore

        return PostgresStore.open(str(url))
    from rag.memory.store.sqlite import SqliteStore

    return SqliteStore.open(url)
