"""The form in which a plan keeps arguments: JSON with references in it, as its saved text reads back."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, Final

from pydantic_core import to_jsonable_python

from rag.plan.refs import ArgValue, Ref, Template, text

__all__ = ["MOST_DEPTH", "is_deep", "normal"]

MOST_DEPTH: Final = 40
"""How deep lists and objects may be nested in an argument."""


def is_deep(value: Any) -> bool:
    """Whether lists and objects are nested deeper in the value than a plan's arguments may be."""
    level, depth = [value], 0
    while level and depth <= MOST_DEPTH:
        level = [item for each in level for item in _items(each)]
        depth += 1
    return bool(level)


def _items(value: Any) -> Iterable[Any]:
    return value.values() if isinstance(value, dict) else value if isinstance(value, list | tuple) else ()


def normal(value: Any) -> ArgValue:
    """The value in the one form that its saved text reads back to: JSON, references, templates that hold one.

    Raises:
        ValueError: it cannot be written as JSON.

    Example:
        >>> from datetime import date
        >>> normal({"day": date(2026, 11, 20), "sizes": (1, 2), "text": Template(("a", "b"))})
        {'day': '2026-11-20', 'sizes': [1, 2], 'text': 'ab'}
    """
    if isinstance(value, Ref | Template):
        _sendable(str(value))
        return text(*value.parts) if isinstance(value, Template) else value
    if isinstance(value, dict):
        return {_sendable(str(key)): normal(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [normal(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{value} cannot be written as JSON")
    plain = to_jsonable_python(value)
    return _sendable(plain) if isinstance(plain, str) else plain


def _sendable(text: str) -> str:
    text.encode()  # a half of a surrogate pair is a ValueError: no source and no file could take it
    return text
