"""What each file type holds: one document, or many."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import JsonValue

from rag.errors import LoadError
from rag.ingest.front import split_front_matter
from rag.ingest.headings import headings
from rag.ingest.html import html_text

__all__ = ["SUFFIXES", "Part", "check_type", "parts"]


@dataclass(frozen=True, slots=True)
class Part:
    """One document of a file, before it has its whole identity.

    `key` tells it from the file's other documents, and is empty where a file is one document. `doc_id`
    is set where the file gives an identity within its folder. `place` says where in the file it stands.
    """

    text: str
    title: str = ""
    metadata: dict[str, JsonValue] = field(default_factory=dict)
    key: str = ""
    doc_id: str = ""
    place: str = ""


def _prose(text: str) -> Iterator[Part]:
    metadata, body = split_front_matter(text)
    title = metadata.pop("title", None) or _first_heading(body)
    yield Part(text=body.strip(), title=str(title), metadata=metadata)


def _html(text: str) -> Iterator[Part]:
    title, body = html_text(text)
    yield Part(text=body, title=title or _first_heading(body))


def _first_heading(text: str) -> str:
    return next((heading.title for heading in headings(text)), "")


def _json(text: str) -> Iterator[Part]:
    value = _parsed(text)
    if isinstance(value, list) and all(isinstance(entry, dict) for entry in value):
        for number, entry in enumerate(value, start=1):
            yield _record(entry, number, f"entry {number}")
    elif isinstance(value, dict):
        # The file is this one document, whose id is the file's.
        yield replace(_record(value, 1, "its object"), key="")
    else:
        yield Part(text=_shown(value))


def _json_lines(text: str) -> Iterator[Part]:
    # Not splitlines: JSON allows the other line separators of Unicode inside a string.
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        value = _parsed(line, number)
        if not isinstance(value, dict):
            raise LoadError(f"line {number} is JSON, but not an object")
        yield _record(value, number, f"line {number}")


def _parsed(text: str, line: int = 1) -> Any:
    try:
        return json.loads(text, parse_constant=str)
    except json.JSONDecodeError as error:
        raise LoadError(f"line {line + error.lineno - 1} is not JSON: {error.msg} at column {error.colno}") from error
    except (ValueError, RecursionError) as error:
        raise LoadError(f"line {line} cannot be read as JSON: {error}") from error


def _csv(text: str) -> Iterator[Part]:
    # Spreadsheets of many countries separate by semicolon.
    head = text.partition("\n")[0]
    yield from _table(text, max(",;\t", key=head.count))


def _tsv(text: str) -> Iterator[Part]:
    yield from _table(text, "\t")


def _table(text: str, delimiter: str) -> Iterator[Part]:
    # Strict, since a quote that is never closed would take all rows after it into one field.
    rows = csv.reader(io.StringIO(text), delimiter=delimiter, strict=True)
    try:
        names = [name.strip() for name in next(rows)]
        if not names or not all(names) or len(set(names)) < len(names):
            raise LoadError("its first line must give each column a name of its own")
        for number, row in enumerate(filter(None, rows), start=1):
            place = f"line {rows.line_num}"
            if len(row) > len(names):
                raise LoadError(f"{place} has {len(row)} fields, and the first line names {len(names)}")
            yield _record({name: value for name, value in zip(names, row, strict=False) if value}, number, place)
    except csv.Error as error:
        raise LoadError(f"line {rows.line_num} is not CSV: {error}") from error


def _record(fields: dict[str, Any], number: int, place: str) -> Part:
    """The document of one object or row.

    `doc_id`, or `_id` as in the BEIR collections, tells it from all of the folder; `id` tells the file's
    documents apart, and so does the number where there is no id. Without a `text`, the fields are the text.
    """
    rest = dict(fields)
    given = rest.pop("doc_id", rest.pop("_id", None))
    title = str(rest.pop("title", None) or rest.get("name") or "")
    text = rest.pop("text", None)
    if not isinstance(text, str | None):
        raise LoadError(f"{place}: its text is not a string")
    nested = rest.pop("metadata") if isinstance(rest.get("metadata"), dict) else {}
    return Part(
        text=_readable(fields) if text is None else text or title,
        title=title,
        metadata={**rest, **nested},
        key=_identity(rest.get("id"), place) or str(number),
        doc_id=_identity(given, place),
        place=place,
    )


def _identity(value: object, place: str) -> str:
    if not isinstance(value, str | int | None):
        raise LoadError(f"{place}: its id is neither a string nor a whole number")
    return "" if value is None else str(value)


def _readable(fields: dict[str, Any]) -> str:
    shown = {name: value for name, value in fields.items() if value not in (None, "", [], {})}
    return "\n".join(f"{name}: {_shown(value)}" for name, value in shown.items())


def _shown(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


_READERS: dict[str, Callable[[str], Iterator[Part]]] = {
    ".md": _prose,
    ".markdown": _prose,
    ".txt": _prose,
    ".rst": _prose,
    ".html": _html,
    ".htm": _html,
    ".csv": _csv,
    ".tsv": _tsv,
    ".json": _json,
    ".jsonl": _json_lines,
}
_HINTS = {
    ".pdf": "convert it to text first, for example with `pdftotext`",
    ".docx": "convert it to markdown first, for example with `pandoc`",
    ".gz": "unpack it first",
    ".zip": "unpack it first",
}

SUFFIXES = frozenset(_READERS)
"""The file types that can be loaded, as lower-case suffixes."""


def check_type(suffix: str) -> None:
    """Nothing, for a suffix of a file type that can be loaded, in upper or lower case.

    Raises:
        LoadError: it is none; the message says what to do.
    """
    if suffix.lower() not in SUFFIXES:
        hint = _HINTS.get(suffix.lower(), f"the types that can be loaded are {' '.join(_READERS)}")
        raise LoadError(f"its type {suffix} is unknown: {hint}" if suffix else f"its name has no suffix: {hint}")


def parts(suffix: str, text: str) -> Iterator[Part]:
    r"""The documents of a file with this suffix and text, in the file's order.

    Raises:
        LoadError: while iterating, when the text is not what the suffix says.

    Example:
        >>> [part.title for part in parts(".md", "# Returns\n\nWithin 30 days.")]
        ['Returns']
    """
    yield from _READERS[suffix.lower()](text)
