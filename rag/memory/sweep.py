"""What is past its time to live, removed without anybody's asking."""

from __future__ import annotations

import logging
import threading
import time
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

    It runs in a thread of its own, since nobody who adds a turn should wait while a large file is written anew.
    """

    copies: Copies
    _next: dict[str | None, float] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _thread: threading.Thread | None = None

    def begin(self, scope: Scope) -> None:
        """Begin, unless the tenant has had its sweep today."""
        with self._lock:
            if time.monotonic() < self._next.get(scope.tenant, 0.0):
                return
            self._next[scope.tenant] = time.monotonic() + _DAY
        self._thread = threading.Thread(target=self._swept, args=(Scope(tenant=scope.tenant),), daemon=True)
        self._thread.start()

    def wait(self) -> None:
        """Return once the last one that was begun has ended."""
        if self._thread is not None:
            self._thread.join()

    def _swept(self, of: Scope) -> None:
        try:
            self.copies.forget(Which(expired=True, whole="tenant"), of)
        except StoreError as error:
            _log.warning("turns past their time to live were not removed, and are hidden: %s", error)
