"""Databases: `sql` opens one as a source; SQLite and PostgreSQL, and SQLAlchemy's others with less."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rag.card import ScopeField
from rag.errors import ConfigError
from rag.sources.sql.database import open_database
from rag.sources.sql.reflect import reflect
from rag.sources.sql.source import Options, SqlSource

__all__ = ["SqlSource", "sql"]

_KEEPABLE = frozenset({"tenant", "user"})


def sql(
    name: str,
    url: str,
    *,
    about: str = "",
    tables: Sequence[str] | None = None,
    scope: Mapping[ScopeField, str] | None = None,
    max_rows: int = 50,
    timeout: float = 10.0,
    free_sql: bool = False,
    shared: bool = False,
) -> SqlSource:
    """A database as a source: its tables and columns, read now, become typed arguments.

    The database is only ever read, which the connection itself enforces: SQLite opens the file
    read-only and refuses ATTACH, PostgreSQL runs read-only transactions. Up to 32 columns become
    arguments (identifiers first, then choices, dates, labels, numbers); words in the text of all
    others are found by `query`. A filter on a column of another table is joined along foreign keys.
    A primary key that is called `id` is the argument that columns pointing at it are usually called:
    that of a table `patients` is `patient_id`.

    Args:
        name: the source's name; the table called alike is the one that is asked by default.
        url: an SQLAlchemy URL, such as `sqlite:///shop.db` or `postgresql://user@host/shop`.
        about: what the database is about, for planners; tables and columns are told by themselves.
        tables: the tables and views that may be read (with free_sql, tables alone); None for every table.
        scope: columns by which rows are kept apart, such as `{"tenant": "tenant_id"}`. A table that
            has the column, or whose foreign keys lead to one that has, can be read, and each
            question must then set the field. Values found in rows are not told to planners.
        max_rows: rows that a call returns at most.
        timeout: seconds that a call may take.
        free_sql: let planners write a SELECT of their own, as argument `sql`.
        shared: the data is for everyone, whatever the scope.

    Raises:
        ConfigError: there is no such file or table, or the options do not go together.
        SourceError: the database is locked or cannot be reached.
    """
    owners = dict(scope or {})
    _check_options(name, owners, free_sql=free_sql, shared=shared)
    if max_rows < 1 or timeout <= 0:
        raise ConfigError(f"source {name!r}: max_rows and timeout must be positive")
    options = Options(about, owners, max_rows, free_sql, shared)
    database = open_database(name, url, timeout=timeout, connections=options.connections)
    try:
        _check_dialect(database.dialect, name, owners, restricted=tables is not None, free_sql=free_sql)
        if free_sql:
            database.refuse_powerful_role()
        schema = reflect(database, tables, public=not owners, views=not free_sql)
        if tables is not None:
            # SQLite does not tell a view from a WITH of that name, which SQL text may make of any table.
            database.views = frozenset(schema.tables) if not free_sql else frozenset()
            database.readable = frozenset(schema.tables)
        return SqlSource(database, schema, options)
    except BaseException:
        database.close()
        raise


def _check_options(name: str, owners: Mapping[ScopeField, str], *, free_sql: bool, shared: bool) -> None:
    if unknown := sorted(owners.keys() - _KEEPABLE):
        raise ConfigError(f"source {name!r}: {unknown[0]!r} cannot be mapped to a column; scope= takes tenant and user")
    if owners and free_sql:
        raise ConfigError(f"source {name!r}: SQL text cannot be held to a scope; leave out free_sql or scope")
    if owners and shared:
        raise ConfigError(f"source {name!r}: data that is for everyone is not kept apart; leave out shared or scope")


def _check_dialect(
    dialect: str, name: str, owners: Mapping[ScopeField, str], *, restricted: bool, free_sql: bool
) -> None:
    if dialect == "sqlite":
        return
    if free_sql and restricted:
        raise ConfigError(
            f"source {name!r}: in {dialect} SQL text can read every table that the role may;"
            " leave out tables=, and grant the role what it may read"
        )
    if dialect == "postgresql":
        return
    if free_sql:
        raise ConfigError(f"source {name!r}: {dialect} connections cannot be made read-only here; leave out free_sql")
    if owners:
        raise ConfigError(f"source {name!r}: a scope can be kept in SQLite and PostgreSQL, not in {dialect}")
