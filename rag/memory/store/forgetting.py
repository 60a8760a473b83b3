"""Forgetting in SQLite: rows, all that hangs on them, and the bytes."""

from __future__ import annotations

import json
import secrets
import sqlite3
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

from rag.memory.store.rows import digest, forgotten, micros
from rag.memory.store.values import Receipt, Which
from rag.sqlite import scrubbed, transaction
from rag.types import Scope

__all__ = ["forget", "verify"]

# The first part is about no turn, so that SQLite reads none where nobody's turns expire.
_EXPIRED: Final = (
    "EXISTS (SELECT 1 FROM lifetimes WHERE ifnull(tenant, x'') = ifnull(:tenant, x''))"
    " AND EXISTS (SELECT 1 FROM lifetimes WHERE ifnull(lifetimes.tenant, x'') = ifnull(turns.tenant, x'')"
    " AND ifnull(lifetimes.user, x'') = ifnull(turns.user, x'') AND turns.at < :now - lasts)"
)
_LEFT: Final = "the rows are gone, but bytes of them may be left in the file: verify(receipt) tries again"


def forget(db: sqlite3.Connection, which: Which, scope: Scope) -> Receipt:
    """Remove what is meant, and say what went."""
    key = secrets.token_hex(16)
    where, values = _conditions(which, scope)
    with transaction(db):
        digests = tuple(_digests(db, key, where, values))
        removed = {"turns": len(digests)} | _removed(db, where, values)
        if which.whole and which.before is None and not which.expired:
            removed["derived"] += _removed_whole(db, which, values)
        if any(removed.values()):
            db.execute("INSERT INTO scrubs DEFAULT VALUES")
    return Receipt(
        what=str(which),
        scope=scope,
        whole=which.whole,
        digests=digests,
        key=key,
        removed=removed,
        at=datetime.now(UTC),
        notes=() if scrubbed(db) else (_LEFT,),
    )


def verify(db: sqlite3.Connection, receipt: Receipt) -> bool:
    """Whether neither rows nor bytes are left."""
    where = "tenant IS :tenant" + ("" if receipt.whole == "tenant" else " AND user IS :user")
    owner = {"tenant": receipt.scope.tenant, "user": receipt.scope.user}
    gone = set(receipt.digests)
    with transaction(db, "DEFERRED"):
        back = any(each in gone for each in _digests(db, receipt.key, where, owner))
        (orphans,) = db.execute(
            "SELECT EXISTS (SELECT 1 FROM vectors WHERE number NOT IN (SELECT arrival FROM turns))"
            " OR EXISTS (SELECT 1 FROM derived_from WHERE turn NOT IN (SELECT arrival FROM turns))"
        ).fetchone()
    return not back and not orphans and scrubbed(db)


def _digests(db: sqlite3.Connection, key: str, where: str, values: dict[str, Any]) -> Iterator[str]:
    query = f"SELECT tenant, user, conversation, turn_id, text FROM turns WHERE {where} ORDER BY arrival"  # noqa: S608
    for tenant, user, *told in db.execute(query, values):
        yield digest(key, Scope(tenant=tenant, user=user), *told)


def _removed(db: sqlite3.Connection, where: str, values: dict[str, Any]) -> dict[str, int]:
    turns = f"(SELECT arrival FROM turns WHERE {where})"  # noqa: S608  # constants
    made = db.execute(f"SELECT DISTINCT derived FROM derived_from WHERE turn IN {turns}", values)  # noqa: S608
    numbers = {"numbers": json.dumps([number for (number,) in made])}
    vectors = db.execute(f"DELETE FROM vectors WHERE number IN {turns}", values).rowcount  # noqa: S608
    db.execute("DELETE FROM derived_from WHERE derived IN (SELECT value FROM json_each(:numbers))", numbers)
    derived = db.execute("DELETE FROM derived WHERE number IN (SELECT value FROM json_each(:numbers))", numbers)
    db.execute(f"DELETE FROM turns WHERE {where}", values)  # noqa: S608
    return {"vectors": vectors, "derived": derived.rowcount}


def _removed_whole(db: sqlite3.Connection, which: Which, values: dict[str, Any]) -> int:
    """What a user edited by hand comes from no turn, and goes with the user."""
    owned = "tenant IS :tenant" + ("" if which.whole == "tenant" else " AND user IS :user")
    db.execute(f"DELETE FROM lifetimes WHERE {owned}", values)  # noqa: S608
    return db.execute(f"DELETE FROM derived WHERE {owned}", values).rowcount  # noqa: S608


def _conditions(which: Which, scope: Scope) -> tuple[str, dict[str, Any]]:
    conditions = ["tenant IS :tenant", *forgotten(which)]
    if which.whole != "tenant":
        conditions.append("user IS :user")
    if which.turn_ids is not None:
        conditions.append("turn_id IN (SELECT value FROM json_each(:turn_ids))")
    if which.session is not None:
        conditions.append("session IS :session")
    if which.expired:
        conditions.append(_EXPIRED)
    session = which.session
    values = {
        "tenant": scope.tenant,
        "user": scope.user,
        "conversation": which.conversation,
        "turn_ids": json.dumps(which.turn_ids),
        "before": micros(which.before) if which.before else None,
        "conversation2": session.conversation if session else None,
        "session": session.name if session else None,
        "start": micros(session.start) if session else None,
        "end": micros(session.end) if session else None,
        "now": time.time_ns() // 1000,
    }
    return " AND ".join(conditions), values
