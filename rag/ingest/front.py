"""Front matter: what stands of a document above its text."""

from __future__ import annotations

import json
import math
import re
import tomllib
from datetime import date, datetime, time

from pydantic import JsonValue

from rag.errors import LoadError

__all__ = ["split_front_matter"]

_TOML = re.compile(r"\A\+\+\+[ \t]*\n(.*?)^\+\+\+[ \t]*(?:\n|\Z)", re.DOTALL | re.MULTILINE)
_YAML = re.compile(r"\A---[ \t]*\n(.*?)^(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL | re.MULTILINE)
_KEY = re.compile(r"[A-Za-z_][\w -]*")


def split_front_matter(text: str) -> tuple[dict[str, JsonValue], str]:
    r"""The front matter's fields, and the text below it; without front matter, no fields and the text.

    Between lines of `+++` stands TOML. Between lines of `---`, each line `key: value` is read; a
    value is what it is in JSON (a number, true, false, null, a quoted text, a list on one line), else
    text. Whatever else YAML knows, such as nested lines, is left out. Dates and times become ISO text.

    Raises:
        LoadError: what stands between lines of `+++` is not TOML.

    Example:
        >>> split_front_matter("---\ntitle: Returns\nversion: 2\n---\nWithin 30 days.")
        ({'title': 'Returns', 'version': 2}, 'Within 30 days.')
    """
    if found := _TOML.match(text):
        try:
            fields = tomllib.loads(found[1])
        except tomllib.TOMLDecodeError as error:
            raise LoadError(f"its front matter is not TOML: {error}") from error
        return {key: _plain(value) for key, value in fields.items()}, text[found.end() :]
    # Two rules across the page may stand around prose as well: the first line decides.
    if (found := _YAML.match(text)) and _field(found[1].strip().partition("\n")[0]):
        pairs = filter(None, map(_field, found[1].splitlines()))
        return {key: _scalar(value) for key, value in pairs if value}, text[found.end() :]
    return {}, text


def _field(line: str) -> tuple[str, str] | None:
    """The key and the value of a line `key: value`; None for any other line."""
    key, colon, value = line.partition(":")
    key = key.rstrip(" \t")
    told = colon and _KEY.fullmatch(key) and value[:1] in ("", " ", "\t")
    return (key, value.strip(" \t")) if told else None


def _scalar(value: str) -> JsonValue:
    if len(value) > 1 and value[0] == value[-1] == "'":
        return value[1:-1].replace("''", "'")
    try:
        known: JsonValue = json.loads(value, parse_constant=str, parse_float=_number)
    except ValueError:
        return value
    return known


def _number(written: str) -> JsonValue:
    # A commit such as 12e4567 reads as a number too large for any.
    return number if math.isfinite(number := float(written)) else written


def _plain(value: object) -> JsonValue:
    match value:
        case dict():
            return {key: _plain(inner) for key, inner in value.items()}
        case list():
            return [_plain(inner) for inner in value]
        case datetime() | date() | time():
            return value.isoformat()
        case float() if not math.isfinite(value):
            return str(value)
        case str() | int() | float():
            return value
    return str(value)
