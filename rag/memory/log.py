"""The log of turns: a SQLite table that is only ever appended to.

A turn is known by (tenant, user, conversation, turn_id). An absent tenant or user is NULL and matches
nothing but NULL, so what is kept without a tenant is never seen from within one, nor the other way round.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, ClassVar, Final
from uuid import uuid4

from rag.errors import InputError, TurnConflict
from rag.sqlite import Format, SqliteFile, transaction
from rag.types import Scope, Turn

__all__ = ["Memory"]

_COLUMNS: Final = "turn_id, role, speaker, text, at, zone, session, metadata"
# Blobs equal no text, so x'' stands for NULL in the index; a unique index takes NULLs for distinct.
_TABLES: Final = """
CREATE TABLE turns (
    arrival INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant TEXT, user TEXT, conversation TEXT NOT NULL, turn_id TEXT NOT NULL,
    role TEXT, speaker TEXT NOT NULL, text TEXT NOT NULL,
    at TEXT NOT NULL, zone TEXT NOT NULL, session TEXT, metadata TEXT NOT NULL
);
CREATE UNIQUE INDEX turn_identity ON turns (ifnull(tenant, x''), ifnull(user, x''), conversation, turn_id);
CREATE INDEX turn_order ON turns (tenant, user, conversation, arrival);
"""
_OWNED: Final = "tenant IS :tenant AND user IS :user AND (:as_of IS NULL OR at <= :as_of)"


class Memory(SqliteFile):
    """Keeps the turns of conversations in a SQLite file; open it with `Memory.open`.

    A turn is on disk before `add` returns. Threads and processes may share the file: writers wait for
    each other. Of a scope, tenant and user say whose turns are meant, and `as_of` hides later ones; turns
    have no labels. A process that was forked opens the file itself.

    Example:
        >>> with Memory.open("sqlite://") as memory:
        ...     kept = memory.add("c1", [Turn(turn_id="1", role="user", text="Do you sell kettles?")])
        ...     [turn.text for turn in memory.turns("c1", last=5)]
        ['Do you sell kettles?']
    """

    FORMAT: ClassVar = Format("memory", "turns", 1, _TABLES)

    def add(self, conversation: str, turns: Iterable[Turn], *, scope: Scope | None = None) -> tuple[Turn, ...]:
        """Append turns; they come back as kept, all of them or none.

        A turn without an id gets one, and one without a time was said now. A turn that is there already,
        with the same id and text, is left as it is.

        Raises:
            TurnConflict: a turn of the same id is there with another text.
            StoreBusy: other writers would not let go.
            StoreError: the turns could not be written.
        """
        now = datetime.now(UTC)
        kept = tuple(
            turn.model_copy(update={"turn_id": turn.turn_id or uuid4().hex, "at": turn.at or now}) for turn in turns
        )
        with self._held() as db, transaction(db):
            for turn in kept:
                self._append(db, _owner(scope) | {"conversation": conversation}, turn)
        return kept

    def turns(self, conversation: str, *, last: int | None = None, scope: Scope | None = None) -> tuple[Turn, ...]:
        """The conversation's turns in order of arrival, oldest first; only the last ones when a number is given.

        Raises:
            StoreError: the turns could not be read.
        """
        if last is not None and last < 0:
            raise InputError(f"last={last} turns cannot be given: pass 0 or more, or None for all")
        values = _owner(scope) | {"conversation": conversation, "last": -1 if last is None else last}
        query = (
            f"SELECT {_COLUMNS} FROM turns WHERE {_OWNED} AND conversation = :conversation"  # noqa: S608  # constants
            " ORDER BY arrival DESC LIMIT :last"
        )
        with self._held() as db:
            return tuple(_turn(row) for row in reversed(db.execute(query, values).fetchall()))

    def conversations(self, scope: Scope | None = None) -> tuple[str, ...]:
        """The names of the scope's conversations, in order of their first turn.

        Raises:
            StoreError: the memory could not be read.
        """
        query = f"SELECT conversation FROM turns WHERE {_OWNED} GROUP BY conversation ORDER BY min(arrival)"  # noqa: S608
        with self._held() as db:
            return tuple(name for (name,) in db.execute(query, _owner(scope)))

    async def aadd(self, conversation: str, turns: Iterable[Turn], *, scope: Scope | None = None) -> tuple[Turn, ...]:
        """The async twin of `add`."""
        return await asyncio.to_thread(self.add, conversation, tuple(turns), scope=scope)

    async def aturns(
        self, conversation: str, *, last: int | None = None, scope: Scope | None = None
    ) -> tuple[Turn, ...]:
        """The async twin of `turns`."""
        return await asyncio.to_thread(self.turns, conversation, last=last, scope=scope)

    def _append(self, db: sqlite3.Connection, key: dict[str, Any], turn: Turn) -> None:
        values = key | _row(turn)
        found = db.execute(
            "SELECT text FROM turns WHERE tenant IS :tenant AND user IS :user"
            " AND conversation = :conversation AND turn_id = :turn_id",
            values,
        ).fetchone()
        if found is None:
            db.execute(
                f"INSERT INTO turns (tenant, user, conversation, {_COLUMNS}) VALUES (:tenant, :user, :conversation,"  # noqa: S608
                " :turn_id, :role, :speaker, :text, :at, :zone, :session, :metadata)",
                values,
            )
        elif found[0] != turn.text:
            raise TurnConflict(
                f"turn {turn.turn_id!r} of conversation {key['conversation']!r} is kept with another text; nothing was"
                " added: give the new turn an id of its own"
            )


def _owner(scope: Scope | None) -> dict[str, Any]:
    scope = scope or Scope()
    return {"tenant": scope.tenant, "user": scope.user, "as_of": _utc(scope.as_of) if scope.as_of else None}


def _utc(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def _row(turn: Turn) -> dict[str, Any]:
    values = turn.model_dump()
    at = turn.at or datetime.now(UTC)
    return values | {"at": _utc(at), "metadata": json.dumps(turn.metadata, ensure_ascii=False)}


def _turn(row: tuple[Any, ...]) -> Turn:
    values = dict(zip(_COLUMNS.split(", "), row, strict=True))
    values["at"] = datetime.fromisoformat(values["at"])
    values["metadata"] = json.loads(values["metadata"])
    return Turn.model_validate(values)
