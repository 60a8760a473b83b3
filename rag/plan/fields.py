"""The fields of a source's rows: whether a reference can be held, and which one was probably meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any, Final

from rag.card import Schema
from rag.plan.refs import EVERY, Element, Ref
from rag.plan.shapes import Shape

__all__ = ["field_known", "nearest", "nearest_path"]

# What models put between a step and the fields of its rows, as if these were wrapped.
_WRAPPERS: Final = frozenset("output outputs result results response row rows data value values item items".split())  # noqa: SIM905
_LONGEST_NAME: Final = 80

_Path = tuple[Element, ...]


def field_known(output: Schema | None, ref: Ref) -> bool:
    """Whether rows of the declared output can hold the reference; True when the output is not declared."""
    return output is None or _has(Shape(output, output.get("$defs", {})), ref.fields)


def _has(shape: Shape, path: _Path) -> bool:
    return not path or any(_kind_has(kind, path[0], path[1:]) for kind in shape.kinds())


def _kind_has(kind: Shape, head: Element, rest: _Path) -> bool:
    if isinstance(head, int) or head is EVERY:
        return kind.may_be("array") and _has(kind.item, rest)
    field = _field(kind, str(head))
    return field is not None and _has(field, rest)


def _field(kind: Shape, name: str) -> Shape | None:
    """A field that rows have: unlike arguments, they have none but those declared."""
    if not kind.may_be("object"):
        return None
    if kind.fields is None or name in kind.fields or kind.schema.get("additionalProperties"):
        return kind.field(name)
    return None


def nearest_path(output: Schema, path: _Path) -> _Path | None:
    """The path within a row that was probably meant by one that no row can hold; None when rules cannot tell.

    Example:
        >>> output = {"properties": {"items": {"type": "array", "items": {"properties": {"unit_price": {}}}}}}
        >>> nearest_path(output, ("result", "items", "unitPrice"))
        ('items', 0, 'unit_price')
    """
    return _nearest_path(Shape(output, output.get("$defs", {})), path)


def _nearest_path(shape: Shape, path: _Path) -> _Path | None:
    if _has(shape, path):
        return path
    found = (_in_kind(kind, path[0], path[1:]) for kind in shape.kinds())
    return next((mended for mended in found if mended is not None), None)


def _in_kind(kind: Shape, head: Element, rest: _Path) -> _Path | None:
    if "array" in kind.types:
        index = isinstance(head, int) or head is EVERY
        return _then(head if index else 0, _nearest_path(kind.item, rest if index else (head, *rest)))
    if not kind.may_be("object"):
        return () if head in _WRAPPERS and not rest else None
    if not isinstance(head, str):  # an index into what is no list
        return _nearest_path(kind, rest) if rest else None
    field = _field(kind, head)
    if field is not None:
        return _then(head, _nearest_path(field, rest))
    name = nearest(head, kind.fields or ()) or _only(head, kind.fields or ())
    if name is not None:
        return _then(name, _nearest_path(kind.of((kind.fields or {})[name]), rest))
    return _nearest_path(kind, rest) if head in _WRAPPERS and rest else None


def _only(name: str, names: Iterable[str]) -> str | None:
    """The one id that there is, for the name of another id: models call it as the argument that it is for."""
    ids = [other for other in names if _is_id(other)]
    return ids[0] if _is_id(name) and len(ids) == 1 else None


def _is_id(name: str) -> bool:
    return name.casefold() == "id" or name.casefold().endswith(("_id", "-id")) or name.endswith("Id")


def _then(head: Element, rest: _Path | None) -> _Path | None:
    return None if rest is None else (head, *rest)


def nearest(name: str, names: Iterable[Any]) -> str | None:
    """The name that was probably meant: the same but for case and punctuation, else a close spelling.

    Example:
        >>> nearest("Unit-Price", ["unit_price", "unit"]), nearest("colour", ["color"]), nearest("size", ["color"])
        ('unit_price', 'color', None)
    """
    # Comparing takes the product of both lengths.
    folded = {_folded(other): other for other in sorted(map(str, names)) if len(other) <= _LONGEST_NAME}
    if len(name) > _LONGEST_NAME:
        return None
    if _folded(name) in folded:
        return folded[_folded(name)]
    close = difflib.get_close_matches(_folded(name), folded, n=1, cutoff=0.8)
    return folded[close[0]] if close else None


def _folded(name: str) -> str:
    return "".join(c for c in name.casefold() if c.isalnum())
