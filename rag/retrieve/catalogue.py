"""The catalogue: a SQLite database that holds all of an index and is the truth of it.

Documents, their chunks, the chunks' vectors and the words of the lexical index are written in one
transaction, so that a kill leaves either all of a document or nothing of it. `generation` grows
with each transaction; readers of other processes compare it to notice that something changed.

Every document lies in a *partition*: one combination of tenant, user, labels and collection. What a
search may see is a set of partitions, which the stores filter by.
"""

from __future__ import annotations

import json
import os
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from rag.errors import IndexNotFound, RetrievalError, StoreBusy
from rag.patience import PATIENCE, patiently
from rag.retrieve.forking import renewed_after_fork
from rag.types import Scope

__all__ = ["Catalogue", "Seen", "View", "collection_of", "listed", "translated"]

_FILE: Final = "catalogue.sqlite3"
_VERSION: Final = 1
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS partitions (
    id INTEGER PRIMARY KEY, tenant TEXT NOT NULL, user TEXT NOT NULL, labels TEXT NOT NULL, collection TEXT NOT NULL,
    UNIQUE (tenant, user, labels, collection));
CREATE TABLE IF NOT EXISTS documents (
    id INTEGER PRIMARY KEY, partition INTEGER NOT NULL REFERENCES partitions, doc_id TEXT NOT NULL,
    title TEXT NOT NULL, metadata TEXT NOT NULL, digest BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS documents_by_doc_id ON documents (doc_id, partition);
CREATE INDEX IF NOT EXISTS documents_by_partition ON documents (partition);
-- A chunk's title is what it is found by: the document's title and the names in its metadata.
-- AUTOINCREMENT: the id of a deleted chunk never comes back, so that a derived store cannot mistake it.
CREATE TABLE IF NOT EXISTS chunks (
    id INTEGER PRIMARY KEY AUTOINCREMENT, document INTEGER NOT NULL REFERENCES documents ON DELETE CASCADE,
    partition INTEGER NOT NULL, n INTEGER NOT NULL, start INTEGER NOT NULL, stop INTEGER NOT NULL,
    title TEXT NOT NULL, text TEXT NOT NULL, fingerprint INTEGER NOT NULL, vector BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS chunks_by_document ON chunks (document);
CREATE INDEX IF NOT EXISTS chunks_by_id ON chunks (id, partition);
CREATE INDEX IF NOT EXISTS chunks_by_fingerprint ON chunks (partition, fingerprint);
CREATE VIRTUAL TABLE IF NOT EXISTS words USING fts5 (
    title, text, content='chunks', content_rowid='id', tokenize='porter unicode61');
CREATE TRIGGER IF NOT EXISTS chunk_added AFTER INSERT ON chunks BEGIN
    INSERT INTO words (rowid, title, text) VALUES (new.id, new.title, new.text); END;
CREATE TRIGGER IF NOT EXISTS chunk_removed AFTER DELETE ON chunks BEGIN
    INSERT INTO words (words, rowid, title, text) VALUES ('delete', old.id, old.title, old.text); END;
"""
_BEHIND: Final = """
    SELECT chunks.id FROM documents AS own CROSS JOIN documents AS other ON other.doc_id = own.doc_id
    JOIN chunks ON document = other.id WHERE own.partition IN (SELECT value FROM json_each(?1))
    AND other.partition IN (SELECT value FROM json_each(?2))"""
# Every occurrence of every term, as FTS5 has them.
_OCCURRENCES: Final = "CREATE VIRTUAL TABLE temp.occurrences USING fts5vocab (main, words, instance)"


def collection_of(doc_id: str) -> str:
    """The collection that a document belongs to: its id before the first "/", or "".

    Example:
        >>> collection_of("docs/returns.md"), collection_of("4983")
        ('docs', '')
    """
    return doc_id.split("/", 1)[0] if "/" in doc_id else ""


@dataclass(frozen=True, slots=True)
class View:
    """What a search may see.

    Documents of the tenant alone (of no tenant, when it is ""), those that are the user's or no
    user's, those with all the labels, and those of the collection, when one is given.
    """

    tenant: str = ""
    user: str = ""
    labels: frozenset[str] = frozenset()
    collection: str | None = None

    @classmethod
    def of(cls, scope: Scope | None, collection: str | None = None) -> View:
        """The view of a scope; without one, what was stored without one."""
        scope = scope or Scope()
        return cls(scope.tenant or "", scope.user or "", scope.labels, collection)


@dataclass(frozen=True, slots=True)
class Seen:
    """What a view came to when it was looked up.

    `hidden` are the chunks of the tenant's documents that a document of the user's own with the same
    id stands in front of; `whole` says that there were no other partitions.
    """

    partitions: tuple[int, ...]
    whole: bool
    hidden: frozenset[int] = frozenset()

    @property
    def filter(self) -> tuple[int, ...] | None:
        """The partitions to keep to; None when there are no others."""
        return None if self.whole else self.partitions


class Catalogue:
    """A connection to the catalogue, for any number of threads.

    Args:
        folder: where the index lies; None keeps it in memory.
        create: whether to make an index where there is none.

    Raises:
        IndexNotFound: there is none, and `create` is false.
        RetrievalError: what lies there cannot be read.
    """

    def __init__(self, folder: Path | None, *, create: bool = True) -> None:
        self.folder = folder
        renewed_after_fork(self)
        self._inherited: list[sqlite3.Connection] = []
        if folder and not create and not (folder / _FILE).is_file():
            raise IndexNotFound(f"there is no index at {folder}; make one with `rag index DOCS --index {folder}`")
        with translated(folder):
            if folder:
                folder.mkdir(parents=True, exist_ok=True)
            self._connection = patiently(self._prepared)

    def _prepared(self) -> sqlite3.Connection:
        self._connection = self._connected()
        try:
            self._prepare()
        except BaseException:
            self._connection.close()
            raise
        return self._connection

    def renew(self) -> None:
        """Make the lock anew, in a forked child."""
        self._lock = threading.RLock()

    def _connected(self) -> sqlite3.Connection:
        self._pid = os.getpid()
        name = str(self.folder / _FILE) if self.folder else ":memory:"
        connection = sqlite3.connect(name, timeout=PATIENCE, isolation_level=None, check_same_thread=False)
        try:
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute("PRAGMA journal_mode = WAL")
            # FULL: what a commit acknowledged also survives the loss of power, for some milliseconds a batch.
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA temp_store = MEMORY")
            connection.execute(_OCCURRENCES)
        except BaseException:
            connection.close()
            raise
        return connection

    def _prepare(self) -> None:
        found = self.rows("PRAGMA user_version")[0][0]
        if found == 0:
            with self._transaction():
                for statement in _statements(_SCHEMA):
                    self._connection.execute(statement)
                self._connection.execute(f"PRAGMA user_version = {_VERSION}")
        elif found != _VERSION:
            raise RetrievalError(
                f"the index at {self.folder} is of format {found}, and this version reads format {_VERSION};"
                " index the documents again in a new folder"
            )

    @property
    def generation(self) -> int:
        """How many transactions have changed the index."""
        return int(self.meta("generation") or 0)

    def meta(self, key: str) -> Any:
        """A value kept beside the data, or None."""
        found = self.rows("SELECT value FROM meta WHERE key = ?", key)
        return found[0][0] if found else None

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """All rows of a query.

        Raises:
            RetrievalError: the catalogue is closed or cannot be read.
        """
        with self._lock, translated(self.folder):
            self._follow_fork()
            return self._connection.execute(sql, values).fetchall()

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction, all or nothing, which makes another generation.

        Raises:
            StoreBusy: the database stayed locked by another process.
            RetrievalError: it could not be written.
        """
        with self._lock, translated(self.folder):
            self._follow_fork()
            with self._transaction() as connection:
                yield connection
                connection.execute(
                    "INSERT INTO meta VALUES ('generation', 1) ON CONFLICT (key) DO UPDATE SET value = value + 1"
                )

    def seen(self, view: View) -> Seen:
        """What a view is made of.

        Raises:
            RetrievalError: the catalogue cannot be read.
        """
        found = self.rows(
            """SELECT id, user, labels, (SELECT count(*) FROM partitions) FROM partitions
               WHERE tenant = ? AND user IN ('', ?) AND ifnull(collection = ?, 1)""",
            view.tenant,
            view.user,
            view.collection,
        )
        visible = {number: user for number, user, labels, _ in found if view.labels <= set(json.loads(labels))}
        own = [number for number, user in visible.items() if user]
        behind = self.rows(_BEHIND, listed(own), listed(visible.keys() - own)) if own else ()
        whole = bool(visible) and len(visible) == found[0][-1]
        return Seen(tuple(visible), whole, frozenset(number for (number,) in behind))

    def close(self) -> None:
        """Let go of the database."""
        with self._lock:
            self._follow_fork()
            self._connection.close()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        connection = self._connection
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise

    def _follow_fork(self) -> None:
        # SQLite forbids a child to use or to close what its parent opened.
        if self.folder and self._pid != os.getpid():
            self._inherited.append(self._connection)
            self._connection = self._connected()


@contextmanager
def translated(folder: Path | None) -> Iterator[None]:
    """SQLite's and the system's errors as ours.

    Raises:
        StoreBusy: the database is locked.
        RetrievalError: anything else.
    """
    where = f"the index at {folder}" if folder else "the index in memory"
    try:
        yield
    except sqlite3.ProgrammingError as error:
        raise RetrievalError(f"{where} has been closed; open it again to use it") from error
    except sqlite3.OperationalError as error:
        if "locked" in str(error) or "busy" in str(error):
            raise StoreBusy(f"{where} is locked by another process; try again when it has finished") from error
        raise RetrievalError(f"{where} cannot be used: {error}") from error
    except sqlite3.Error as error:
        raise RetrievalError(f"{where} cannot be used: {error}; if it is damaged, index into a new folder") from error
    except OSError as error:
        raise RetrievalError(f"{where} cannot be used: {error.strerror or error}; check the path") from error


def listed(values: Iterable[Any] | None) -> str | None:
    """Values as one parameter, for `IN (SELECT value FROM json_each(?))`; None stays None."""
    return None if values is None else json.dumps(list(values))


def _statements(script: str) -> Sequence[str]:
    # executescript would commit the transaction that it is called in.
    found, rest = [], ""
    for line in script.splitlines():
        rest += line + "\n"
        if sqlite3.complete_statement(rest):
            found.append(rest)
            rest = ""
    return found
