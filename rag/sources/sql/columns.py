"""What a column holds, told from its declared type and a sample of its values."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final, Literal

if TYPE_CHECKING:
    from sqlalchemy.types import TypeEngine

__all__ = ["Column", "Kind", "Sample", "declared_kind", "described", "shape"]

Kind = Literal["id", "enum", "label", "prose", "int", "float", "bool", "date", "datetime", "uuid", "bytes", "other"]
"""What a column is used as; "id", "enum", "label" and "prose" are text."""

MAX_CHOICES: Final = 20
MAX_VALUES: Final = 200
MAX_LABEL: Final = 80  # characters; longer text is prose
_MAX_CHOICE: Final = 40  # characters
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}$")
_MOMENT: Final = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}")
_RUN: Final = re.compile(r"(?P<digits>[0-9]+)|(?P<letters>[A-Za-z]+)|(?P<mark>[-_/.:#])")
_UUID: Final = "^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `values` are all of an enumerated one's, or those seen of a label's; `pattern` is an id's shape.

    `sampled` says that an enumerated one's values are those that were seen, not those that it was declared with.
    """

    name: str
    kind: Kind
    values: tuple[str, ...] = ()
    pattern: str | None = None
    nullable: bool = True
    sampled: bool = False

    @property
    def is_text(self) -> bool:
        """Whether words can be looked for in it."""
        return self.kind in ("id", "enum", "label", "prose")

    @property
    def is_date(self) -> bool:
        """Whether rows can be ordered and bounded by it."""
        return self.kind in ("date", "datetime")


def declared_kind(kind: TypeEngine[Any]) -> Kind | None:
    """What a declared type says of its column; None when it does not say, "prose" for any text."""
    from sqlalchemy import types as sa

    kind = getattr(kind, "data_type", kind)  # a PostgreSQL domain has the type beneath
    for types, name in (
        ((sa.Enum,), "enum"),
        ((sa.String,), "prose"),
        ((sa.Boolean,), "bool"),
        ((sa.Integer,), "int"),
        ((sa.Numeric, sa.Float), "float"),
        ((sa.DateTime,), "datetime"),
        ((sa.Date,), "date"),
        ((sa.Uuid,), "uuid"),
        ((sa.LargeBinary,), "bytes"),
        ((sa.NullType,), None),
    ):
        if isinstance(kind, types):
            return name  # type: ignore[return-value]
    # CITEXT and others outside the standard types answer with what they are handled as in Python.
    return "prose" if getattr(kind, "__visit_name__", "") == "CITEXT" else "other"


@dataclass(frozen=True, slots=True)
class Sample:
    """Values read of a column: with repeats, without nulls, text cut short.

    `complete` says that they are all there are; `identifies` that the column is part of a key or
    points at one; `public` that whoever sees the source's card may know the values.
    """

    values: tuple[Any, ...]
    complete: bool = True
    identifies: bool = False
    public: bool = True


def described(column: Column, sample: Sample) -> Column:
    """The column, its kind made precise by a sample of its values.

    Example:
        >>> described(Column("state", "prose"), Sample(("open", "shut", "open", "open")))
        Column(name='state', kind='enum', values=('open', 'shut'), pattern=None, nullable=True, sampled=True)
    """
    texts = [value for value in sample.values if isinstance(value, str)]
    if column.kind != "prose" or len(texts) < len(sample.values):
        return column
    if texts and (date := _date_kind(texts)):
        return replace(column, kind=date)
    distinct = tuple(dict.fromkeys(texts))
    shown = distinct if sample.public and len(distinct) <= MAX_VALUES else ()
    pattern = shape(distinct, literal=sample.public)
    if pattern or (sample.identifies and not any(" " in text for text in distinct)):
        return replace(column, kind="id", pattern=pattern)
    few = 0 < len(distinct) <= min(MAX_CHOICES, len(texts) // 2)
    if few and sample.complete and _short(distinct, _MAX_CHOICE):
        return replace(column, kind="enum", values=tuple(sorted(shown)), sampled=True)
    return replace(column, kind="label", values=shown) if _short(distinct, MAX_LABEL) else column


def shape(values: Sequence[str], *, literal: bool = True) -> str | None:
    r"""A regular expression for identifiers like these; None when they are not alike, or are no identifiers.

    Identifiers have a digit and a letter and no space. With `literal` false, letters that all values
    share are not told.

    Example:
        >>> shape(["C-17", "C-204"])
        '^C-[0-9]+$'
        >>> shape(["NW59807697", "PP10232013"])
        '^[A-Za-z]{2}[0-9]+$'
        >>> shape(["Ghent", "Utrecht"]), shape(["2024", "2025"])
        (None, None)
    """
    if values and all(re.match(_UUID, value, re.IGNORECASE) for value in values):
        return _UUID
    runs = [_runs(value) for value in values]
    kinds = [kind for kind, _ in runs[0]] if runs else []
    if not {"digits", "letters"} <= set(kinds) or len(kinds) > 8:
        return None
    if any([kind for kind, _ in other] != kinds for other in runs):
        return None
    parts = [
        _part(kind, [other[place][1] for other in runs], literal=literal or kind == "mark")
        for place, kind in enumerate(kinds)
    ]
    return "^" + "".join(parts) + "$" if all(parts) else None


def _runs(value: str) -> list[tuple[str, str]]:
    """The runs of digits, letters and marks that make up the value; none when anything else is in it."""
    matches = list(_RUN.finditer(value))
    if sum(len(match.group()) for match in matches) < len(value):
        return []
    return [(str(match.lastgroup), match.group()) for match in matches]


def _part(kind: str, texts: Sequence[str], *, literal: bool) -> str:
    if kind == "digits":
        return "[0-9]+"  # numbers grow, so that their length is not held to
    if literal and len(set(texts)) == 1:
        return texts[0].replace(".", r"\.")
    if kind == "mark":
        return ""
    lengths = {len(text) for text in texts}
    return f"[A-Za-z]{{{lengths.pop()}}}" if len(lengths) == 1 else "[A-Za-z]+"


def _date_kind(texts: Sequence[str]) -> Literal["date", "datetime"] | None:
    """Text columns often hold dates, most of all in SQLite, which has no type for them."""
    if all(_DAY.match(text) for text in texts):
        return "date"
    return "datetime" if all(_MOMENT.match(text) or _DAY.match(text) for text in texts) else None


def _short(texts: Sequence[str], limit: int) -> bool:
    return all(len(text) <= limit for text in texts)
