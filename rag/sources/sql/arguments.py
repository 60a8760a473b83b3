"""The arguments that a database source takes, made from its tables and columns."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema, create_model
from pydantic.fields import FieldInfo

from rag.sources.sql.columns import Column
from rag.sources.sql.keys import bare_key, key_names
from rag.sources.sql.schema import DatabaseSchema, Table

__all__ = ["MAX_FILTERS", "Argument", "Bound", "argument_model", "filters"]

MAX_FILTERS: Final = 32
"""Arguments that filter by a column, at most; columns beyond are left to `query`."""

Bound = Literal["is", "from", "to"]
_RANK: Final = {"id": 0, "uuid": 0, "enum": 1, "date": 2, "datetime": 2, "label": 3, "int": 4, "bool": 4, "float": 5}
_TYPES: Final[dict[str, Any]] = {"int": int, "float": float, "bool": bool, "uuid": UUID}
_RESERVED: Final = ("table", "query", "newest", "sql")


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument that filters by the columns of one name, in whichever tables have it.

    `columns` are by table; among those of `patient_id` is the `id` of the table of patients.
    """

    name: str
    column: str
    bound: Bound
    columns: dict[str, Column] = field(hash=False)

    @property
    def telling(self) -> list[Column]:
        """The columns that tell its type: keys, if it has any, as what points at them may have no rows yet."""
        keys = [column for column in self.columns.values() if column.name != self.column]
        return keys or list(self.columns.values())


def filters(schema: DatabaseSchema, default: Table) -> tuple[Argument, ...]:
    """The filtering arguments: identifiers first, then choices, dates, labels, numbers; at most `MAX_FILTERS`.

    Among equals, columns that more tables share come first, then the default table's, in its order.
    """
    homes = _homes(schema, default)
    shared = Counter({name: len(columns) for name, columns in homes.items()})
    ordered = sorted(
        homes,
        key=lambda name: (
            min(_RANK[column.kind if column.name == name else "id"] for column in homes[name].values()),
            # The date that the default table is ordered by is the one that "from" and "to" mean.
            default.date is None or name != default.date.name,
            -shared[name],
        ),
    )
    taken = set(_RESERVED)
    arguments: list[Argument] = []
    for name in ordered:
        more = list(_arguments(name, homes[name], taken))
        if len(arguments) + len(more) <= MAX_FILTERS:
            arguments += more
    return tuple(arguments)


def _homes(schema: DatabaseSchema, default: Table) -> dict[str, dict[str, Column]]:
    """By the name of an argument, the columns that it is about, by table; the default table's come first."""
    # In a wide schema the other keys share `id`, so that not every argument is a key.
    names = dict(list(key_names(schema, default).items())[: MAX_FILTERS // 2])
    homes: dict[str, dict[str, Column]] = {}
    for table in (default, *(t for t in schema.tables.values() if t is not default)):
        key = bare_key(table)
        for column in table.columns.values():
            if column.kind in _RANK:
                name = names.get(table.name, column.name) if column.name == key else column.name
                homes.setdefault(name, {})[table.name] = column
    return homes


def _arguments(name: str, columns: dict[str, Column], taken: set[str]) -> Iterator[Argument]:
    bounds: tuple[Bound, ...] = ("from", "to") if all(c.is_date for c in columns.values()) else ("is",)
    for bound in bounds:
        free = name if bound == "is" else f"{name}_{bound}"
        while free in taken:
            free += "_is" if bound == "is" else "_day"
        taken.add(free)
        yield Argument(free, name, bound, columns)


def argument_model(
    schema: DatabaseSchema, default: Table, arguments: tuple[Argument, ...], *, free_sql: bool
) -> type[BaseModel]:
    """The pydantic model of `table`, `query`, the filters, `newest` and `sql`, every one optional."""
    tables = list(schema.tables.values())
    fields: list[tuple[Any, FieldInfo]] = []
    if len(tables) > 1:
        names = tuple(table.name for table in tables)
        fields.append(_optional("table", Literal[names], f"which rows to return; by default {default.name}"))
    if any(column.is_text for table in tables for column in table.columns.values()):
        fields.append(_optional("query", str, "words to be found in the rows' text", role="query"))
    fields += [_filter(argument) for argument in arguments]
    if any(table.date for table in tables):
        count = Annotated[int, Field(ge=1)]
        fields.append(_optional("newest", count, "return only this many, the most recent ones", role="newest"))
    if free_sql:
        fields.append(_optional("sql", str, "one SELECT in the database's dialect, instead of the other arguments"))
    config = ConfigDict(extra="forbid", coerce_numbers_to_str=True)
    # Columns may be called anything, also what pydantic keeps for itself: fields are numbered, their aliases are free.
    numbered: dict[str, Any] = {f"a{number}": kind_and_info for number, kind_and_info in enumerate(fields)}
    return create_model("Arguments", __config__=config, **numbered)


def _filter(argument: Argument) -> tuple[Any, FieldInfo]:
    name, columns = argument.name, argument.telling
    where = ", ".join(f"{table}.{column.name}" for table, column in argument.columns.items())
    if argument.bound != "is":
        day = Annotated[date, BeforeValidator(_day)]
        side = "on or after" if argument.bound == "from" else "on or before"
        return _optional(name, day, f"{where} {side} this day", role=argument.bound)
    kinds = {column.kind for column in columns}
    if len(kinds) == 1 and (kind := _TYPES.get(kinds.pop())):
        return _optional(name, kind, where)
    values = tuple(dict.fromkeys(value for column in columns for value in column.values))
    if all(column.kind == "enum" and column.values for column in columns):
        return _optional(name, _choice(values), where, sampled=any(column.sampled for column in columns))
    patterns = {column.pattern for column in columns}
    pattern = patterns.pop() if len(patterns) == 1 else None
    return _optional(name, str, where, pattern=pattern, values=list(values))


def _choice(values: tuple[str, ...]) -> Any:
    """Text of these values: other spellings are read as the value that is meant, and new ones are let through."""
    spelt = Counter(_folded(value) for value in values)
    meant = {_folded(value): value for value in values if spelt[_folded(value)] == 1}

    def known(given: Any) -> Any:
        return meant.get(_folded(given), given) if isinstance(given, str) and given not in values else given

    return Annotated[str, BeforeValidator(known), WithJsonSchema({"type": "string", "enum": list(values)})]


def _folded(text: str) -> str:
    return "".join(character for character in text.casefold() if character.isalnum())


def _day(given: Any) -> Any:
    """The day of a moment, as rows of other sources may have it."""
    return given[:10] if isinstance(given, str) and given[10:11] in ("T", " ") else given


def _optional(name: str, kind: Any, description: str, **extra: Any) -> tuple[Any, FieldInfo]:
    told = {key: value for key, value in extra.items() if value}
    info: Any = Field(default=None, alias=name, description=description, json_schema_extra=told or None)
    return (kind | None, info)
