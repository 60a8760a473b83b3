"""A database as a source."""

from __future__ import annotations

import math
import threading
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, Final

from rag.card import Schema, ScopeField, SourceCard
from rag.errors import ConfigError, ScopeError, SourceError
from rag.protocols import Row
from rag.sources.arguments import admit, given, make_card, read_arguments
from rag.sources.sql.arguments import argument_model, filters
from rag.sources.sql.columns import Kind
from rag.sources.sql.database import Database
from rag.sources.sql.query import Query, Select, shown_columns
from rag.sources.sql.relevance import Vocabulary
from rag.sources.sql.schema import DatabaseSchema, Table
from rag.sources.sql.words import Words, naming
from rag.sources.threads import Threads
from rag.types import Scope

__all__ = ["Options", "SqlSource"]

_JSON_TYPES: Final[dict[Kind, Schema]] = {
    "int": {"type": "integer"},
    "float": {"type": "number"},
    "bool": {"type": "boolean"},
    "date": {"type": "string", "format": "date"},
    "datetime": {"type": "string", "format": "date-time"},
    "other": {},
}


@dataclass(frozen=True, slots=True)
class Options:
    """How a database source is to behave; `scope` maps fields of a scope to columns."""

    about: str = ""
    scope: Mapping[ScopeField, str] | None = None
    max_rows: int = 50
    free_sql: bool = False
    shared: bool = False
    connections: int = 8


class SqlSource:
    """Reads rows of a database's tables by typed arguments, within a scope, and never writes.

    Its rows are dictionaries of the asked table's columns with JSON values, and `doc_id`
    ("<table>/<primary key>") where the table has a key.
    """

    def __init__(self, database: Database, schema: DatabaseSchema, options: Options) -> None:
        self._database = database
        self._options = options
        self._owners = dict(options.scope or {})
        self._schema = schema
        self._readable = schema.owned_by(self._owners.values())
        if not self._readable.tables:
            raise ConfigError(
                f"source {database.name!r}: no table has {' and '.join(self._owners.values())}, nor a foreign key to"
                " one that has; map scope= to columns that there are"
            )
        self._default = _default(self._readable, database.name)
        self._filters = {argument.name: argument for argument in filters(self._readable, self._default)}
        self._vocabulary = Vocabulary(self._readable)
        self._names = naming([database.name, *self._readable.tables])
        self._select = Select(schema, self._readable, database.dialect)
        self._threads = Threads(options.connections)
        self._card = self._make_card()

    def _make_card(self) -> SourceCard:
        arguments = tuple(self._filters.values())
        model = argument_model(self._readable, self._default, arguments, free_sql=self._options.free_sql)
        return make_card(
            self._database.name,
            about="; ".join(filter(None, [self._options.about, self._readable.describe(), self._dialect_hint()])),
            arguments=model,
            output=_output(self._readable, self._default) | {"additionalProperties": self._options.free_sql},
            enforces=frozenset(self._owners),
            shared=self._options.shared,
            concurrency=self._options.connections,
            # The database's own limit comes first, and says what to do.
            timeout=self._database.timeout + 5,
        )

    def _dialect_hint(self) -> str:
        return f"sql is {self._database.dialect}" if self._options.free_sql else ""

    @property
    def card(self) -> SourceCard:
        """The tables, their columns as arguments, and the scope that is kept."""
        return self._card

    async def call(self, args: Mapping[str, Any], scope: Scope) -> Sequence[Row]:
        """The rows that fit the arguments: best match first, then newest first.

        Raises:
            ScopeError: the scope lacks a field that rows are kept apart by, or the table cannot be kept to it.
            SourceTimeout: the database took too long.
            SourceError: an argument does not fit, or the database failed.
        """
        admit(self._card, scope)
        owned = self._owned(scope)
        self._refuse_unowned(args.get("table"))
        asked = given(read_arguments(self._card, args))
        stopped = threading.Event()
        try:
            if "sql" in asked:
                return await self._threads.run(self._run_free, asked, stopped)
            return await self._threads.run(self._run, self._query(asked, owned), asked.get("newest"), stopped)
        finally:
            stopped.set()

    async def relevance(self, question: str, scope: Scope) -> float:
        """1 for an identifier of the database's, less for values and names of tables and columns; no query is made."""
        return self._vocabulary.score(question)

    def close(self) -> None:
        """Let go of the connections."""
        self._database.close()

    async def aclose(self) -> None:
        """Let go of the connections."""
        self._database.close()

    def _owned(self, scope: Scope) -> dict[str, str]:
        values = {field: getattr(scope, field) for field in self._owners}
        if absent := [field for field, value in values.items() if not value]:
            raise ScopeError(
                f"source {self._card.name!r} keeps rows apart by {absent[0]}, and the question's scope has none;"
                f" ask with scope=Scope({absent[0]}=…)",
                source=self._card.name,
            )
        return {self._owners[field]: value for field, value in values.items()}

    def _refuse_unowned(self, table: Any) -> None:
        if isinstance(table, str) and table in self._schema.tables and table not in self._readable.tables:
            raise ScopeError(
                f"source {self._card.name!r} cannot keep table {table!r} to a scope: it has no column"
                f" {' and '.join(self._owners.values())}, nor a foreign key to a table that has",
                source=self._card.name,
            )

    def _query(self, asked: Mapping[str, Any], owned: Mapping[str, str]) -> Query:
        return Query(
            table=self._readable.tables[asked.get("table", self._default.name)],
            filters=tuple((self._filters[name], value) for name, value in asked.items() if name in self._filters),
            words=Words.of(asked.get("query", ""), names=self._names),
            newest="newest" in asked,
            owned=owned,
        )

    def _run(self, query: Query, newest: int | None, stopped: threading.Event) -> list[Row]:
        try:
            statement = self._select(query, min(newest or self._options.max_rows, self._options.max_rows))
        except SourceError as error:
            raise SourceError(f"source {self._card.name!r}: {error}", source=self._card.name) from error
        with self._database.reading(stopped) as connection:
            found = connection.execute(statement).all()
        # Best match comes first; what matches less than the best is noise beside it.
        return [_row(query.table, row) for row in found if row[-1] == found[0][-1]]

    def _run_free(self, asked: Mapping[str, Any], stopped: threading.Event) -> list[Row]:
        if len(asked) > 1:
            others = ", ".join(sorted(asked.keys() - {"sql"}))
            raise SourceError(
                f"source {self._card.name!r}: give either sql or {others}, not both", source=self._card.name
            )
        # The driver would read a lone % as the start of a parameter.
        escaped = asked["sql"] if self._database.dialect == "sqlite" else asked["sql"].replace("%", "%%")
        with self._database.reading(stopped) as connection:
            options = {"stream_results": True, "max_row_buffer": self._options.max_rows}
            with closing(connection.exec_driver_sql(escaped, execution_options=options)) as result:
                if not result.returns_rows:
                    raise SourceError(
                        f"source {self._card.name!r}: the statement returns no rows; write one SELECT",
                        source=self._card.name,
                    )
                return [_plain_row(list(result.keys()), row) for row in result.fetchmany(self._options.max_rows)]


