"""What sources returned and models planned, kept for exactly the same call in a later question."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import sqlite3
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, Final, Protocol, TypeVar

import anyio
from pydantic_core import from_json, to_json

from rag.errors import StoreError
from rag.sqlite import Format, SqliteFile, transaction
from rag.types import Scope

__all__ = ["DAY", "Cache", "Kept", "KeptFile", "key_of", "opened_cache"]

DAY: Final = 86_400.0
"""Seconds that is kept what nobody gave a time to live: it was said on that day."""

_MOST_IN_MEMORY: Final = 1000
_MOST_ON_DISK: Final = 20_000
_BETWEEN_PRUNINGS: Final = 100
"""How often something is kept before what has run out is looked for."""

_PATIENCE: Final = 1.0
"""Seconds that a file is waited for; what it has is then not found, and what it is given is kept meanwhile."""

_DROP_OLDEST: Final = "DELETE FROM kept WHERE key IN (SELECT key FROM kept ORDER BY until LIMIT ?)"

_log = logging.getLogger(__name__)

_Result = TypeVar("_Result")


def key_of(kind: str, scope: Scope, *parts: Any) -> str:
    """A key that two calls share only when all their parts and the whole scope are the same.

    Example:
        >>> key_of("rows", Scope(user="ann"), "docs", {"query": "x"}) == key_of("rows", Scope(), "docs", {"query": "x"})
        False
    """
    seen = scope.model_dump(mode="json") | {"labels": sorted(scope.labels)}
    told = json.dumps([kind, seen, *parts], sort_keys=True, ensure_ascii=True, default=str)
    return hashlib.sha256(told.encode()).hexdigest()


class Cache(Protocol):
    """What keeps values by key; a value that cannot be kept or found is worth no answer, so neither raises."""

    async def aget(self, key: str) -> Any:
        """The value kept under the key, or None."""
        ...

    async def aput(self, key: str, value: Any, *, seconds: float) -> None:
        """Keep the value for so many seconds."""
        ...


class Kept:
    """Values by key, each for a time, in memory; the least recently used go first.

    Example:
        >>> now = 0.0
        >>> kept = Kept(clock=lambda: now)
        >>> kept.put("call", [{"text": "x"}], seconds=5)
        >>> kept.get("call")
        [{'text': 'x'}]
        >>> now = 6.0
        >>> kept.get("call") is None
        True
    """

    def __init__(self, *, most: int = _MOST_IN_MEMORY, clock: Callable[[], float] = time.time) -> None:
        self._most = most
        self._clock = clock
        self._lock = threading.Lock()  # an assistant may be used from several loops, each in its thread
        self._held: OrderedDict[str, tuple[float, Any]] = OrderedDict()

    def get(self, key: str) -> Any:
        """The value kept under the key, or None."""
        with self._lock:
            if key not in self._held:
                return None
            until, value = self._held[key]
            if until <= self._clock():
                del self._held[key]
                return None
            self._held.move_to_end(key)
            return _copied(value)

    def put(self, key: str, value: Any, *, seconds: float) -> None:
        """Keep the value for so many seconds."""
        value = _copied(value)
        with self._lock:
            self._held[key] = (self._clock() + seconds, value)
            self._held.move_to_end(key)
            while len(self._held) > self._most:
                self._held.popitem(last=False)

    async def aget(self, key: str) -> Any:
        """The async twin of `get`."""
        return self.get(key)

    async def aput(self, key: str, value: Any, *, seconds: float) -> None:
        """The async twin of `put`."""
        self.put(key, value, seconds=seconds)


class KeptFile(SqliteFile):
    """Values by key, each for a time, in a SQLite file that several processes may share.

    Values that JSON would change are kept in memory alone, so that a value found is always the one
    that was put. The file holds what sources returned: it is readable by its owner alone. A process that
    was forked opens the file itself. Nobody waits long for a file that another process holds.
    """

    FORMAT: ClassVar = Format(
        name="cache",
        table="kept",
        version=1,
        schema=(
            "CREATE TABLE kept (key TEXT PRIMARY KEY, until REAL NOT NULL, value TEXT NOT NULL) WITHOUT ROWID;"
            "CREATE INDEX kept_until ON kept (until)"
        ),
        precious=False,
    )

    def __init__(self, path: str) -> None:
        if path != ":memory:":
            Path(path).touch(mode=0o600, exist_ok=True)
        super().__init__(path)
        self._front = Kept()
        self._puts = 0
        self._warned = False

    def get(self, key: str) -> Any:
        """The value kept under the key, or None.

        Raises:
            StoreError: the file cannot be read.
        """
        if (value := self._front.get(key)) is not None:
            return value
        with self._held() as db:
            row = db.execute("SELECT value FROM kept WHERE key = ? AND until > ?", (key, time.time())).fetchone()
        try:
            return None if row is None else from_json(row[0])
        except ValueError:  # nothing of ours, or damaged
            return None

    def put(self, key: str, value: Any, *, seconds: float) -> None:
        """Keep the value for so many seconds.

        Raises:
            StoreError: the file cannot be written.
        """
        self._front.put(key, value, seconds=seconds)
        if (told := _told(value)) is None:
            return
        with self._held() as db, transaction(db):
            db.execute("INSERT OR REPLACE INTO kept VALUES (?, ?, ?)", (key, time.time() + seconds, told))
            if self._puts % _BETWEEN_PRUNINGS == 0:
                _prune(db)
            self._puts += 1

    async def aget(self, key: str) -> Any:
        """The value kept under the key, or None, also where the file cannot be read."""
        if (value := self._front.get(key)) is not None:
            return value
        return await self._soon(lambda: self.get(key))

    async def aput(self, key: str, value: Any, *, seconds: float) -> None:
        """Keep the value for so many seconds, in memory alone where the file cannot be written."""
        value = _copied(value)  # what is done to it while the file is waited for is not kept
        await self._soon(lambda: self.put(key, value, seconds=seconds))

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


def _copied(value: Any) -> Any:
    """The value with its lists and mappings made anew, which others may change."""
    if isinstance(value, dict):
        return {name: _copied(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(map(_copied, value)) if type(value) in (list, tuple) else value
    return value


def _prune(db: sqlite3.Connection) -> None:
    db.execute("DELETE FROM kept WHERE until <= ?", (time.time(),))
    (count,) = db.execute("SELECT count(*) FROM kept").fetchone()
    if count > _MOST_ON_DISK:
        db.execute(_DROP_OLDEST, (count - _MOST_ON_DISK,))


def opened_cache(cache: bool | Path | str) -> Cache | None:
    """What keeps results across questions: memory for True, the file at a path, nothing for False.

    Raises:
        StoreError: the file cannot be opened, or is something else.
    """
    if isinstance(cache, bool):
        return Kept() if cache else None
    return KeptFile.open(cache)
