"""What functions and tools return, as rows."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel
from pydantic_core import to_jsonable_python

from rag.protocols import Row

__all__ = ["rows_of"]


def rows_of(result: Any) -> list[Row]:
    """One row, several, or text, as a list of rows with JSON values; None is no row.

    Example:
        >>> rows_of("sold out")
        [{'text': 'sold out'}]
        >>> rows_of({"stock": 3}), rows_of(None)
        ([{'stock': 3}], [])

    Raises:
        TypeError: something in it is no row: neither a mapping, a dataclass, a pydantic model nor a string.
    """
    if result is None:
        return []
    if _is_row(result):
        return [_row(result)]
    if not isinstance(result, Iterable):
        raise TypeError(f"{type(result).__name__} is no row; return a dictionary, a model, a string, or a list of them")
    return [_row(item) for item in result]


def _is_row(value: Any) -> bool:
    if isinstance(value, str | Mapping | BaseModel):
        return True
    return dataclasses.is_dataclass(value) and not isinstance(value, type)


def _row(value: Any) -> Row:
    if isinstance(value, str):
        return {"text": value}
    if not _is_row(value):
        raise TypeError(f"{type(value).__name__} is no row; return dictionaries, models or strings")
    fields = dict(value) if isinstance(value, Mapping) else value
    plain: Row = to_jsonable_python(fields, fallback=_simple, bytes_mode="base64", inf_nan_mode="null")
    return plain


def _simple(value: Any) -> Any:
    # The scalars of numpy and pandas have `item`, which gives the plain number.
    return value.item() if hasattr(value, "item") else str(value)