def _default(schema: DatabaseSchema, source: str) -> Table:
    """The table that is called as the source is, else the first."""
    alike = (table for name, table in schema.tables.items() if naming([name]) == naming([source]))
    return schema.tables.get(source) or next(alike, next(iter(schema.tables.values())))


def _output(schema: DatabaseSchema, default: Table) -> Schema:
    fields: dict[str, Schema] = {"doc_id": {"type": "string"}}
    for table in (default, *schema.tables.values()):
        for name in shown_columns(table):
            kind = _JSON_TYPES.get(table.columns[name].kind, {"type": "string"})
            field = fields.setdefault(name, dict(kind))
            if field.get("type") != kind.get("type"):
                field.pop("type", None)
            if table.title and table.title.name == name:
                field["role"] = "title"
    return {"type": "object", "properties": fields}


def _row(table: Table, values: Sequence[Any]) -> Row:
    columns = [table.columns[name] for name in shown_columns(table)]
    row = _plain_row([column.name for column in columns], values)
    for column in columns:
        if column.kind == "bool" and row.get(column.name) in (0, 1):
            row[column.name] = bool(row[column.name])  # as SQLite keeps it
    if table.key and row.keys() >= set(table.key):
        row.setdefault("doc_id", f"{table.name}/{','.join(str(row[name]) for name in table.key)}")
    return row


def _plain_row(names: Sequence[str], values: Sequence[Any]) -> Row:
    return {
        name: _plain(value)
        for name, value in zip(names, values, strict=False)
        if not isinstance(value, bytes | memoryview)
    }


def _plain(value: Any) -> Any:
    """The value as JSON has it."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float | Decimal):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, date | datetime | time):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set):
        return [_plain(item) for item in value]
    return str(value)
