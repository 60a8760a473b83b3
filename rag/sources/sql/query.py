"""SELECTs over a database's tables: filtered, joined, ranked, and kept to a scope."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from rag.errors import SourceError
from rag.sources.sql.arguments import Argument
from rag.sources.sql.columns import Column
from rag.sources.sql.schema import DatabaseSchema, Path, Table
from rag.sources.sql.words import Words

if TYPE_CHECKING:
    import sqlalchemy as sa

    Condition = sa.ColumnElement[bool]
    Rows = sa.FromClause

__all__ = ["Query", "Select"]


@dataclass(frozen=True)
class Query:
    """What to look for in which table.

    `filters` pairs arguments with their values. `owned` maps columns to the values that they must
    have exactly, in the table itself or in the one that its foreign keys lead to.
    """

    table: Table
    filters: tuple[tuple[Argument, Any], ...] = ()
    words: Words = field(default_factory=Words)
    newest: bool = False
    owned: Mapping[str, str] = field(default_factory=dict)


class Select:
    """Builds the SELECT of a query; every value is bound, so that none is read as SQL."""

    def __init__(self, schema: DatabaseSchema, readable: DatabaseSchema, dialect: str) -> None:
        """`readable` are those tables of the schema that may be asked for and filtered by."""
        self._schema = schema
        self._readable = readable
        self._dialect = dialect

    def __call__(self, query: Query, limit: int) -> sa.Executable:
        """The statement: the table's columns in order, less bytes, then how well the row matches.

        Rows come best match first, then newest first, then by primary key.

        Raises:
            SourceError: a filter's column is in no table that the keys lead to.
        """
        import sqlalchemy as sa

        rows, table = query.table.sql, query.table
        conditions, matches = self._matching(rows, query)
        match = sum(matches[1:], matches[0]) if matches else sa.literal(0)
        shown = [sa.type_coerce(rows.c[name], sa.types.NullType()) for name in shown_columns(table)]
        statement = sa.select(*shown, match).select_from(rows)
        statement = statement.where(*conditions, *self._owned(rows, table, query.owned))
        order = [match.desc()] if matches else []
        return statement.order_by(*order, *self._order(rows, query)).limit(limit)

    def _order(self, rows: Rows, query: Query) -> list[Any]:
        table = query.table
        order = []
        if table.date is not None:
            column = rows.c[table.date.name]
            order += [column.is_(None), column.desc()]
        newest_first = table.date is not None or query.newest
        return order + [rows.c[name].desc() if newest_first else rows.c[name] for name in table.key]

    def _matching(self, rows: Rows, query: Query) -> tuple[list[Condition], list[Any]]:
        """What a row must meet to be returned at all, and what each adds to how well it matches."""
        import sqlalchemy as sa

        conditions: list[Condition] = []
        matches: list[Any] = []
        elsewhere: dict[tuple[str, ...], list[tuple[Argument, Any]]] = {}
        for argument, value in query.filters:
            column = self._own_column(query.table, argument, value)
            if column is None:
                elsewhere.setdefault(self._homes(query, argument, value), []).append((argument, value))
                continue
            conditions.append(self._fits(rows, column, argument, value))
            if column.kind == "label":
                matches.append(_same_text(rows.c[column.name], value))
        conditions += [self._joined(rows, query, homes, given) for homes, given in elsewhere.items()]
        found = {word: self._has(rows, query, word) for word in (*query.words.content, *query.words.names)}
        if query.words.content:
            conditions.append(sa.or_(*(found[word] for word in query.words.content)))
        return conditions, [sa.case((match, 1), else_=0) for match in (*matches, *found.values())]

    def _own_column(self, table: Table, argument: Argument, value: Any) -> Column | None:
        """The table's column that the argument filters by: of its name, or that foreign keys of its name mean."""
        if table.name in argument.columns:
            return _that_can_be(value, argument.columns).get(table.name)
        referred = self._readable.referred(table.name, argument.column)
        return table.columns[referred] if referred else None

    def _homes(self, query: Query, argument: Argument, value: Any) -> tuple[str, ...]:
        """The nearest tables that have the argument's column."""
        homes = self._readable.nearest(query.table.name, _that_can_be(value, argument.columns))
        if not homes:
            raise SourceError(
                f"{query.table.name!r} has no column {argument.column!r}, and no foreign keys lead from it to"
                f" {', '.join(argument.columns)}; ask for table={next(iter(argument.columns))!r}"
            )
        return tuple(homes)

    def _joined(
        self, rows: Rows, query: Query, homes: Sequence[str], given: Sequence[tuple[Argument, Any]]
    ) -> Condition:
        """There is a row, in one of the tables, that belongs to this one and that all the filters fit."""
        import sqlalchemy as sa

        paths = self._readable.nearest(query.table.name, homes)

        def fits(other: Rows, table: Table) -> list[Condition]:
            # What a scope does not see must not decide what it sees.
            kept = self._owned(other, table, query.owned)
            if table.name not in homes:
                return kept
            return kept + [self._fits(other, a.columns[table.name], a, value) for a, value in given]

        return sa.or_(*(self._linked(rows, paths[home], fits, every=False) for home in homes))

    def _linked(
        self, rows: Rows, path: Path, conditions: Callable[[Rows, Table], list[Condition]], *, every: bool
    ) -> Condition:
        """Rows that belong to this one, along the path, meet the conditions on their tables.

        Where several keys lead from one table to the next, every one must, or any.
        """
        import sqlalchemy as sa

        found = []
        for link in path[0]:
            table = self._schema.tables[link.other]
            other = table.sql.alias()
            met = [rows.c[here] == other.c[there] for here, there in link.pairs] + conditions(other, table)
            if path[1:]:
                met.append(self._linked(other, path[1:], conditions, every=every))
            found.append(sa.exists().where(*met))
        return sa.and_(*found) if every else sa.or_(*found)

    def _owned(self, rows: Rows, table: Table, owned: Mapping[str, str]) -> list[Condition]:
        """The row, or the row that its keys lead to, has exactly these values."""
        conditions: list[Condition] = []
        for name, value in owned.items():
            if name in table.columns:
                conditions.append(self._is_exactly(rows.c[name], table.columns[name], value))
                continue
            homes = self._schema.nearest(table.name, self._schema.having(name), owners_only=True)

            def is_owned(other: Rows, there: Table, name: str = name, value: str = value) -> list[Condition]:
                owns = name in there.columns
                return [self._is_exactly(other.c[name], there.columns[name], value)] if owns else []

            # Where two tables own the row, as a buyer and a seller may, both must be the scope's.
            conditions += [self._linked(rows, path, is_owned, every=True) for path in homes.values()]
        return conditions

    def _is_exactly(self, sql: Any, column: Column, value: str) -> Condition:
        """The column's text is the value to the letter, whatever collation or conversion the database would use."""
        import sqlalchemy as sa

        typed = _typed(column, value)
        if typed is None:
            return sa.false()
        exact = sa.cast(sql, sa.Text).collate("BINARY" if self._dialect == "sqlite" else "C") == value
        # The plain comparison lets an index be used.
        return sa.and_(sql == typed, exact) if column.kind != "enum" else exact

    def _fits(self, rows: Rows, column: Column, argument: Argument, value: Any) -> Condition:
        import sqlalchemy as sa

        sql: Any = rows.c[column.name]
        if argument.bound != "is":
            return self._bounded(sql, column, argument, value)
        if column.kind == "label":
            words = Words.of(value, names=frozenset()).content
            return _same_text(sql, value) | sa.and_(
                sa.literal(bool(words)), *(self._contains(rows, column, word) for word in words)
            )
        if column.kind == "enum":
            return _same_text(sql, value)
        if column.kind == "other" or (isinstance(value, str) and not column.is_text):
            sql, value = _as_text(sql), str(value)
        condition: Condition = sql == value
        return condition

    def _bounded(self, sql: Any, column: Column, argument: Argument, day: date) -> Condition:
        import sqlalchemy as sa

        # Up to the end of the last day: text of dates and moments alike sorts below the next day's.
        limit: Any = day if argument.bound == "from" else _next_day(day)
        if self._dialect == "sqlite":
            limit = limit.isoformat()
        elif column.kind == "datetime":
            limit = sa.cast(sa.literal(limit, sa.Date()), sa.DateTime())
        condition: Condition = sql >= limit if argument.bound == "from" else sql < limit
        return condition

    def _has(self, rows: Rows, query: Query, word: str) -> Condition:
        """The word is somewhere in the row's text; in an identifier, it is the whole of it.

        Who owns the row is not part of what it says.
        """
        import sqlalchemy as sa

        tests = [
            _same_text(rows.c[column.name], word) if column.kind == "id" else self._contains(rows, column, word)
            for column in query.table.columns.values()
            if column.is_text and column.name not in query.owned
        ]
        return sa.or_(sa.false(), *tests)

    def _contains(self, rows: Rows, column: Column, word: str) -> Condition:
        import sqlalchemy as sa

        sql = _as_text(rows.c[column.name]) if column.kind == "enum" else rows.c[column.name]
        # SQLite knows upper and lower case of ASCII alone.
        plain = word.isascii() or self._dialect != "sqlite"
        spellings = [word] if plain else [word, word.capitalize(), word.upper()]
        return sa.or_(*(sql.icontains(spelling, autoescape=True) for spelling in spellings))


def shown_columns(table: Table) -> list[str]:
    """The columns whose values are returned: all but bytes."""
    return [column.name for column in table.columns.values() if column.kind != "bytes"]


def _that_can_be(value: Any, columns: Mapping[str, Column]) -> Mapping[str, Column]:
    """The columns that the value is a choice of, where that is known: an order is not "lost", its shipment may be."""
    able = {table: column for table, column in columns.items() if column.kind != "enum" or value in column.values}
    return able or columns


def _as_text(sql: Any) -> Any:
    import sqlalchemy as sa

    return sa.cast(sql, sa.String())


def _same_text(sql: Any, value: str) -> Condition:
    import sqlalchemy as sa

    condition: Condition = sa.func.lower(_as_text(sql)) == sa.func.lower(value)
    return condition


def _typed(column: Column, value: str) -> Any:
    """The value as the column holds it; None when no such column can hold it."""
    try:
        if column.kind == "int":
            number = int(value)
            return number if abs(number) < 2**63 else None
        return UUID(value) if column.kind == "uuid" else value
    except ValueError:
        return None


def _next_day(day: date) -> date:
    return day if day == date.max else day + timedelta(days=1)
