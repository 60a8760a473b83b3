"""An embedder that keeps what it has embedded in a file, so that a benchmark's second run embeds nothing."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from rag.protocols import Embedder

Vectors = np.ndarray[Any, np.dtype[np.float32]]

__all__ = ["Kept"]

_BATCH = 256


class Kept:
    """The vectors of an embedder, each computed once and then read from the file; for any number of threads."""

    def __init__(self, embedder: Embedder, path: Path) -> None:
        self._embedder = embedder
        self.name, self.dimensions = embedder.name, embedder.dimensions
        self._lock = threading.Lock()
        self._kept = sqlite3.connect(path, check_same_thread=False, timeout=60)
        self._kept.execute("CREATE TABLE IF NOT EXISTS vectors (key TEXT PRIMARY KEY, vector BLOB NOT NULL)")

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors, of shape (texts, dimensions)."""
        keys = [hashlib.sha256(f"{self.name}\n{text}".encode()).hexdigest() for text in texts]
        with self._lock:
            known = self._known(keys)
            missing = {key: text for key, text in zip(keys, texts, strict=True) if key not in known}
            for start in range(0, len(missing), _BATCH):
                part = dict(list(missing.items())[start : start + _BATCH])
                made = dict(zip(part, self._embedder.embed(list(part.values())), strict=True))
                with self._kept:
                    rows = [(key, vector.tobytes()) for key, vector in made.items()]
                    self._kept.executemany("INSERT OR IGNORE INTO vectors VALUES (?, ?)", rows)
                known |= made
        return np.array([known[key] for key in keys], np.float32).reshape(len(keys), self.dimensions)

    def _known(self, keys: Sequence[str]) -> dict[str, Vectors]:
        found = self._kept.execute(
            "SELECT key, vector FROM vectors WHERE key IN (SELECT value FROM json_each(?))", (json.dumps(keys),)
        )
        return {key: np.frombuffer(vector, np.float32) for key, vector in found}
