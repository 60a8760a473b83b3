"""The tables of a memory in PostgreSQL, and the policies that bind whoever reads them.

Every table has a row-level policy that is enabled and forced, so that it binds the tables' owner too. A
transaction sees the rows of the one owner that it names in the setting `rag.owner`, and none when it names none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rag.errors import ConfigError, StoreError

if TYPE_CHECKING:
    from psycopg import Connection

__all__ = ["has_vectors", "make"]

_VERSION: Final = 1
_LOCK: Final = 7_224_817  # of those who make the tables, among all advisory locks of the database
_OWNER: Final = "owner text NOT NULL DEFAULT current_setting('rag.owner')"
_TABLES: Final = f"""
CREATE TABLE rag_format (version integer NOT NULL);
CREATE TABLE rag_owners (
    tenant_key text NOT NULL DEFAULT current_setting('rag.tenant'), {_OWNER}, PRIMARY KEY (tenant_key, owner)
);
CREATE TABLE rag_turns (
    arrival bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant text, "user" text, {_OWNER}, conversation text COLLATE "C" NOT NULL, turn_id text NOT NULL,
    role text, speaker text NOT NULL, text text NOT NULL,
    at timestamptz NOT NULL, zone text NOT NULL, civil_date text NOT NULL, weekday integer NOT NULL,
    session text, metadata text NOT NULL,
    UNIQUE (owner, conversation, turn_id),
    CHECK (owner = quote_nullable(tenant) || ',' || quote_nullable("user"))
);
CREATE INDEX rag_turn_order ON rag_turns (owner, conversation, arrival);
CREATE INDEX rag_turn_time ON rag_turns (owner, conversation, at, arrival) INCLUDE (session, zone);
CREATE INDEX rag_owner_time ON rag_turns (owner, at, arrival);
CREATE TABLE rag_vectors (
    number bigint NOT NULL REFERENCES rag_turns ON DELETE CASCADE, embedder text NOT NULL, {_OWNER},
    vector VECTOR_TYPE NOT NULL, PRIMARY KEY (number, embedder)
);
CREATE TABLE rag_derived (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, {_OWNER},
    kind text NOT NULL, key text NOT NULL, body text NOT NULL, recorded timestamptz NOT NULL
);
CREATE INDEX rag_derived_kind ON rag_derived (owner, kind, key);
CREATE TABLE rag_derived_from (
    turn bigint NOT NULL REFERENCES rag_turns ON DELETE CASCADE,
    derived bigint NOT NULL REFERENCES rag_derived ON DELETE CASCADE, {_OWNER}, PRIMARY KEY (turn, derived)
);
CREATE INDEX rag_derived_turns ON rag_derived_from (derived);
CREATE TABLE rag_lifetimes ({_OWNER} PRIMARY KEY, lasts interval NOT NULL);
"""
_OF_OWNER: Final = ("rag_turns", "rag_vectors", "rag_derived", "rag_derived_from", "rag_lifetimes")
_MINE: Final = "owner = current_setting('rag.owner', true)"
_OUR_TENANT: Final = "tenant_key = current_setting('rag.tenant', true)"
_POLICY: Final = """
ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
ALTER TABLE {table} FORCE ROW LEVEL SECURITY;
CREATE POLICY {table}_scope ON {table} USING ({condition}) WITH CHECK ({condition});
"""
_ROLE: Final = (
    "CREATE ROLE rag_app LOGIN PASSWORD '…' NOSUPERUSER NOBYPASSRLS; GRANT USAGE, CREATE ON SCHEMA public TO rag_app;"
)


def make(db: Connection, name: str) -> None:
    """Make the tables where they are not there, in a transaction that others wait for.

    Raises:
        ConfigError: the role is one that no policy binds.
        StoreError: the tables are of a later release, or their policies are off.
    """
    _check_role(db)
    db.execute("SELECT pg_advisory_xact_lock(%s)", (_LOCK,))
    if db.execute("SELECT to_regclass('rag_format')").fetchone() == (None,):
        vectors = db.execute("SELECT to_regtype('vector')").fetchone() != (None,)
        db.execute(_TABLES.replace("VECTOR_TYPE", "vector" if vectors else "bytea"))
        db.execute("INSERT INTO rag_format VALUES (%s)", (_VERSION,))
        for table in _OF_OWNER:
            db.execute(_POLICY.format(table=table, condition=_MINE))
        db.execute(_POLICY.format(table="rag_owners", condition=_OUR_TENANT))
    _check(db, name)


def has_vectors(db: Connection) -> bool:
    """Whether the table of vectors holds pgvector's type."""
    kind = db.execute(
        "SELECT atttypid::regtype::text FROM pg_attribute"
        " WHERE attrelid = 'rag_vectors'::regclass AND attname = 'vector'"
    ).fetchone()
    return kind != ("bytea",)


def _check(db: Connection, name: str) -> None:
    """Whether this release may use the tables that are there.

    Raises:
        StoreError: they are of another release, or their policies are off.
    """
    found = db.execute("SELECT version FROM rag_format").fetchone()
    if found != (_VERSION,):
        raise StoreError(f"{name} has tables of another release (format {found and found[0]}): upgrade to open it")
    off = db.execute(
        "SELECT relname FROM pg_class WHERE oid = ANY(%s::regclass[]) AND NOT (relrowsecurity AND relforcerowsecurity)",
        ([*_OF_OWNER, "rag_owners"],),
    ).fetchall()
    if off:
        names = ", ".join(table for (table,) in off)
        raise StoreError(f"row-level security is off for {names} of {name}: ALTER TABLE … FORCE ROW LEVEL SECURITY")


def _check_role(db: Connection) -> None:
    unbound = db.execute(
        "SELECT rolname FROM pg_roles WHERE rolname IN (current_user, session_user) AND (rolsuper OR rolbypassrls)"
    ).fetchone()
    if unbound:
        raise ConfigError(
            f"the role {unbound[0]!r} bypasses row-level security, so that tenants would not be kept apart."
            f" Make a role that is bound, and open the memory with it: {_ROLE}"
        )
