"""Names for the many keys that are called `id`: a patient's is asked for as `patient_id`."""

from __future__ import annotations

import re
from typing import Final

from rag.sources.sql.columns import Column
from rag.sources.sql.schema import DatabaseSchema, Table

__all__ = ["bare_key", "key_names"]

_PLURALS: Final = (
    ("people", "person"),
    ("children", "child"),
    ("ies", "y"),
    ("sses", "ss"),
    ("xes", "x"),
    ("ches", "ch"),
    ("shes", "sh"),
    ("tuses", "tus"),
)
_NO_PLURALS: Final = ("ss", "us", "is")


def key_names(schema: DatabaseSchema, default: Table) -> dict[str, str]:
    """By table with a primary key called `id`, the name that it can be told from others by.

    It is the name of the columns that point at the key, where they are called after the table. A table
    is left out if such a name already means something else. The default table comes first, then those
    that most foreign keys lead to.
    """
    links = [link for table in schema.tables.values() for link in table.links]
    tables = sorted(
        (table for table in schema.tables.values() if bare_key(table)),
        key=lambda table: (table is not default, -sum(link.other == table.name for link in links)),
    )
    named = {table.name: _name(schema, table) for table in tables}
    return {table: name for table, name in named.items() if _is_free(schema, schema.tables[table], name)}


def bare_key(table: Table) -> str | None:
    """The table's primary key, or part of one, that is called `id` in whatever case."""
    return next((name for name in table.key if name.lower() == "id"), None)


def _name(schema: DatabaseSchema, table: Table) -> str:
    wanted = [f"{singular}_id" for singular in _singulars(_snake(table.name))]
    there = [name for other in schema.tables.values() for name in other.columns]
    return next((name for name in there if _snake(name) in wanted), wanted[0])


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|\W+", "_", name).lower()


def _singulars(word: str) -> list[str]:
    """What the word may be the plural of, likeliest first: "movies" of "movy" or "movie", which the schema tells.

    Example:
        >>> [_singulars(word)[0] for word in ("order_items", "companies", "boxes", "status", "salespeople", "staff")]
        ['order_item', 'company', 'box', 'status', 'salesperson', 'staff']
    """
    found = [word.removesuffix(plural) + singular for plural, singular in _PLURALS if word.endswith(plural)]
    if word.endswith("s") and not word.endswith(_NO_PLURALS):
        found.append(word.removesuffix("s"))
    return [*found, word]


def _is_free(schema: DatabaseSchema, table: Table, name: str) -> bool:
    """Whether every column of that name holds the table's keys, by a foreign key or, without one, by its looks."""
    if name in table.columns:
        return False
    key = table.columns[str(bare_key(table))]
    for other in (schema.tables[having] for having in schema.having(name)):
        pairs = [(link.other, dict(link.pairs).get(name)) for link in other.links]
        targets = [target for target in pairs if target[1]]
        if (table.name, key.name) not in targets if targets else not _alike(other.columns[name], key):
            return False
    return True


def _alike(column: Column, key: Column) -> bool:
    patterns = {column.pattern, key.pattern} - {None}
    return len(patterns) < 2 and (column.kind == key.kind or (column.is_text and key.is_text))
