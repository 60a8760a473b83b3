"""What sources returned, kept for the same call in a later question."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence

from rag.protocols import Row

__all__ = ["Kept"]


class Kept:
    """Rows by call, for a time, in memory; the least recently used go first.

    Example:
        >>> now = 0.0
        >>> kept = Kept(clock=lambda: now)
        >>> kept.put("call", [{"text": "x"}], seconds=5)
        >>> kept.get("call")
        ({'text': 'x'},)
        >>> now = 6.0
        >>> kept.get("call") is None
        True
    """

    def __init__(self, *, most: int = 1000, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = most
        self._clock = clock
        self._lock = threading.Lock()  # an assistant may be used from several loops, each in its thread
        self._held: OrderedDict[Hashable, tuple[float, tuple[Row, ...]]] = OrderedDict()

    def get(self, key: Hashable) -> tuple[Row, ...] | None:
        """The rows kept for the call, or None."""
        with self._lock:
            until, rows = self._held.get(key, (0.0, ()))
            if key not in self._held:
                return None
            if until <= self._clock():
                del self._held[key]
                return None
            self._held.move_to_end(key)
            return rows

    def put(self, key: Hashable, rows: Sequence[Row], *, seconds: float) -> None:
        """Keep the rows of a call for so many seconds."""
        with self._lock:
            self._held[key] = (self._clock() + seconds, tuple(rows))
            self._held.move_to_end(key)
            while len(self._held) > self._most:
                self._held.popitem(last=False)
