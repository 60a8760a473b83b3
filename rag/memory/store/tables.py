"""The tables of a memory in SQLite, and how files of earlier releases come by them."""

from __future__ import annotations

import sqlite3
from datetime import datetime
from typing import Final

from rag.memory.store.rows import civil, micros
from rag.sqlite import Format

__all__ = ["FORMAT"]

# Blobs equal no text, so x'' stands for NULL in an index; a unique index takes NULLs for distinct.
# `at` is in microseconds since 1970, so that the database can tell a silence.
_TURNS: Final = """
CREATE TABLE turns (
    arrival INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant TEXT, user TEXT, conversation TEXT NOT NULL, turn_id TEXT NOT NULL,
    role TEXT, speaker TEXT NOT NULL, text TEXT NOT NULL,
    at INTEGER NOT NULL, zone TEXT NOT NULL, civil_date TEXT NOT NULL, weekday INTEGER NOT NULL,
    session TEXT, metadata TEXT NOT NULL
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
    """Times as numbers, and the date and weekday where each turn was said."""
    db.create_function("micros_of", 1, lambda at: micros(datetime.fromisoformat(at)), deterministic=True)
    db.create_function("date_of", 2, lambda at, zone: civil(datetime.fromisoformat(at), zone).date().isoformat())
    db.create_function("weekday_of", 2, lambda at, zone: civil(datetime.fromisoformat(at), zone).weekday())
    db.execute("DROP INDEX turn_identity")
    db.execute("DROP INDEX turn_order")
    db.execute("ALTER TABLE turns RENAME TO turns_1")
    for statement in (_TURNS + _BESIDE).split(";"):
        db.execute(statement)
    db.execute(
        "INSERT INTO turns SELECT arrival, tenant, user, conversation, turn_id, role, speaker, text, micros_of(at),"
        " zone, date_of(at, zone), weekday_of(at, zone), session, metadata FROM turns_1 ORDER BY arrival"
    )
    db.execute("DROP TABLE turns_1")


FORMAT: Final = Format("memory", "turns", 2, _TURNS + _BESIDE, upgrades={1: _from_1})
