"""The notation that a grammar's forms are written in, and the plain sequences they stand for.

A form is a row of items: a word or mark stands for itself, CAPITALS for a class of words, <name> for a rule;
ANY is any one word, and REST all that is left of a sentence.
`item?` may be absent, `(a b | c d)` gives a choice, `name:item` keeps what the item came to under that name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import product
from typing import Final, NamedTuple

from rag.errors import ConfigError

__all__ = ["Item", "sequences"]

_ITEM: Final = re.compile(
    r"(?:(?P<name>[a-z_]+):)?(?P<symbol><[a-z_]+>|[A-Z][A-Z0-9_]*|'s|\d+|[a-z']+|[^\s\w()|?])|(?P<mark>[()|?])"
)


class Item(NamedTuple):
    """One place of a sequence: what must stand there, and under which name it is kept ("" if it is not)."""

    symbol: str
    name: str = ""


def sequences(form: str) -> list[tuple[Item, ...]]:
    """The sequences that a form stands for, without options and choices.

    Raises:
        ConfigError: the form cannot be read.

    Example:
        >>> [" ".join(item.symbol for item in row) for row in sequences("the? day:INT (st | nd)")]
        ['INT st', 'INT nd', 'the INT st', 'the INT nd']
    """
    found = list(_ITEM.finditer(form))
    if "".join(match[0] for match in found) != re.sub(r"\s", "", form):
        raise ConfigError(f"the grammar's form {form!r} has something that is no item: see rag.memory.when.forms")
    rows = _choice(marks := iter(found))
    if next(marks, None) is not None:
        raise ConfigError(f"the grammar's form {form!r} closes a bracket that it did not open")
    return rows


def _choice(marks: Iterator[re.Match[str]]) -> list[tuple[Item, ...]]:
    # Each item is itself a list of rows, so that an option is a list that begins with the empty row:
    # of two readings of one length the one that leaves more to its parts comes first.
    choices: list[list[list[tuple[Item, ...]]]] = [[]]
    for match in marks:
        if match["mark"] == "?":
            choices[-1][-1] = [(), *choices[-1][-1]]
        elif match["mark"] == "|":
            choices.append([])
        elif match["mark"] == ")":
            break
        else:
            choices[-1].append(_choice(marks) if match["mark"] else [(Item(match["symbol"], match["name"] or ""),)])
    return [sum(rows, ()) for choice in choices for rows in product(*choice)]
