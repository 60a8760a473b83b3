"""The SQLite file beneath the log: how it is found, opened, checked, written and complained of."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Literal

from rag.errors import ConfigError, StoreBusy, StoreError
from rag.patience import PATIENCE, patiently

__all__ = ["connected", "path_of", "transaction", "translated"]

_VERSION: Final = 1
# Blobs equal no text, so x'' stands for NULL in the index; a unique index takes NULLs for distinct.
_SCHEMA: Final = f"""
CREATE TABLE turns (
    arrival INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant TEXT, user TEXT, conversation TEXT NOT NULL, turn_id TEXT NOT NULL,
    role TEXT, speaker TEXT NOT NULL, text TEXT NOT NULL,
    at TEXT NOT NULL, zone TEXT NOT NULL, session TEXT, metadata TEXT NOT NULL
);
CREATE UNIQUE INDEX turn_identity ON turns (ifnull(tenant, x''), ifnull(user, x''), conversation, turn_id);
CREATE INDEX turn_order ON turns (tenant, user, conversation, arrival);
PRAGMA user_version = {_VERSION};
"""
_ADVICE: Final = {
    sqlite3.SQLITE_NOTADB: "is no SQLite file, and was left as it is; name another path",
    sqlite3.SQLITE_CORRUPT: "is damaged, and was left as it is; bring back a copy of it",
    sqlite3.SQLITE_READONLY: "may not be written to; check its permissions and its folder's",
    sqlite3.SQLITE_CANTOPEN: "cannot be opened; check its permissions and its folder's",
    sqlite3.SQLITE_FULL: "cannot grow; free some disk space",
    sqlite3.SQLITE_IOERR: "met a failing disk",
}


def path_of(url: str | Path) -> str:
    """The path that a URL or a path means; `:memory:` for a database that no file keeps.

    Raises:
        ConfigError: the URL is of another database, or has too few slashes.
    """
    text = str(url)
    scheme, separator, rest = text.partition("://")
    if not separator:
        return text if text == ":memory:" else str(Path(text).expanduser())
    if scheme != "sqlite":
        raise ConfigError(f"this release keeps memories in SQLite, not {scheme}: pass a path, or sqlite:///file.db")
    if rest in ("", "/", "/:memory:"):
        return ":memory:"
    if not rest.startswith("/"):
        raise ConfigError(f"{text!r} has one slash too few: sqlite:///file.db, or sqlite:////folder/file.db")
    return rest[1:]


def connected(path: str) -> sqlite3.Connection:
    """A connection to the file, which is made with its table when it is not there.

    Raises:
        StoreError: the path cannot hold a memory, or holds something else.
        sqlite3.Error: whatever else went wrong; see `translated`.
    """
    if path != ":memory:":
        if Path(path).is_dir():
            raise StoreError(f"{path} is a folder: name the file in it that the memory is to be kept in")
        if not Path(path).absolute().parent.is_dir():
            raise StoreError(f"the folder of {path} does not exist: make it first")
    return patiently(lambda: _opened(path))


def _opened(path: str) -> sqlite3.Connection:
    db = sqlite3.connect(path, timeout=PATIENCE, isolation_level=None, check_same_thread=False)
    try:
        _prepare(db, path)
    except BaseException:
        db.close()
        raise
    return db


def _prepare(db: sqlite3.Connection, path: str) -> None:
    with transaction(db, "DEFERRED"):
        _check(db, path)  # before anything is written, so that another's database stays as it is
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")  # in WAL, NORMAL may lose what was acknowledged when power fails
    with transaction(db):
        if not _check(db, path):
            for statement in _SCHEMA.split(";"):
                db.execute(statement)


def _check(db: sqlite3.Connection, path: str) -> bool:
    """Whether the tables are there; to be asked in a transaction, since it takes two looks.

    Raises:
        StoreError: the file holds something else.
    """
    version = db.execute("PRAGMA user_version").fetchone()[0]
    tables = {name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if version > _VERSION and "turns" in tables:
        raise StoreError(f"the memory {path} was written by a later release (format {version}): upgrade to open it")
    if tables and (version != _VERSION or "turns" not in tables):
        raise StoreError(f"{path} is a database of something else, with tables {', '.join(sorted(tables)[:5])}")
    return bool(tables)


@contextmanager
def transaction(db: sqlite3.Connection, kind: Literal["IMMEDIATE", "DEFERRED"] = "IMMEDIATE") -> Iterator[None]:
    """All or nothing of what is done within; on disk when it ends."""
    db.execute(f"BEGIN {kind}")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


@contextmanager
def translated(name: str) -> Iterator[None]:
    """SQLite's errors as the framework's, in one line that names the file.

    Raises:
        StoreBusy: another writer would not let go.
        StoreError: any other error of SQLite's.
    """
    try:
        yield
    except sqlite3.Error as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
            raise StoreBusy(f"{name} is held by another writer for over {PATIENCE:g} s: try again") from error
        raise StoreError(f"{name} {_ADVICE.get(code, 'failed')}: {error}") from error
    except (UnicodeError, OverflowError) as error:
        raise StoreError(f"{name} cannot keep that turn; nothing was added: {error}") from error
