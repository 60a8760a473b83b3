"""What the schema of an argument says of its values."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from rag.card import Schema, SourceCard

__all__ = ["enumerated", "id_pattern", "is_date", "is_state", "takes_list", "value_types"]


@lru_cache(maxsize=4096)
def is_state(card: SourceCard, name: str) -> bool:
    """Whether an argument enumerates states, such as "shipped", and not kinds of rows, such as "orders"."""
    choices = [str(choice) for choice in enumerated(card, name)]
    return bool(choices) and name != "table" and not all(choice.endswith("s") for choice in choices)


@lru_cache(maxsize=4096)
def is_date(card: SourceCard, name: str) -> bool:
    """Whether an argument takes a day or a moment."""
    return any(kind.get("format") in ("date", "date-time") for kind in card.kinds(name))


@lru_cache(maxsize=4096)
def value_types(card: SourceCard, name: str) -> frozenset[str]:
    """The JSON types that an argument takes, "null" among them where it may be left out."""
    return frozenset(str(kind.get("type")) for kind in card.kinds(name))


def takes_list(card: SourceCard, name: str) -> bool:
    """Whether an argument takes several values."""
    return "array" in value_types(card, name)


@lru_cache(maxsize=4096)
def enumerated(card: SourceCard, name: str) -> tuple[Any, ...]:
    """The values that an argument enumerates; none when it does not."""
    kinds = _all_kinds(card, name)
    return tuple(choice for kind in kinds for choice in kind.get("enum", ()) if choice is not None)


@lru_cache(maxsize=4096)
def id_pattern(card: SourceCard, name: str) -> str | None:
    """The regular expression that an argument's values fit, if it has one that Python can read."""
    kinds: list[Schema] = [card.properties[name], *_all_kinds(card, name)]
    return next((str(kind["pattern"]) for kind in kinds if kind.get("pattern") and _readable(kind["pattern"])), None)


@lru_cache(maxsize=256)
def _readable(pattern: str) -> bool:
    try:
        re.compile(pattern)
    except re.error:  # pydantic's own dialect has classes that Python's lacks, such as \p{L}
        return False
    return True


def _all_kinds(card: SourceCard, name: str) -> Iterator[Schema]:
    for kind in card.kinds(name):
        yield kind
        if isinstance(items := kind.get("items"), dict):
            yield items
