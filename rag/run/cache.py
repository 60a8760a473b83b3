"""What sources returned and models planned, kept for exactly the same call in a later question."""

from __future__ import annotations

import contextlib
import hashlib
import json
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar, Final, Protocol

import anyio
from pydantic_core import from_json, to_json

from rag.errors import StoreError
from rag.sqlite import Format, SqliteFile, transaction
from rag.types import Scope

__all__ = ["Cache", "Kept", "KeptFile", "key_of", "opened_cache"]

_MOST_IN_MEMORY: Final = 1000
_MOST_ON_DISK: Final = 20_000
_DROP_OLDEST: Final = "DELETE FROM kept WHERE key IN (SELECT key FROM kept ORDER BY until LIMIT ?)"


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
            return value

    def put(self, key: str, value: Any, *, seconds: float) -> None:
        """Keep the value for so many seconds."""
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
    that was put. The file holds what sources returned: it is readable by its owner alone.
    """

    FORMAT: ClassVar = Format(
        name="cache",
        table="kept",
        version=1,
        schema=(
            "CREATE TABLE kept (key TEXT PRIMARY KEY, until REAL NOT NULL, value TEXT NOT NULL) WITHOUT ROWID;"
            "CREATE INDEX kept_until ON kept (until)"
        ),
    )

    def __init__(self, path: str) -> None:
        if path != ":memory:":
            Path(path).touch(mode=0o600, exist_ok=True)
        super().__init__(path)
        self._front = Kept()

    def get(self, key: str) -> Any:
        """The value kept under the key, or None.

        Raises:
            StoreError: the file cannot be read.
        """
        if (value := self._front.get(key)) is not None:
            return value
        with self._held() as db:
            row = db.execute("SELECT value FROM kept WHERE key = ? AND until > ?", (key, time.time())).fetchone()
        return None if row is None else from_json(row[0])

    def put(self, key: str, value: Any, *, seconds: float) -> None:
        """Keep the value for so many seconds.

        Raises:
            StoreError: the file cannot be written.
        """
        self._front.put(key, value, seconds=seconds)
        told = to_json(value, fallback=str).decode()
        if from_json(told) != value:
            return
        now = time.time()
        with self._held() as db, transaction(db):
            db.execute("DELETE FROM kept WHERE until <= ?", (now,))
            db.execute("INSERT OR REPLACE INTO kept VALUES (?, ?, ?)", (key, now + seconds, told))
            (count,) = db.execute("SELECT count(*) FROM kept").fetchone()
            if count > _MOST_ON_DISK:
                db.execute(_DROP_OLDEST, (count - _MOST_ON_DISK,))

    async def aget(self, key: str) -> Any:
        """The value kept under the key, or None, also where the file cannot be read."""
        with contextlib.suppress(StoreError):
            return await anyio.to_thread.run_sync(self.get, key)
        return None

    async def aput(self, key: str, value: Any, *, seconds: float) -> None:
        """Keep the value for so many seconds, in memory alone where the file cannot be written."""
        with contextlib.suppress(StoreError):
            await anyio.to_thread.run_sync(lambda: self.put(key, value, seconds=seconds))


def opened_cache(cache: bool | Path | str) -> Cache | None:
    """What keeps results across questions: memory for True, the file at a path, nothing for False.

    Raises:
        StoreError: the file cannot be opened, or is something else.
    """
    if isinstance(cache, bool):
        return Kept() if cache else None
    return KeptFile.open(cache)
