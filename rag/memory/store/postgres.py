"""A memory in PostgreSQL: tables that row-level security keeps apart by tenant and user."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Self

from rag.memory.sessions import Session
from rag.memory.store.connections import Connections
from rag.memory.store.postgres_rows import (
    append,
    conditions,
    derive,
    digests,
    enter,
    own,
    owners,
    placed,
    read,
    remove,
    stands,
)
from rag.memory.store.postgres_tables import has_vectors, make
from rag.memory.store.rows import COLUMNS, kept, sessions
from rag.memory.store.values import Derived, Kept, Receipt, Tally, Wanted, Which
from rag.types import Scope, Turn

if TYPE_CHECKING:
    from psycopg import Connection

__all__ = ["PostgresStore"]

_VACUUM: Final = "PostgreSQL overwrites the bytes after VACUUM, and its write-ahead log keeps them until it is recycled"


class PostgresStore:
    """Keeps turns in a PostgreSQL database; open it with `PostgresStore.open`.

    Threads and processes may share the database. A process that was forked opens it itself. The database
    shows a transaction the rows of its own tenant and user alone, whatever it asks for.
    """

    def __init__(self, connections: Connections, *, pgvector: bool) -> None:
        self._connections = connections
        self._native = pgvector  # vectors are of pgvector's type, and bytes elsewhere

    @classmethod
    def open(cls, url: str) -> Self:
        """The store in a database, whose tables are made where they are not there.

        Raises:
            ConfigError: psycopg is missing, or the role is one that row-level security does not bind.
            StoreError: the database cannot be reached, or has tables of another release.
        """
        connections = Connections(url)
        try:
            connections.run(lambda db: make(db, connections.name), None)
            return cls(connections, pgvector=connections.run(has_vectors, None))
        except BaseException:
            connections.close()
            raise

    def close(self) -> None:
        """As `Store.close`."""
        self._connections.close()

    def __repr__(self) -> str:
        return f"PostgresStore({self._connections.name!r})"

    def add(self, conversation: str, turns: Iterable[Turn], scope: Scope) -> tuple[Turn, ...]:
        """As `Store.add`."""
        whole = tuple(turns)
        owner = {"conversation": conversation, "tenant": scope.tenant, "user": scope.user}

        def added(db: Connection) -> tuple[Turn, ...]:
            enter(db, conversation)
            return tuple(append(db, owner, turn) for turn in whole)

        return self._connections.run(added, scope)

    def find(self, wanted: Wanted) -> list[Kept]:
        """As `Store.find`."""
        where, values = conditions(wanted)
        order = ("at {0}, arrival {0}" if wanted.order == "time" else "arrival {0}").format(
            "ASC" if wanted.last is None else "DESC"
        )
        rows = self._rows(f"SELECT {COLUMNS} FROM rag_turns WHERE {where} ORDER BY {order} LIMIT :last", values, wanted)  # noqa: S608
        found = [kept((*values[:5], read(values[5]), *values[6:])) for values in rows]
        return found if wanted.last is None else found[::-1]

    def conversations(self, scope: Scope) -> tuple[str, ...]:
        """As `Talks.conversations`."""
        where, values = conditions(wanted := Wanted(scope))
        query = f"SELECT conversation FROM rag_turns WHERE {where} GROUP BY conversation ORDER BY min(arrival)"  # noqa: S608
        return tuple(name for (name,) in self._rows(query, values, wanted))

    def sessions(self, wanted: Wanted, gap: timedelta) -> tuple[Session, ...]:
        """As `Talks.sessions`."""
        where, values = conditions(wanted)
        query = f"SELECT conversation, session, at, zone FROM rag_turns WHERE {where}"  # noqa: S608  # constants
        query += " ORDER BY conversation, at, arrival"
        return sessions(self._rows(query, values, wanted), gap, lambda at: at)

    def tally(self, wanted: Wanted) -> Tally:
        """As `Talks.tally`."""
        where, values = conditions(wanted)
        query = f"SELECT count(*), coalesce(max(arrival), 0), coalesce(sum(arrival), 0) FROM rag_turns WHERE {where}"  # noqa: S608
        (row,) = self._rows(query, values, wanted)
        return Tally(*map(int, row))

    def speakers(self, wanted: Wanted) -> tuple[str, ...]:
        """As `Talks.speakers`."""
        where, values = conditions(wanted)
        rows = self._rows(f"SELECT DISTINCT speaker FROM rag_turns WHERE {where}", values, wanted)  # noqa: S608
        return tuple(sorted(name for (name,) in rows))

    def vectors(self, numbers: Sequence[int], embedder: str, scope: Scope) -> dict[int, bytes]:
        """As `Vectors.vectors`."""
        values = {"numbers": list(numbers), "embedder": embedder}
        vector = "vector_send(vector)" if self._native else "vector"
        query = (
            f"SELECT number, {vector} FROM rag_vectors"  # noqa: S608  # constants
            " WHERE number = ANY(:numbers ::bigint[]) AND embedder = :embedder"
        )
        rows = self._rows(query, values, Wanted(scope))
        return {number: _little_endian(vector) if self._native else vector for number, vector in rows}

    def put_vectors(self, vectors: Mapping[int, bytes], embedder: str, scope: Scope) -> None:
        """As `Vectors.put_vectors`."""
        query = placed(
            "INSERT INTO rag_vectors (number, embedder, vector) SELECT arrival, :embedder ::text,"  # noqa: S608
            f" {':vector ::real[]::vector' if self._native else ':vector ::bytea'} FROM rag_turns"
            " WHERE arrival = :number FOR KEY SHARE"
            " ON CONFLICT (number, embedder) DO UPDATE SET vector = excluded.vector"
        )
        told = [
            {"number": number, "embedder": embedder, "vector": _floats(vector) if self._native else vector}
            for number, vector in sorted(vectors.items())
        ]
        self._connections.run(lambda db: db.cursor().executemany(query, told), scope)

    def derive(self, made: Iterable[Derived], scope: Scope, *, replaces: Sequence[int] = ()) -> tuple[Derived, ...]:
        """As `Derives.derive`."""
        whole = tuple(made)

        def written(db: Connection) -> tuple[Derived, ...]:
            db.execute("DELETE FROM rag_derived WHERE number = ANY(%s::bigint[])", (list(replaces),))
            return tuple(derive(db, one) for one in whole if stands(db, one))

        return self._connections.run(written, scope)

    def derived(self, scope: Scope, kind: str, key: str | None = None) -> list[Derived]:
        """As `Derives.derived`."""
        query = (
            "SELECT kind, key, body, ARRAY(SELECT turn FROM rag_derived_from WHERE derived = number ORDER BY turn),"
            " recorded, number FROM rag_derived WHERE kind = :kind AND (:key ::text IS NULL OR key = :key)"
            " AND (:as_of ::timestamptz IS NULL OR recorded <= :as_of) AND NOT EXISTS ("
            "SELECT 1 FROM rag_derived_from JOIN rag_turns ON arrival = turn WHERE derived = number"
            " AND at < (SELECT now() - lasts FROM rag_lifetimes)) ORDER BY number"
        )
        rows = self._rows(query, {"kind": kind, "key": key, "as_of": scope.as_of}, Wanted(scope))
        return [Derived(kind, key, body, tuple(turns), at, number) for kind, key, body, turns, at, number in rows]

    def forget(self, which: Which, scope: Scope) -> Receipt:
        """As `Forgets.forget`."""
        key = secrets.token_hex(16)

        def gone(db: Connection) -> list[tuple[list[str], dict[str, int]]]:
            return [remove(db, which, key) for _ in owners(db, tenant_wide=which.whole == "tenant")]

        parts = self._connections.run(gone, scope)
        removed = {name: sum(counts[name] for _, counts in parts) for name in ("turns", "vectors", "derived")}
        return Receipt(
            what=str(which),
            scope=scope,
            whole=which.whole,
            digests=tuple(each for went, _ in parts for each in went),
            key=key,
            removed=removed,
            at=datetime.now(UTC),
            notes=(_VACUUM,) if any(removed.values()) else (),
        )

    def verify(self, receipt: Receipt) -> bool:
        """As `Forgets.verify`, for rows; what hangs on them is bound to them by the database."""
        gone = set(receipt.digests)

        def back(db: Connection) -> bool:
            each_owner = owners(db, tenant_wide=receipt.whole == "tenant")
            return any(each in gone for _ in each_owner for each in digests(db, receipt.key))

        return not self._connections.run(back, receipt.scope)

    def lifetime(self, scope: Scope, lasts: timedelta | None) -> None:
        """As `Forgets.lifetime`."""

        def written(db: Connection) -> None:
            db.execute("DELETE FROM rag_lifetimes")
            if lasts is not None:
                own(db)
                db.execute("INSERT INTO rag_lifetimes (lasts) VALUES (%s) ON CONFLICT (owner) DO NOTHING", (lasts,))

        self._connections.run(written, scope)

    def _rows(self, query: str, values: dict[str, Any], wanted: Wanted) -> list[tuple[Any, ...]]:
        return self._connections.run(lambda db: db.execute(placed(query), values).fetchall(), wanted.scope)


def _floats(vector: bytes) -> list[float]:
    import numpy as np

    return [float(number) for number in np.frombuffer(vector, dtype="<f4")]


def _little_endian(sent: bytes) -> bytes:
    """The floats of pgvector's binary form, which is big-endian behind two short integers."""
    import numpy as np

    return np.frombuffer(sent, dtype=">f4", offset=4).astype("<f4").tobytes()
