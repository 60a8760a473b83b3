"""What is past its time to live, removed without anybody's asking."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from typing import Final

from rag.errors import StoreError
from rag.memory.copies import Copies
from rag.memory.store.values import Which
from rag.types import Scope

__all__ = ["Sweep"]

_DAY: Final = 86_400.0
_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Sweep:
    """Removes a tenant's expired turns once a day, begun by whoever adds a turn: reads hide them meanwhile.

    It runs in a thread of its own, one tenant after the other, since nobody who adds a turn should wait while a
    large file is written anew. The turn is kept by then: nothing that fails here reaches who added it.
    """

    copies: Copies
    _next: dict[str | None, float] = field(default_factory=dict)
    _due: deque[str | None] = field(default_factory=deque)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _thread: threading.Thread | None = None

    def begin(self, scope: Scope) -> None:
        """Begin, unless the tenant has had its sweep today."""
        with self._lock:
            if time.monotonic() < self._next.get(scope.tenant, 0.0):
                return
            self._next[scope.tenant] = time.monotonic() + _DAY
            self._due.append(scope.tenant)
            if self._thread is None or not self._thread.is_alive():
                self._thread = _started(threading.Thread(target=self._work, daemon=True))

    def wait(self) -> None:
        """Return once all that were begun have ended."""
        while (thread := self._thread) is not None and thread.is_alive():
            thread.join()

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._due:
                    self._thread = None  # under the lock, so that whoever begins next starts another
                    return
                tenant = self._due.popleft()
            self._sweep(Scope(tenant=tenant))

    def _sweep(self, of: Scope) -> None:
        try:
            self.copies.forget(Which(expired=True, whole="tenant"), of)
        except StoreError as error:
            _log.warning("turns past their time to live were not removed, and are hidden: %s", error)


def _started(thread: threading.Thread) -> threading.Thread | None:
    try:
        thread.start()
    except RuntimeError as error:  # the system has no more threads, or the interpreter is ending
        _log.warning("turns past their time to live are not removed now, and are hidden: %s", error)
        return None
    return thread
