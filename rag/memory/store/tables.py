"""The tables of a memory in SQLite, and how files of earlier releases come by them."""

from __future__ import annotations

import sqlite3
from datetime import datetime
from typing import Any, Final

from rag.memory.store.rows import COLUMNS, checksum, civil, micros
from rag.sqlite import Format

__all__ = ["FORMAT", "LASTS", "OWNED", "OWNED_ONCE"]

OWNED: Final = "tenant IS :tenant AND user IS :user"
"""The condition on a row's owner."""

OWNED_ONCE: Final = "ifnull(tenant, x'') = ifnull(:tenant, x'') AND ifnull(user, x'') = ifnull(:user, x'')"
"""The same, as the unique indexes have it."""

LASTS: Final = f"SELECT lasts FROM lifetimes WHERE {OWNED_ONCE}"  # noqa: S608  # constants
"""The owner's time to live; no row where there is none."""

# Blobs equal no text, so x'' stands for NULL in an index; a unique index takes NULLs for distinct.
# `at` is in microseconds since 1970, so that the database can tell a silence.
_TURNS: Final = """
CREATE TABLE turns (
    arrival INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant TEXT, user TEXT, conversation TEXT NOT NULL, turn_id TEXT NOT NULL,
    role TEXT, speaker TEXT NOT NULL, text TEXT NOT NULL,
    at INTEGER NOT NULL, zone TEXT NOT NULL, civil_date TEXT NOT NULL, weekday INTEGER NOT NULL,
    session TEXT, metadata TEXT NOT NULL, checksum INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX turn_identity ON turns (ifnull(tenant, x''), ifnull(user, x''), conversation, turn_id);
CREATE INDEX turn_order ON turns (tenant, user, conversation, arrival);
CREATE INDEX turn_time ON turns (tenant, user, conversation, at, arrival, session, zone);
CREATE INDEX owner_time ON turns (tenant, user, at, arrival);
"""
_BESIDE: Final = """
CREATE TABLE vectors (
    number INTEGER NOT NULL, embedder TEXT NOT NULL, vector BLOB NOT NULL, PRIMARY KEY (number, embedder)
) STRICT;
CREATE TABLE derived (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant TEXT, user TEXT, kind TEXT NOT NULL, key TEXT NOT NULL, body TEXT NOT NULL, recorded INTEGER NOT NULL
) STRICT;
CREATE INDEX derived_kind ON derived (tenant, user, kind, key);
CREATE TABLE derived_from (
    turn INTEGER NOT NULL, derived INTEGER NOT NULL, PRIMARY KEY (turn, derived)
) STRICT, WITHOUT ROWID;
CREATE INDEX derived_turns ON derived_from (derived);
CREATE TABLE lifetimes (tenant TEXT, user TEXT, lasts INTEGER NOT NULL) STRICT;
CREATE UNIQUE INDEX lifetime_owner ON lifetimes (ifnull(tenant, x''), ifnull(user, x''));
CREATE TABLE scrubs (number INTEGER PRIMARY KEY AUTOINCREMENT) STRICT
"""


def _from_1(db: sqlite3.Connection) -> None:
    """Times as numbers, the date and weekday where each turn was said, and checksums."""
    db.execute("DROP INDEX turn_identity")
    db.execute("DROP INDEX turn_order")
    db.execute("ALTER TABLE turns RENAME TO turns_1")
    for statement in (_TURNS + _BESIDE).split(";"):
        db.execute(statement)
    rows = db.execute(
        "SELECT arrival, tenant, user, conversation, turn_id, role, speaker, text, at, zone, session, metadata"
        " FROM turns_1 ORDER BY arrival"
    )
    db.executemany(f"INSERT INTO turns VALUES ({', '.join('?' * 15)})", map(_upgraded, rows))  # noqa: S608
    db.execute("DROP TABLE turns_1")


def _upgraded(row: tuple[Any, ...]) -> tuple[Any, ...]:
    arrival, tenant, user, *said, told, zone, session, metadata = row
    at = datetime.fromisoformat(told)
    local = civil(at, zone)
    values = (*said, micros(at), zone, local.date().isoformat(), local.weekday(), session, metadata)
    return (arrival, tenant, user, *values, checksum(values))


def _from_2(db: sqlite3.Connection) -> None:
    """Checksums; a file that was of format 1 just now has them, and so have some of format 2."""
    if any(column == "checksum" for _, column, *_ in db.execute("PRAGMA table_info(turns)")):
        return
    said = COLUMNS.removeprefix("arrival, ")
    db.create_function("checksum_of", -1, lambda *values: checksum(values), deterministic=True)
    db.execute("ALTER TABLE turns ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0")
    db.execute(f"UPDATE turns SET checksum = checksum_of({said})")  # noqa: S608  # constants


FORMAT: Final = Format("memory", "turns", 3, _TURNS + _BESIDE, upgrades={1: _from_1, 2: _from_2})
