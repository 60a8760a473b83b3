"""The tables of a database as they were found: columns, keys, and the links between them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Final

from rag.sources.sql.columns import Column

if TYPE_CHECKING:
    import sqlalchemy as sa

__all__ = ["DatabaseSchema", "Link", "Path", "Table"]

_TITLES: Final = ("title", "name", "product", "subject", "label")
_MAX_LISTED: Final = 80  # columns named in a description of the whole


@dataclass(frozen=True, slots=True)
class Link:
    """Pairs of columns (one here, one there) by which rows of two tables belong together."""

    table: str
    other: str
    pairs: tuple[tuple[str, str], ...]

    @property
    def reverse(self) -> Link:
        """The same link, seen from the other table."""
        return Link(self.other, self.table, tuple((there, here) for here, there in self.pairs))


Path = tuple[tuple[Link, ...], ...]
"""The way from one table to another: for each step, the links that lead there (often one)."""


@dataclass(frozen=True)
class Table:
    """One table, with its columns by name, its primary key and the foreign keys that it holds."""

    name: str
    columns: Mapping[str, Column]
    key: tuple[str, ...]
    links: tuple[Link, ...]
    sql: sa.TableClause = field(repr=False, compare=False)

    @cached_property
    def date(self) -> Column | None:
        """The date that rows are ordered by: one that is never empty, else the first."""
        dates = [column for column in self.columns.values() if column.is_date]
        return next((column for column in dates if not column.nullable), dates[0] if dates else None)

    @cached_property
    def title(self) -> Column | None:
        """The text that names what a row is about."""
        labels = [column for column in self.columns.values() if column.kind == "label"]
        usual = (column for name in _TITLES for column in labels if name in column.name.lower())
        return next(usual, labels[0] if labels else None)


@dataclass(frozen=True)
class DatabaseSchema:
    """The tables by name, in the order of the database."""

    tables: Mapping[str, Table]

    def owned_by(self, columns: Collection[str]) -> DatabaseSchema:
        """The tables that have each of the columns, or whose foreign keys lead to one that has."""

        def is_owned(table: Table) -> bool:
            return all(self.nearest(table.name, self.having(column), owners_only=True) for column in columns)

        return DatabaseSchema({name: table for name, table in self.tables.items() if is_owned(table)})

    def having(self, column: str) -> list[str]:
        """The names of the tables that have a column of that name."""
        return [name for name, table in self.tables.items() if column in table.columns]

    def nearest(self, start: str, goals: Iterable[str], *, owners_only: bool = False) -> dict[str, Path]:
        """The goals that are reached from a table in the fewest steps, each with the way there.

        Args:
            start: a table's name.
            goals: the names of the tables to reach.
            owners_only: follow foreign keys from the row that holds them alone, not back.
        """
        wanted = set(goals)
        paths: dict[str, Path] = {start: ()}
        frontier = [start]
        while frontier and not wanted & set(frontier):
            reached: dict[str, Path] = {}
            for name in frontier:
                for other, links in self._steps(name, owners_only=owners_only).items():
                    if other not in paths:
                        reached.setdefault(other, (*paths[name], links))
            paths |= reached
            frontier = list(reached)
        return {name: paths[name] for name in frontier if name in wanted}

    def _steps(self, name: str, *, owners_only: bool) -> dict[str, tuple[Link, ...]]:
        steps: dict[str, tuple[Link, ...]] = {}
        links = self.tables[name].links if owners_only else self._all_links[name]
        for link in links:
            if link.other != name and link.other in self.tables:
                steps[link.other] = (*steps.get(link.other, ()), link)
        return steps

    @cached_property
    def _all_links(self) -> dict[str, list[Link]]:
        links: dict[str, list[Link]] = {name: list(table.links) for name, table in self.tables.items()}
        for table in self.tables.values():
            for link in table.links:
                if link.other in links:
                    links[link.other].append(link.reverse)
        return links

    def referred(self, table: str, column: str) -> str | None:
        """The table's own column that foreign keys of that name, in other tables, point at."""
        for other in self.tables.values():
            for link in other.links:
                if link.other == table and len(link.pairs) == 1 and link.pairs[0][0] == column:
                    return link.pairs[0][1]
        return None

    def describe(self) -> str:
        """The tables with their columns in one line; of a wide schema the last tables by name alone."""
        left = _MAX_LISTED
        parts = []
        for table in self.tables.values():
            left -= len(table.columns)
            parts.append(f"{table.name} ({', '.join(table.columns)})" if left >= 0 else table.name)
        return "tables: " + ", ".join(parts)
