"""Waiting for other processes that hold what is needed, such as a SQLite file's lock."""

from __future__ import annotations

import random
import sqlite3
import time
from collections.abc import Callable
from typing import Final, TypeVar

from rag.errors import StoreBusy

__all__ = ["PATIENCE", "patiently"]

PATIENCE: Final = 60.0
"""Seconds that a lock is waited for; those who hold one take milliseconds."""

_Value = TypeVar("_Value")


def patiently(work: Callable[[], _Value], *, pause: float = 0.01, patience: float = PATIENCE) -> _Value:
    """What `work` gives, once no other process is in its way; it is tried again after a `pause`, in seconds.

    SQLite's own timeout does not cover a change to WAL, nor the end of another's last connection, and it
    sleeps long between two looks.

    Raises:
        StoreBusy: another process was in the way all the time.
        sqlite3.Error: whatever else went wrong.
    """
    deadline = time.monotonic() + patience
    while True:
        try:
            return work()
        except (sqlite3.OperationalError, StoreBusy) as error:
            code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_BUSY)
            if code & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(random.uniform(0, 2 * pause))  # noqa: S311  # not for secrets
