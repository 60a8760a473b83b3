"""What sources returned and models planned, kept for exactly the same call in a later question."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from rag.types import Scope

if TYPE_CHECKING:
    from rag.memory.copies import Copies

__all__ = ["DAY", "NOBODY", "Cache", "Kept", "copied", "key_of", "opened_cache"]

DAY: Final = 86_400.0
"""Seconds that is kept what nobody gave a time to live: it was said on that day."""

_MOST_IN_MEMORY: Final = 1000


NOBODY: Final = Scope()
"""The scope of what is nobody's in particular."""


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

    async def aput(self, key: str, value: Any, *, seconds: float, scope: Scope = NOBODY) -> None:
        """Keep the value, which is of the scope, for so many seconds."""
        ...

    def forget(self, scope: Scope, *, tenant_wide: bool = False) -> int:
        """Drop all that is of the scope's user, or of its tenant; how many values went.

        Raises:
            StoreError: something of it may be left.
        """
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
        self._held: OrderedDict[str, tuple[float, Any, Scope]] = OrderedDict()

    def get(self, key: str) -> Any:
        """The value kept under the key, or None."""
        with self._lock:
            if key not in self._held:
                return None
            until, value, _ = self._held[key]
            if until <= self._clock():
                del self._held[key]
                return None
            self._held.move_to_end(key)
            return copied(value)

    def put(self, key: str, value: Any, *, seconds: float, scope: Scope = NOBODY) -> None:
        """Keep the value, which is of the scope, for so many seconds."""
        value = copied(value)
        with self._lock:
            self._held[key] = (self._clock() + seconds, value, scope)
            self._held.move_to_end(key)
            while len(self._held) > self._most:
                self._held.popitem(last=False)

    def forget(self, scope: Scope, *, tenant_wide: bool = False) -> int:
        """As `Cache.forget`."""
        with self._lock:
            gone = [key for key, (_, _, of) in self._held.items() if _is_of(of, scope, tenant_wide=tenant_wide)]
            for key in gone:
                del self._held[key]
        return len(gone)

    def clear(self) -> None:
        """Drop everything."""
        with self._lock:
            self._held.clear()

    async def aget(self, key: str) -> Any:
        """The async twin of `get`."""
        return self.get(key)

    async def aput(self, key: str, value: Any, *, seconds: float, scope: Scope = NOBODY) -> None:
        """The async twin of `put`."""
        self.put(key, value, seconds=seconds, scope=scope)


def _is_of(owner: Scope, scope: Scope, *, tenant_wide: bool) -> bool:
    return owner.tenant == scope.tenant and (tenant_wide or owner.user == scope.user)


def copied(value: Any) -> Any:
    """The value with its lists and mappings made anew, which others may change."""
    if isinstance(value, dict):
        return {name: copied(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(map(copied, value)) if type(value) in (list, tuple) else value
    return value


def opened_cache(cache: bool | Path | str, copies: Copies | None = None) -> Cache | None:
    """What keeps results across questions: memory for True, the file at a path, nothing for False.

    What the memory's `copies` know of is forgotten with its turns.

    Raises:
        StoreError: the file cannot be opened, or is something else.
    """
    from rag.run.cachefile import KeptFile

    if cache is False:
        return None
    kept = Kept() if cache is True else KeptFile.open(cache)
    if copies is not None:
        copies.add(kept)
        if isinstance(kept, KeptFile):
            kept.announce = copies.note
    return kept
