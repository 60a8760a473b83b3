"""The table of experiences: what a row holds, and the statements that put, find and remove rows."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final

from rag.types import Scope

__all__ = ["TABLES", "Experience", "forget", "found", "key_of", "owner", "put"]

# Blobs equal no text, so x'' stands for NULL in the index; a unique index takes NULLs for distinct.
TABLES: Final = """
CREATE TABLE experiences (
    arrival INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant TEXT, user TEXT, key TEXT NOT NULL,
    question TEXT NOT NULL, sources TEXT NOT NULL, plan TEXT NOT NULL, outcome TEXT NOT NULL,
    at TEXT NOT NULL, embedder TEXT NOT NULL, vector BLOB NOT NULL
);
CREATE UNIQUE INDEX experience_identity ON experiences (ifnull(tenant, x''), ifnull(user, x''), key);
CREATE INDEX experience_order ON experiences (tenant, user, arrival);
"""
_COLUMNS: Final = "arrival, key, question, sources, plan, outcome, embedder, vector"
_OWNED: Final = "tenant IS :tenant AND user IS :user"
_SEEN: Final = "tenant IS :tenant AND (:everyone OR user IS :user) AND (:as_of IS NULL OR at <= :as_of)"


@dataclass(frozen=True, slots=True)
class Experience:
    """A row: a question, the sources that its plan asked by name and fingerprint, the plan as JSON, how it went."""

    arrival: int
    key: str
    question: str
    sources: Mapping[str, str]
    plan: str
    outcome: str
    embedder: str
    vector: bytes


def key_of(question: str) -> str:
    """What the same question has in common, however it is spaced, capitalised and ended.

    Example:
        >>> key_of("How long  is the Leave?")
        'how long is the leave'
    """
    return re.sub(r"[\s.?!]+$", "", " ".join(question.casefold().split()))


def owner(scope: Scope | None, *, everyone: bool = False) -> dict[str, Any]:
    """Whose experiences are meant, as the statements take it; `everyone` is all users of the tenant."""
    scope = scope or Scope()
    as_of = _utc(scope.as_of) if scope.as_of else None
    return {"tenant": scope.tenant, "user": scope.user, "as_of": as_of, "everyone": everyone}


def found(db: sqlite3.Connection, whose: Mapping[str, Any]) -> list[Experience]:
    """The experiences that may be seen; of one question the best, and of those the last."""
    query = f"SELECT {_COLUMNS} FROM experiences WHERE {_SEEN} ORDER BY arrival"  # noqa: S608  # constants
    best: dict[str, Experience] = {}
    for arrival, key, question, sources, *rest in db.execute(query, whose):
        one = Experience(arrival, key, question, _read(sources), *rest)
        # Users that share may have asked the same question.
        if key not in best or one.outcome == "complete" or best[key].outcome != "complete":
            best[key] = one
    return list(best.values())


@lru_cache(maxsize=4096)
def _read(sources: str) -> Mapping[str, str]:
    marks: dict[str, str] = json.loads(sources)
    return marks


def put(db: sqlite3.Connection, whose: Mapping[str, Any], values: Mapping[str, Any], *, most: int) -> None:
    """Keep an experience in the place of an earlier one of its question, and drop the oldest over `most`.

    A partial one leaves a complete one in its place, unless a source has changed since that.
    """
    row = {**whose, **values, "at": _utc(datetime.now(UTC))}
    query = f"SELECT outcome, sources FROM experiences WHERE {_OWNED} AND key = :key"  # noqa: S608
    before = db.execute(query, row).fetchone()
    if before and before[0] == "complete" != row["outcome"] and not _changed(before[1], row["sources"]):
        return
    db.execute(f"DELETE FROM experiences WHERE {_OWNED} AND key = :key", row)  # noqa: S608
    db.execute(
        "INSERT INTO experiences (tenant, user, key, question, sources, plan, outcome, at, embedder, vector) VALUES"
        " (:tenant, :user, :key, :question, :sources, :plan, :outcome, :at, :embedder, :vector)",
        row,
    )
    last = f"SELECT arrival FROM experiences WHERE {_OWNED} ORDER BY arrival DESC LIMIT 1 OFFSET :most"  # noqa: S608
    db.execute(f"DELETE FROM experiences WHERE {_OWNED} AND arrival <= ({last})", row | {"most": most})  # noqa: S608


def forget(db: sqlite3.Connection, whose: Mapping[str, Any], question: str | None) -> int:
    """Delete what may be seen, of one question or of all; how many there were."""
    values = {**whose, "key": None if question is None else key_of(question)}
    done = db.execute(f"DELETE FROM experiences WHERE {_SEEN} AND (:key IS NULL OR key = :key)", values)  # noqa: S608
    return done.rowcount


def _changed(before: str, now: str) -> bool:
    """Whether a source that both name has another fingerprint."""
    marks = _read(now)
    return any(marks[name] != mark for name, mark in _read(before).items() if name in marks)


def _utc(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds")
