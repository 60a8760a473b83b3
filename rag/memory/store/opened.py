"""The store that a URL means."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from rag.errors import ConfigError

if TYPE_CHECKING:
    from rag.memory.store.seam import MemoryStore

__all__ = ["opened"]


def opened(url: str | Path) -> MemoryStore:
    """The store at a path or URL, made when it is not there.

    Raises:
        ConfigError: the URL is of a database that no store is for.
        StoreError: the store cannot be opened.
    """
    scheme = str(url).partition("://")[0] if "://" in str(url) else "sqlite"
    if scheme in ("postgresql", "postgres", "postgresql+psycopg"):
        from rag.memory.store.postgres import PostgresStore

        return PostgresStore.open(str(url).replace(scheme, "postgresql", 1))
    if scheme != "sqlite":
        raise ConfigError(
            f"memories are kept in SQLite or PostgreSQL, not {scheme}: pass a path, sqlite:///file.db, or postgresql://…"
        )
    from rag.memory.store.sqlite import SqliteStore

    return SqliteStore.open(url)
