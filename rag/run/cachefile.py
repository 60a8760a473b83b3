"""Values kept across questions in a SQLite file."""

from __future__ import annotations

import logging
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, Final, TypeVar

import anyio
from pydantic_core import from_json, to_json

from rag.errors import StoreBusy, StoreError
from rag.patience import patiently
from rag.run.cache import NOBODY, Kept, copied
from rag.sqlite import Format, SqliteFile, scrubbed, transaction
from rag.types import Scope

__all__ = ["KeptFile"]

_MOST_ON_DISK: Final = 20_000
_BETWEEN_PRUNINGS: Final = 100
"""How often something is kept before what has run out is looked for."""
_PATIENCE: Final = 1.0
"""Seconds that a file is waited for; what it has is then not found, and what it is given is kept meanwhile."""
_PATIENCE_TO_FORGET: Final = 10.0
"""Seconds that a file is waited for when what it has must go."""
_DROP_OLDEST: Final = "DELETE FROM kept WHERE key IN (SELECT key FROM kept ORDER BY until LIMIT ?)"

_log = logging.getLogger(__name__)

_Result = TypeVar("_Result")

_TABLES: Final = (
    "CREATE TABLE kept (key TEXT PRIMARY KEY, tenant TEXT, user TEXT, until REAL NOT NULL, value TEXT NOT NULL)"
    " WITHOUT ROWID;"
    "CREATE INDEX kept_until ON kept (until);"
    "CREATE INDEX kept_owner ON kept (tenant, user);"
    "CREATE TABLE scrubs (number INTEGER PRIMARY KEY AUTOINCREMENT)"
)
# How often something was forgotten, in a row of its own so that it is told of keys that are not there too.
_KEPT: Final = (
    "SELECT ifnull((SELECT seq FROM sqlite_sequence WHERE name = 'scrubs'), 0),"
    " (SELECT value FROM kept WHERE key = ? AND until > ?)"
)


def _made_anew(db: sqlite3.Connection) -> None:
    """Of what the first version kept nobody can tell whose it is."""
    db.execute("DROP TABLE kept")
    for statement in _TABLES.split(";"):
        db.execute(statement)


