r"""References from one step's arguments to another step's result.

Grammar, in any string at any depth of a step's arguments:

    reference = "$" id element+
    element   = "." name | '["' any text '"]' | "[" digits "]" | "[*]"

`$s1.price` is short for `$s1[0].price`. A string that is exactly one reference keeps the type of
what it refers to; inside a longer string the value is put in as text. `$$` is a literal dollar, and
`$name` without a path is text. Where the text behind a reference could be read as more of it, `$;` ends
the reference: `$s1.file$;.txt`. Strings are parsed once, when a plan is read from JSON; what a source
returns is never scanned.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final, TypeAlias

__all__ = [
    "EVERY",
    "ArgValue",
    "Every",
    "Ref",
    "Template",
    "parse_value",
    "references",
    "text",
    "unparse_value",
]

NAME: Final = r"[A-Za-z_][A-Za-z0-9_]*"
_FIELD: Final = r"[^\W\d]\w*"
_QUOTED: Final = r'\["(?:[^"\\]|\\.)*"\]'
_ELEMENT: Final = re.compile(
    rf"\.(?P<name>{_FIELD})|(?P<quoted>{_QUOTED})|\[(?P<index>[0-9]{{1,9}})\]|(?P<every>\[\*\])"
)
_TOKEN: Final = re.compile(rf"\$\$|\$(?P<id>{NAME})(?P<path>(?:\.{_FIELD}|{_QUOTED}|\[[0-9]{{1,9}}\]|\[\*\])+)(?:\$;)?")


class Every(Enum):
    """The path element `[*]`: each item of a list."""

    EVERY = "*"

    def __repr__(self) -> str:
        return "EVERY"


EVERY: Final = Every.EVERY
Element: TypeAlias = str | int | Every


@dataclass(frozen=True, slots=True)
class Ref:
    """The value at `path` in the rows that step `step` brought.

    The first element of the path chooses among the rows; a path that starts with a name is given
    the first row.

    Example:
        >>> str(Ref("s1", ("price",)))
        '$s1[0].price'
        >>> from rag.plan import EVERY
        >>> Ref("s1", (EVERY, "unit price")).pick([{"unit price": 2}, {"unit price": 3}])
        [2, 3]
    """

    step: str
    path: tuple[Element, ...]

    def __post_init__(self) -> None:
        if not self.path:
            raise ValueError(f"a reference to step {self.step!r} needs a path, such as [0] or .title")
        if isinstance(self.path[0], str):
            object.__setattr__(self, "path", (0, *self.path))

    def __str__(self) -> str:
        return f"${self.step}" + "".join(_element_text(e) for e in self.path)

    @property
    def many(self) -> bool:
        """Whether the reference holds a `[*]`, and so stands for a list."""
        return EVERY in self.path

    @property
    def fields(self) -> tuple[Element, ...]:
        """The path within one row."""
        return self.path[1:]

    def pick(self, rows: Sequence[Any]) -> Any:
        """The referred value; None where an index, a field or a value is missing.

        With `[*]` a list, in row order, which keeps None for the rows that lack the value.
        """
        return _pick(rows, self.path)


@dataclass(frozen=True, slots=True)
class Template:
    """A longer string with references in it: literal texts and references in order."""

    parts: tuple[str | Ref, ...]

    def __str__(self) -> str:
        written = ""
        for part in reversed(self.parts):
            if isinstance(part, Ref):
                written = f"{part}{'$;' if _goes_on(str(part), written) else ''}{written}"
            else:
                written = _escape(part) + written
        return written

    @property
    def refs(self) -> tuple[Ref, ...]:
        """The references, in order."""
        return tuple(p for p in self.parts if isinstance(p, Ref))


ArgValue: TypeAlias = Any
"""JSON, in which a `Ref` or a `Template` may stand wherever a value may."""


def text(*parts: str | Ref) -> ArgValue:
    """The value that joins the parts, as `parse_value` would write it.

    Example:
        >>> str(text("battery of ", Ref("s1", ("title",))))
        'battery of $s1[0].title'
    """
    merged: list[str | Ref] = []
    for part in parts:
        if isinstance(part, str) and merged and isinstance(merged[-1], str):
            merged[-1] += part
        elif part != "":
            merged.append(part)
    if not any(isinstance(p, Ref) for p in merged):
        return "".join(str(p) for p in merged)
    return merged[0] if len(merged) == 1 else Template(tuple(merged))


def parse_value(value: Any) -> ArgValue:
    """Read the references in a JSON value.

    Example:
        >>> parse_value({"q": "$$5 for $s1.title", "ids": ["$s1[*].id", "$plain"]})["ids"]
        [Ref(step='s1', path=(EVERY, 'id')), '$plain']
    """
    if isinstance(value, str):
        return _parse_text(value)
    if isinstance(value, dict):
        return {key: parse_value(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [parse_value(item) for item in value]
    return value


def unparse_value(value: ArgValue) -> Any:
    """The JSON of a value: the inverse of `parse_value`."""
    if isinstance(value, Ref | Template):
        return str(value)
    if isinstance(value, str):
        return _escape(value)
    if isinstance(value, dict):
        return {key: unparse_value(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [unparse_value(item) for item in value]
    return value


def references(value: ArgValue) -> Iterator[Ref]:
    """Every reference in a value, at any depth, in reading order."""
    if isinstance(value, Ref):
        yield value
    elif isinstance(value, Template):
        yield from value.refs
    elif isinstance(value, dict):
        for item in value.values():
            yield from references(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from references(item)


def _parse_text(source: str) -> ArgValue:
    parts: list[str | Ref] = []
    end = 0
    for match in _TOKEN.finditer(source):
        parts.append(source[end : match.start()])
        if match["id"] is None:
            parts.append("$")
        else:
            parts.append(Ref(match["id"], tuple(_elements(match["path"]))))
        end = match.end()
    return text(*parts, source[end:])


def _elements(path: str) -> Iterator[Element]:
    for match in _ELEMENT.finditer(path):
        if match["name"] is not None:
            yield match["name"]
        elif match["quoted"] is not None:
            yield _unquote(match["quoted"][1:-1])
        elif match["index"] is not None:
            yield int(match["index"])
        else:
            yield EVERY


def _unquote(literal: str) -> str:
    try:
        return str(json.loads(literal, strict=False))
    except ValueError:  # an escape that JSON does not know: take the text as it stands
        return literal[1:-1]


def _element_text(element: Element) -> str:
    if element is EVERY:
        return "[*]"
    if isinstance(element, int):
        return f"[{element}]"
    return f".{element}" if re.fullmatch(_FIELD, str(element)) else f"[{json.dumps(element)}]"


def _goes_on(reference: str, behind: str) -> bool:
    """Whether the text behind a reference would be read as more of it."""
    match = _TOKEN.match(reference + behind)
    return match is None or match.end() != len(reference)


def _escape(literal: str) -> str:
    return literal.replace("$", "$$")


def _pick(value: Any, path: tuple[Element, ...]) -> Any:
    for position, element in enumerate(path):
        if element is EVERY:
            items = value if isinstance(value, list | tuple) else []
            return [_pick(item, path[position + 1 :]) for item in items]
        value = _child(value, element)
        if value is None:
            return None
    return value


def _child(value: Any, element: Element) -> Any:
    if isinstance(element, int):
        return value[element] if isinstance(value, list | tuple) and element < len(value) else None
    return value.get(element) if isinstance(value, dict) else None
