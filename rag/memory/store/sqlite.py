"""A memory in a SQLite file: rows that are only ever appended to, until they are forgotten."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any, ClassVar, Final

from rag.errors import StoreError
from rag.memory.sessions import Session
from rag.memory.store.derivation import drop, found, put, stands
from rag.memory.store.forgetting import forget, verify
from rag.memory.store.rows import COLUMNS, checksum, conflict, kept, micros, moment, named, row, sessions
from rag.memory.store.tables import FORMAT, LASTS, OWNED, OWNED_ONCE
from rag.memory.store.values import Derived, Kept, Receipt, Tally, Wanted, Which
from rag.sqlite import SqliteFile, transaction
from rag.types import Scope, Turn

__all__ = ["SqliteStore"]

# One bound, not two: given two, SQLite takes either for the index and reads all rows that lie between them.
_SINCE: Final = f"at >= max(:start, ifnull(:now - ({LASTS}), :start))"
_EVER: Final = -(2**62)
_THE_TURN: Final = f"{OWNED_ONCE} AND conversation = :conversation AND turn_id = :turn_id"


class SqliteStore(SqliteFile):
    """Keeps turns in a SQLite file; open it with `SqliteStore.open`.

    Threads and processes may share the file: writers wait for each other. A process that was forked opens
    the file itself.
    """

    FORMAT: ClassVar = FORMAT

    def add(self, conversation: str, turns: Iterable[Turn], scope: Scope) -> tuple[Turn, ...]:
        """As `Store.add`."""
        owner = _owner(scope) | {"conversation": conversation}
        with self._held() as db, transaction(db):
            return tuple(_appended(db, owner, turn) for turn in turns)

    def find(self, wanted: Wanted) -> list[Kept]:
        """As `Store.find`."""
        where, values = _conditions(wanted)
        order = ("at {0}, arrival {0}" if wanted.order == "time" else "arrival {0}").format(
            "ASC" if wanted.last is None else "DESC"
        )
        query = f"SELECT {COLUMNS}, checksum FROM turns WHERE {where} ORDER BY {order} LIMIT :last"  # noqa: S608  # constants
        with self._held() as db:
            rows = db.execute(query, values).fetchall()
        found = [kept((*values[:6], moment(values[6]), *values[7:])) for values in self._sound(rows)]
        return found if wanted.last is None else found[::-1]

    def _sound(self, rows: list[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
        for number, *values, due in rows:
            if checksum(values) != due:
                raise StoreError(
                    f"{self._name} is damaged at turn {number}, of conversation {values[0]!r}: bring back a copy of it,"
                    " or forget that conversation"
                )
            yield number, *values

    def conversations(self, scope: Scope) -> tuple[str, ...]:
        """As `Talks.conversations`."""
        where, values = _conditions(Wanted(scope))
        query = f"SELECT conversation FROM turns WHERE {where} GROUP BY conversation ORDER BY min(arrival)"  # noqa: S608
        with self._held() as db:
            return tuple(name for (name,) in db.execute(query, values))

    def sessions(self, wanted: Wanted, gap: timedelta) -> tuple[Session, ...]:
        """As `Talks.sessions`."""
        where, values = _conditions(wanted)
        # The index on time has all that is read here: no turn is touched.
        query = f"SELECT conversation, session, at, zone FROM turns WHERE {where} ORDER BY conversation, at, arrival"  # noqa: S608
        with self._held() as db:
            rows = db.execute(query, values).fetchall()
        return sessions(rows, gap // timedelta(microseconds=1), moment)

    def tally(self, wanted: Wanted) -> Tally:
        """As `Talks.tally`."""
        where, values = _conditions(wanted)
        query = f"SELECT count(*), ifnull(max(arrival), 0), ifnull(sum(arrival), 0) FROM turns WHERE {where}"  # noqa: S608
        with self._held() as db:
            return Tally(*db.execute(query, values).fetchone())

    def speakers(self, wanted: Wanted) -> tuple[str, ...]:
        """As `Talks.speakers`."""
        where, values = _conditions(wanted)
        with self._held() as db:
            found = db.execute(f"SELECT DISTINCT speaker FROM turns WHERE {where} ORDER BY speaker", values)  # noqa: S608
            return tuple(name for (name,) in found)

    def vectors(self, numbers: Sequence[int], embedder: str, scope: Scope) -> dict[int, bytes]:
        """As `Vectors.vectors`."""
        values = _owner(scope) | {"numbers": json.dumps(list(numbers)), "embedder": embedder}
        query = (
            "SELECT number, vector FROM json_each(:numbers)"  # noqa: S608  # constants
            " CROSS JOIN vectors ON number = value AND embedder = :embedder"
            f" CROSS JOIN turns ON arrival = number WHERE {OWNED}"
        )
        with self._held() as db:
            return dict(db.execute(query, values))

    def put_vectors(self, vectors: Mapping[int, bytes], embedder: str, scope: Scope) -> None:
        """As `Vectors.put_vectors`."""
        owner = _owner(scope) | {"embedder": embedder}
        query = (
            "INSERT OR REPLACE INTO vectors SELECT arrival, :embedder, :vector FROM turns"  # noqa: S608
            f" WHERE arrival = :number AND {OWNED}"
        )
        with self._held() as db, transaction(db):
            db.executemany(query, (owner | {"number": n, "vector": vector} for n, vector in vectors.items()))

    def derive(self, made: Iterable[Derived], scope: Scope, *, replaces: Sequence[int] = ()) -> tuple[Derived, ...]:
        """As `Derives.derive`."""
        with self._held() as db, transaction(db):
            drop(db, replaces, scope)
            return tuple(put(db, one, scope) for one in made if stands(db, one, scope))

    def derived(self, scope: Scope, kind: str, key: str | None = None) -> list[Derived]:
        """As `Derives.derived`."""
        with self._held() as db:
            return found(db, scope, kind, key)

    def forget(self, which: Which, scope: Scope) -> Receipt:
        """As `Forgets.forget`; the file keeps no byte of it."""
        with self._held() as db:
            return forget(db, which, scope)

    def verify(self, receipt: Receipt) -> bool:
        """As `Forgets.verify`."""
        with self._held() as db:
            return verify(db, receipt)

    def lifetime(self, scope: Scope, lasts: timedelta | None) -> None:
        """As `Forgets.lifetime`."""
        values = _owner(scope) | {"lasts": lasts and lasts // timedelta(microseconds=1)}
        with self._held() as db, transaction(db):
            db.execute(f"DELETE FROM lifetimes WHERE {OWNED}", values)  # noqa: S608
            if lasts is not None:
                db.execute("INSERT INTO lifetimes (tenant, user, lasts) VALUES (:tenant, :user, :lasts)", values)


def _appended(db: sqlite3.Connection, owner: dict[str, Any], turn: Turn) -> Turn:
    told = row(turn)
    values = owner | told | {"at": micros(told["at"])}
    values["checksum"] = checksum([values[name] for name in COLUMNS.split(", ")[1:]])
    names, places = ", ".join(values), ", ".join(f":{name}" for name in values)
    added = db.execute(f"INSERT INTO turns ({names}) VALUES ({places}) ON CONFLICT DO NOTHING", values)  # noqa: S608
    if not added.rowcount:
        (text,) = db.execute(f"SELECT text FROM turns WHERE {_THE_TURN}", values).fetchone()  # noqa: S608
        if text != turn.text:
            raise conflict(turn, owner["conversation"])
    return turn


def _owner(scope: Scope) -> dict[str, Any]:
    return {"tenant": scope.tenant, "user": scope.user}


def _conditions(wanted: Wanted) -> tuple[str, dict[str, Any]]:
    numbers = ["arrival IN (SELECT value FROM json_each(:numbers))"] if wanted.numbers is not None else []
    values = _owner(wanted.scope) | {
        "now": time.time_ns() // 1000,
        "start": _EVER if wanted.start is None else micros(wanted.start),
        "end": None if wanted.end is None else micros(wanted.end),
        "as_of": None if wanted.scope.as_of is None else micros(wanted.scope.as_of),
        "conversation": wanted.conversation,
        "speaker": wanted.speaker,
        "role": wanted.role,
        "numbers": json.dumps(wanted.numbers),
        "after": wanted.after,
        "last": -1 if wanted.last is None else wanted.last,
    }
    return " AND ".join([OWNED, _SINCE, *named(wanted), *numbers]), values