class KeptFile(SqliteFile):
    """Values by key, each for a time, in a SQLite file that several processes may share.

    Values that JSON would change, or that could not be written, are kept in memory alone, so that a value
    found is always the one that was put; they go when any process forgets something. The file holds what
    sources returned: it is readable by its owner alone. A process that was forked opens the file itself.
    Nobody waits long for a file that another process holds.
    """

    FORMAT: ClassVar = Format(
        name="cache",
        table="kept",
        version=2,
        schema=_TABLES,
        upgrades={1: _made_anew},
        precious=False,
    )

    def __init__(self, path: str) -> None:
        if path != ":memory:":
            Path(path).touch(mode=0o600, exist_ok=True)
        super().__init__(path)
        self._front = Kept()
        self._puts = 0
        self._forgettings: int | None = None
        self._warned = self._closed = False
        self.announce: Callable[[Path, Scope], object] | None = None
        """Told where the file lies, and whose it is, before anything is written that may have to be forgotten."""

    @property
    def path(self) -> Path | None:
        """Where the file lies; None for one that is in memory."""
        return None if self._path == ":memory:" else Path(self._path).absolute()

    @property
    def closed(self) -> bool:
        """Whether the file was closed, and is not this object's any more."""
        return self._closed

    def close(self) -> None:
        """Close the file; what was put is in it already."""
        self._closed = True
        super().close()

    def get(self, key: str) -> Any:
        """The value kept under the key, or None.

        Raises:
            StoreError: the file cannot be read.
        """
        with self._held() as db:
            row = db.execute(_KEPT, (key, time.time())).fetchone()
        if self._forgettings != row[0]:
            if self._forgettings is not None:
                self._front.clear()  # another process forgot something, whose it was cannot be told any more
            self._forgettings = row[0]
        if (value := self._front.get(key)) is not None:
            return value
        try:
            return None if row[1] is None else from_json(row[1])
        except ValueError:  # nothing of ours, or damaged
            return None

    def put(self, key: str, value: Any, *, seconds: float, scope: Scope = NOBODY) -> None:
        """Keep the value, which is of the scope, for so many seconds.

        Raises:
            StoreError: the file cannot be written.
        """
        if (told := _told(value)) is None:
            self._front.put(key, value, seconds=seconds, scope=scope)
            return
        if self.announce is not None and self.path is not None:
            self.announce(self.path, scope)
        with self._held() as db, transaction(db):
            row = (key, scope.tenant, scope.user, time.time() + seconds, told)
            db.execute("INSERT OR REPLACE INTO kept VALUES (?, ?, ?, ?, ?)", row)
            if self._puts % _BETWEEN_PRUNINGS == 0:
                _prune(db)
            self._puts += 1

    def forget(self, scope: Scope, *, tenant_wide: bool = False) -> int:
        """As `Cache.forget`; the file keeps no byte of it."""
        in_front = self._front.forget(scope, tenant_wide=tenant_wide)
        count = patiently(lambda: self._removed(scope, tenant_wide), patience=_PATIENCE_TO_FORGET)
        patiently(self._scrubbed, patience=_PATIENCE_TO_FORGET)
        return in_front + count

    def _removed(self, scope: Scope, tenant_wide: bool) -> int:
        with self._held() as db, transaction(db):
            gone = db.execute(
                "DELETE FROM kept WHERE tenant IS ? AND (? OR user IS ?)", (scope.tenant, tenant_wide, scope.user)
            )
            db.execute("INSERT INTO scrubs DEFAULT VALUES")
            return gone.rowcount

    def _scrubbed(self) -> None:
        with self._held() as db:
            if not scrubbed(db):
                raise StoreBusy(f"{self._name} is read by others: what was forgotten is gone, but bytes may be left")

    async def aget(self, key: str) -> Any:
        """The value kept under the key, or None; where the file cannot be read, what is in memory."""
        found = await self._soon(lambda: self.get(key))
        return self._front.get(key) if found is None else found

    async def aput(self, key: str, value: Any, *, seconds: float, scope: Scope = NOBODY) -> None:
        """Keep the value for so many seconds, in memory alone where the file cannot be written."""
        value = copied(value)  # what is done to it while the file is waited for is not kept

        def written() -> bool:
            self.put(key, value, seconds=seconds, scope=scope)
            return True

        if not await self._soon(written):
            self._front.put(key, value, seconds=seconds, scope=scope)

    async def _soon(self, work: Callable[[], _Result]) -> _Result | None:
        """What the work comes to, in a thread; None where that takes long or the file does not work."""
        with anyio.move_on_after(_PATIENCE):
            try:
                return await anyio.to_thread.run_sync(work, abandon_on_cancel=True)
            except StoreError as error:
                if not self._warned:
                    self._warned = True
                    _log.warning("nothing is kept for later questions for now: %s", error)
        return None

    @contextmanager
    def _held(self) -> Iterator[sqlite3.Connection]:
        if self._pid != os.getpid():
            self._inherited = self._db  # never closed here: the parent's locks would go with it
            self._puts = 0
            self._reopen()
        with super()._held() as db:
            yield db


def _told(value: Any) -> str | None:
    """The value as JSON that means the same; None where there is none."""
    try:
        told = to_json(value, fallback=str, bytes_mode="base64", inf_nan_mode="constants")
        return told.decode() if from_json(told) == value else None
    except ValueError:
        return None


def _prune(db: sqlite3.Connection) -> None:
    db.execute("DELETE FROM kept WHERE until <= ?", (time.time(),))
    (count,) = db.execute("SELECT count(*) FROM kept").fetchone()
    if count > _MOST_ON_DISK:
        db.execute(_DROP_OLDEST, (count - _MOST_ON_DISK,))
