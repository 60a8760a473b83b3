"""What functions and tools return, as rows."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from datetime import date, time, timedelta
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from pydantic import BaseModel
from pydantic_core import to_jsonable_python

from rag.protocols import Row

__all__ = ["SCALARS", "rows_of"]

SCALARS: Final = (bool, int, float, Decimal, date, time, timedelta, UUID)
"""Types of a single value that is a row's only field."""


def rows_of(result: Any, name: str = "value") -> list[Row]:
    """One row, several, text, or single values, as a list of rows with JSON values; None is no row.

    Args:
        result: what a function or tool returned.
        name: the field that a single value becomes.

    Example:
        >>> rows_of("sold out")
        [{'text': 'sold out'}]
        >>> rows_of({"stock": 3}), rows_of(None)
        ([{'stock': 3}], [])
        >>> rows_of(3, "stock")
        [{'stock': 3}]

    Raises:
        TypeError: something in it is no row: neither a mapping, a dataclass, a pydantic model, a string nor a scalar.
    """
    if result is None:
        return []
    if _is_row(result) or _is_scalar(result):
        return [_row(result, name)]
    if not isinstance(result, Iterable) or isinstance(result, bytes | bytearray):
        raise TypeError(f"{type(result).__name__} is no row; return a dictionary, a model, a string, or a list of them")
    return [_row(item, name) for item in result]


def _is_row(value: Any) -> bool:
    if isinstance(value, str | Mapping | BaseModel):
        return True
    return dataclasses.is_dataclass(value) and not isinstance(value, type)


def _is_scalar(value: Any) -> bool:
    # Those of numpy are arrays without a dimension.
    return isinstance(value, SCALARS) or getattr(value, "shape", None) == ()


def _row(value: Any, name: str) -> Row:
    if isinstance(value, str):
        return {"text": value}
    if _is_scalar(value):
        value = {name: value}
    if not _is_row(value):
        raise TypeError(f"{type(value).__name__} is no row; return dictionaries, models or strings")
    fields = dict(value) if isinstance(value, Mapping) else value
    plain: Row = to_jsonable_python(fields, fallback=_simple, bytes_mode="base64", inf_nan_mode="null")
    return plain


def _simple(value: Any) -> Any:
    # The scalars of numpy and pandas have `item`, which gives the plain number.
    return value.item() if hasattr(value, "item") else str(value)
