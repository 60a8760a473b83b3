"""What is made from turns, in SQLite: rows that know the turns they were made from."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from rag.memory.store.rows import micros, moment
from rag.memory.store.tables import LASTS, OWNED
from rag.memory.store.values import Derived
from rag.types import Scope

__all__ = ["drop", "found", "put", "stands"]

_EXPIRED: Final = (
    "EXISTS (SELECT 1 FROM derived_from JOIN turns ON arrival = turn"  # noqa: S608  # constants
    f" WHERE derived = number AND at < :now - ({LASTS}))"
)


def drop(db: sqlite3.Connection, numbers: Sequence[int], scope: Scope) -> None:
    """Remove those of the scope that have these numbers."""
    values = {"numbers": json.dumps(list(numbers)), "tenant": scope.tenant, "user": scope.user}
    rows = f"number IN (SELECT value FROM json_each(:numbers)) AND {OWNED}"  # noqa: S608
    db.execute(f"DELETE FROM derived_from WHERE derived IN (SELECT number FROM derived WHERE {rows})", values)  # noqa: S608
    db.execute(f"DELETE FROM derived WHERE {rows}", values)  # noqa: S608


def stands(db: sqlite3.Connection, made: Derived, scope: Scope) -> bool:
    """Whether each of its turns is there, and the scope's."""
    values = {"numbers": json.dumps(made.numbers), "tenant": scope.tenant, "user": scope.user}
    query = f"SELECT count(*) FROM turns WHERE arrival IN (SELECT value FROM json_each(:numbers)) AND {OWNED}"  # noqa: S608
    return bool(db.execute(query, values).fetchone()[0] == len(set(made.numbers)))


def put(db: sqlite3.Connection, made: Derived, scope: Scope) -> Derived:
    """Keep it under a number of its own."""
    recorded, numbers = made.recorded or datetime.now(UTC), tuple(sorted(set(made.numbers)))
    (number,) = db.execute(
        "INSERT INTO derived (tenant, user, kind, key, body, recorded) VALUES (?, ?, ?, ?, ?, ?) RETURNING number",
        (scope.tenant, scope.user, made.kind, made.key, made.body, micros(recorded)),
    ).fetchone()
    db.executemany("INSERT INTO derived_from VALUES (?, ?)", [(turn, number) for turn in numbers])
    return replace(made, number=number, recorded=recorded, numbers=numbers)


def found(db: sqlite3.Connection, scope: Scope, kind: str, key: str | None) -> list[Derived]:
    """What the scope has of a kind, and of a key where one is given, as far as it may be read.

    What was recorded after the scope's `as_of`, or was made from a turn past its time to live, is not.
    """
    values = {
        "tenant": scope.tenant, "user": scope.user, "kind": kind, "key": key,
        "as_of": None if scope.as_of is None else micros(scope.as_of), "now": time.time_ns() // 1000,
    }  # fmt: skip
    query = (
        "SELECT kind, key, body, (SELECT json_group_array(turn) FROM derived_from WHERE derived = number), recorded,"  # noqa: S608
        f" number FROM derived WHERE {OWNED} AND kind = :kind AND (:key IS NULL OR key = :key)"
        f" AND (:as_of IS NULL OR recorded <= :as_of) AND NOT {_EXPIRED} ORDER BY number"
    )
    return [
        Derived(kind, key, body, tuple(sorted(json.loads(turns))), moment(recorded), number)
        for kind, key, body, turns, recorded, number in db.execute(query, values)
    ]
