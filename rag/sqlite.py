"""A SQLite file that keeps what is acknowledged: how it is found, opened, checked, written and complained of."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Final, Literal, Self

from rag.closing import Closing
from rag.errors import ConfigError, StoreBusy, StoreError
from rag.patience import PATIENCE, patiently

__all__ = ["Format", "SqliteFile", "path_of", "scrubbed", "transaction"]

_PAUSE: Final = 0.001  # seconds, as long as most writers take
_ADVICE: Final = {
    sqlite3.SQLITE_NOTADB: "is no SQLite file, and was left as it is; name another path",
    sqlite3.SQLITE_CORRUPT: "is damaged, and was left as it is; bring back a copy of it",
    sqlite3.SQLITE_READONLY: "may not be written to; check its permissions and its folder's",
    sqlite3.SQLITE_CANTOPEN: "cannot be opened; check its permissions and its folder's",
    sqlite3.SQLITE_FULL: "cannot grow; free some disk space",
    sqlite3.SQLITE_IOERR: "met a failing disk",
}


@dataclass(frozen=True, slots=True)
class Format:
    """What a file holds: what it is called, a table that it is known by, and the statements that make its tables.

    `upgrades` has for each earlier version what makes the next one of it, within a transaction. What is
    not `precious` may be lost with the power, and waits little for another writer.
    """

    name: str
    table: str
    version: int
    schema: str
    upgrades: Mapping[int, Callable[[sqlite3.Connection], None]] = field(default_factory=dict)
    precious: bool = True

    @property
    def patience(self) -> float:
        """Seconds that another writer is waited for."""
        return PATIENCE if self.precious else 0.1


class SqliteFile(Closing):
    """A SQLite file of one format; what was written is on disk when the call returns.

    Threads and processes may share the file: writers wait for each other. A process that was forked
    opens it itself.
    """

    FORMAT: ClassVar[Format]

    def __init__(self, path: str) -> None:
        self._path = path
        self._name = f"the {self.FORMAT.name}" + ("" if path == ":memory:" else f" {path}")
        self._reopen()

    @classmethod
    def open(cls, url: str | Path) -> Self:
        """The file at a path or an SQLite URL, made when it is not there.

        Args:
            url: a path, `sqlite:///relative.db`, `sqlite:////absolute.db`, or `sqlite://` for one that
                lasts as long as it is open.

        Raises:
            ConfigError: the URL is of another database.
            StoreError: the file cannot be opened, holds something else, is damaged, or comes from a later release.
        """
        return cls(path_of(url))

    def close(self) -> None:
        """Close the file; what was added is on disk already."""
        if self._pid == os.getpid():
            with self._lock, self._told():
                self._db.close()

    async def aclose(self) -> None:
        """The async twin of `close`."""
        await asyncio.to_thread(self.close)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._path!r})"

    @contextmanager
    def _held(self) -> Iterator[sqlite3.Connection]:
        if self._pid != os.getpid():
            # SQLite's locks do not survive a fork, and the parent's are dropped by a child that closes.
            raise StoreError(f"{self._name} was opened before this process was forked: open it in this process")
        with self._lock, self._told():
            yield self._db

    def _reopen(self) -> None:
        """Open the file in this process."""
        with self._told():
            self._db = _connected(self._path, self.FORMAT)
        self._lock = threading.Lock()
        self._pid = os.getpid()

    def _told(self) -> AbstractContextManager[None]:
        return _translated(self._name, self.FORMAT.patience)


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
        raise ConfigError(f"this is kept in SQLite, not in {scheme}: pass a path, or sqlite:///file.db")
    if rest in ("", "/", "/:memory:"):
        return ":memory:"
    if not rest.startswith("/"):
        raise ConfigError(f"{text!r} has one slash too few: sqlite:///file.db, or sqlite:////folder/file.db")
    return rest[1:]


def _connected(path: str, form: Format) -> sqlite3.Connection:
    """A connection to the file, which is made with its tables when it is not there.

    Raises:
        StoreError: the path cannot hold the file, or holds something else.
        sqlite3.Error: whatever else went wrong; see `_translated`.
    """
    if path != ":memory:":
        if Path(path).is_dir():
            raise StoreError(f"{path} is a folder: name the file in it that the {form.name} is to be kept in")
        if not Path(path).absolute().parent.is_dir():
            raise StoreError(f"the folder of {path} does not exist: make it first")
    return patiently(lambda: _opened(path, form))


def _opened(path: str, form: Format) -> sqlite3.Connection:
    db = sqlite3.connect(path, timeout=PATIENCE, isolation_level=None, check_same_thread=False)
    try:
        _prepare(db, path, form)
    except BaseException:
        db.close()
        raise
    return db


def _prepare(db: sqlite3.Connection, path: str, form: Format) -> None:
    with transaction(db, "DEFERRED"):
        _check(db, path, form)  # before anything is written, so that another's database stays as it is
    db.execute("PRAGMA journal_mode = WAL")
    # In WAL, NORMAL may lose what was acknowledged when power fails.
    db.execute(f"PRAGMA synchronous = {'FULL' if form.precious else 'NORMAL'}")
    db.execute("PRAGMA secure_delete = ON")  # what is forgotten does not stay in the file
    with transaction(db):
        version = _check(db, path, form)
        if version == 0:
            for statement in form.schema.split(";"):
                db.execute(statement)
        for earlier in range(version or form.version, form.version):
            form.upgrades[earlier](db)
        if version != form.version:
            db.execute(f"PRAGMA user_version = {form.version}")
    db.execute(f"PRAGMA busy_timeout = {int(1000 * form.patience)}")


def _check(db: sqlite3.Connection, path: str, form: Format) -> int:
    """The version of the tables that are there, or 0; to be asked in a transaction, since it takes two looks.

    Raises:
        StoreError: the file holds something else.
    """
    version = db.execute("PRAGMA user_version").fetchone()[0]
    tables = {name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if version > form.version and form.table in tables:
        raise StoreError(
            f"the {form.name} {path} was written by a later release (format {version}): upgrade to open it"
        )
    if tables and (version not in {form.version, *form.upgrades} or form.table not in tables):
        raise StoreError(f"{path} is a database of something else, with tables {', '.join(sorted(tables)[:5])}")
    return int(version) if tables else 0


@contextmanager
def transaction(db: sqlite3.Connection, kind: Literal["IMMEDIATE", "DEFERRED"] = "IMMEDIATE") -> Iterator[None]:
    """All or nothing of what is done within; on disk when it ends."""
    _begin(db, kind)
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


def scrubbed(db: sqlite3.Connection) -> bool:
    """Write the file anew where something was removed since; False where others hold it, or the disk is full.

    `secure_delete` alone is not enough: SQLite leaves copies of rows that it moved to another page behind,
    and those outlast the rows. What is still to be done is written down, in a table `scrubs`, for the case
    that this process ends.
    """
    try:
        (due,) = db.execute("SELECT max(number) FROM scrubs").fetchone()
        if due is not None:
            db.execute("VACUUM")
        busy, *_ = db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        if due is not None and not busy:
            db.execute("DELETE FROM scrubs WHERE number <= ?", (due,))
    except sqlite3.OperationalError:
        return False
    return not busy


def _begin(db: sqlite3.Connection, kind: str) -> None:
    # SQLite itself would sleep for up to a tenth of a second between two looks, while a writer takes a millisecond.
    patience = db.execute("PRAGMA busy_timeout").fetchone()[0]
    db.execute("PRAGMA busy_timeout = 0")
    try:
        patiently(lambda: db.execute(f"BEGIN {kind}"), pause=_PAUSE, patience=patience / 1000)
    finally:
        db.execute(f"PRAGMA busy_timeout = {patience}")


@contextmanager
def _translated(name: str, patience: float) -> Iterator[None]:
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
            raise StoreBusy(f"{name} is held by another writer for over {patience:g} s: try again") from error
        raise StoreError(f"{name} {_ADVICE.get(code, 'failed')}: {error}") from error
    except (UnicodeError, OverflowError) as error:
        raise StoreError(f"{name} cannot keep that; nothing was added: {error}") from error
