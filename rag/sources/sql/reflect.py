"""Reads a database's schema: tables, columns, keys, and a sample of each table's values."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from rag.errors import ConfigError
from rag.sources.sql.columns import MAX_LABEL, Column, Kind, Sample, declared_kind, described
from rag.sources.sql.database import Database
from rag.sources.sql.schema import DatabaseSchema, Link, Table

if TYPE_CHECKING:
    import sqlalchemy as sa

__all__ = ["reflect"]

_ROWS: Final = 2000  # rows of each table that are looked at
_LITERAL: Final = re.compile(r"'((?:[^']|'')*)'")


def reflect(database: Database, tables: Sequence[str] | None, *, public: bool, views: bool = True) -> DatabaseSchema:
    """The schema of the tables named, or of all.

    Args:
        database: the database.
        tables: the tables and views to read; None for every table.
        public: whether values found in the rows may be told to whoever sees the source's card.
        views: whether views may be among the tables named.

    Raises:
        ConfigError: a table is not there, or is a view that may not be named, or there is none.
        SourceError: the database could not be read.
    """
    import sqlalchemy as sa

    with database.reading() as connection, warnings.catch_warnings():
        # Columns of types that SQLAlchemy does not know are left out of arguments, and need no warning.
        warnings.simplefilter("ignore", sa.exc.SAWarning)
        inspector = sa.inspect(connection)
        names = _chosen(inspector, tables, database.name, views=views)
        bare = [_table(inspector, name, dialect=database.dialect) for name in names]
    linked = [_linked(table, bare) for table in bare]
    return DatabaseSchema({table.name: _sampled(database, table, public=public) for table in linked})


def _chosen(inspector: sa.Inspector, tables: Sequence[str] | None, source: str, *, views: bool) -> list[str]:
    there = inspector.get_table_names()
    if not (there if tables is None else tables):
        raise ConfigError(f"source {source!r}: there are no tables to read; check the URL and tables=")
    if tables is None:
        return there
    known = [*there, *inspector.get_view_names()]
    if unknown := [name for name in tables if name not in known]:
        listed = ", ".join(known) or "none"
        raise ConfigError(f"source {source!r}: the database has no table {unknown[0]!r}; it has: {listed}")
    if not views and (seen := [name for name in tables if name not in there]):
        raise ConfigError(
            f"source {source!r}: SQL text cannot be held to the view {seen[0]!r};"
            " leave out free_sql, or name tables alone"
        )
    return list(dict.fromkeys(tables))


def _table(inspector: sa.Inspector, name: str, *, dialect: str) -> Table:
    import sqlalchemy as sa

    declared = {column["name"]: column for column in inspector.get_columns(name)}
    choices = _choices(inspector, name)
    columns: dict[str, Column] = {}
    for column_name, column in declared.items():
        values = tuple(getattr(column["type"], "enums", ()) or choices.get(column_name, ()))
        kind: Kind = "enum" if values else declared_kind(column["type"]) or "prose"
        columns[column_name] = Column(column_name, kind, values, nullable=column["nullable"])
    links = tuple(
        Link(name, key["referred_table"], tuple(zip(key["constrained_columns"], key["referred_columns"], strict=True)))
        for key in inspector.get_foreign_keys(name)
        if not key.get("referred_schema")
    )
    sql = sa.table(name, *(sa.column(c.name, _type(c.kind, dialect)) for c in columns.values()))
    return Table(name, columns, tuple(inspector.get_pk_constraint(name)["constrained_columns"]), links, sql)


def _choices(inspector: sa.Inspector, table: str) -> dict[str, tuple[str, ...]]:
    """The words that CHECK constraints allow: `state IN ('open', 'shut')`, or PostgreSQL's `= ANY (ARRAY[…])`."""
    found: dict[str, tuple[str, ...]] = {}
    for check in inspector.get_check_constraints(table):
        form = re.match(
            r"[\s(]*[\"`\[]?(\w+)[\"`\]]?\)?(?:::\w+)?\s*(?:IN\s*\(|=\s*ANY\s*\()", check["sqltext"], re.IGNORECASE
        )
        words = [word.replace("''", "'") for word in _LITERAL.findall(check["sqltext"])]
        if form and words:
            found[form[1]] = tuple(words)
    return found


def _type(kind: Kind, dialect: str) -> Any:
    """What values are bound as; results are taken as the driver gives them."""
    import sqlalchemy as sa

    if kind in ("enum", "prose", "id", "label") or (dialect == "sqlite" and kind in ("date", "datetime")):
        return sa.String()
    types: Mapping[str, Any] = {
        "int": sa.BigInteger(),
        "float": sa.Float(),
        "date": sa.Date(),
        "datetime": sa.DateTime(),
        "uuid": sa.Uuid(),
    }
    return types.get(kind, sa.types.NullType())


def _linked(table: Table, tables: Sequence[Table]) -> Table:
    """The table with those of its links that lead to tables that are read, spelt as they spell their names."""
    others = {other.name.lower(): other for other in tables}
    links = []
    for link in table.links:
        if (other := others.get(link.other.lower())) is None:
            continue
        here, there = ({name.lower(): name for name in side.columns} for side in (table, other))
        pairs = tuple((here.get(one.lower()), there.get(two.lower())) for one, two in link.pairs)
        known = tuple((one, two) for one, two in pairs if one and two)
        if len(known) == len(link.pairs):
            links.append(Link(table.name, other.name, known))
    return replace(table, links=tuple(links))


def _sampled(database: Database, table: Table, *, public: bool) -> Table:
    import sqlalchemy as sa

    identifying = set(table.key) | {here for link in table.links for here, _ in link.pairs}
    looked_at = [column for column in table.columns.values() if column.kind == "prose" or column.is_date]
    if not looked_at:
        return table
    start = [_start(table.sql.c[column.name], text=column.kind == "prose") for column in looked_at]
    with database.reading() as connection:
        rows = connection.execute(sa.select(*start).select_from(table.sql).limit(_ROWS)).all()
    columns = dict(table.columns)
    for place, column in enumerate(looked_at):
        values = tuple(row[place] for row in rows if row[place] is not None)
        sample = Sample(values, len(rows) < _ROWS, column.name in identifying, public)
        columns[column.name] = _settled(column, sample, sqlite=database.dialect == "sqlite")
    return replace(table, columns=columns)


def _start(column: Any, *, text: bool) -> Any:
    import sqlalchemy as sa

    shown = sa.func.substr(column, 1, MAX_LABEL + 1) if text else column
    return sa.type_coerce(shown, sa.types.NullType())


def _settled(column: Column, sample: Sample, *, sqlite: bool) -> Column:
    if not (sqlite and column.is_date):
        return described(column, sample)
    # SQLite keeps no dates: what the column was declared as holds only if its text can be ordered as dates.
    as_text = described(Column(column.name, "prose", nullable=column.nullable), sample)
    if not sample.values or as_text.is_date:
        return column
    return as_text if all(isinstance(value, str) for value in sample.values) else Column(column.name, "other")
