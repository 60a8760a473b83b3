"""How much a database may hold on a question, told from what was read when it was opened."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from rag.read.terms import terms
from rag.sources.sql.schema import DatabaseSchema
from rag.sources.sql.words import split_name

__all__ = ["Vocabulary"]

IDENTIFIER, VALUE, TABLE, COLUMN = 1.0, 0.9, 0.8, 0.5
"""Scores of a question that has an identifier, a value, a table's name, a column's name."""

_MIN_VALUE: Final = 3  # characters; shorter values are words of any question
_VAGUE: Final = frozenset({"id", "name", "date", "type"})
_WORD: Final = re.compile(r"[^\W_]+")


class Vocabulary:
    """The words by which a database's schema knows that a question is about its rows."""

    def __init__(self, schema: DatabaseSchema) -> None:
        columns = [column for table in schema.tables.values() for column in table.columns.values()]
        patterns = sorted({column.pattern for column in columns if column.pattern})
        self._identifiers = [re.compile(_inside(pattern), re.IGNORECASE) for pattern in patterns]
        values = {value for column in columns for value in column.values if len(value) >= _MIN_VALUE}
        self._values = {_spaced(_WORD.findall(value.casefold())) for value in values}
        self._tables = {_spaced(_stems(name)) for name in schema.tables}
        self._columns = {stem for column in columns for stem in _stems(column.name)} - _VAGUE

    def score(self, question: str) -> float:
        """From 0 to 1: 1 for an identifier of its shape, less for values, names of tables, names of columns."""
        if any(identifier.search(question) for identifier in self._identifiers):
            return IDENTIFIER
        # Values are met as they stand: whether goods can be "return"ed does not ask for orders that are "returned".
        asked = _spaced(_WORD.findall(question.casefold()))
        if any(value in asked for value in self._values):
            return VALUE
        stems = terms(question)
        asked = _spaced(stems)
        if any(table in asked for table in self._tables):
            return TABLE
        return COLUMN if self._columns & set(stems) else 0.0


def _inside(pattern: str) -> str:
    """The pattern of a whole value, to be found within a text."""
    return rf"(?<![\w-]){pattern.removeprefix('^').removesuffix('$')}(?![\w-])"


def _stems(name: str) -> list[str]:
    return [stem for part in split_name(name) for stem in terms(part)]


def _spaced(words: Sequence[str]) -> str:
    # An empty name must not be found in every question, as two spaces or none would be.
    return f" {' '.join(words)} " if words else "\n"
