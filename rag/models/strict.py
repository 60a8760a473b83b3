"""JSON schemas in the strict dialect, which an endpoint enforces as it writes, token by token.

Strict schemas are a part of JSON Schema: every object is closed and gives every property, so that an
optional one becomes nullable; a root is an object; alternatives that are objects differ in their first
key. What an endpoint does not enforce is dropped; what it cannot enforce at all has no strict form.

Source: OpenAI, "Structured model outputs", supported schemas (2026).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from rag.card import Schema

__all__ = ["strict_schema"]

_MOST_PROPERTIES: Final = 5_000
_MOST_LEVELS: Final = 10
_MOST_LETTERS: Final = 120_000
_MOST_VALUES: Final = 1_000
_MANY_VALUES: Final = 250
_MOST_LETTERS_OF_MANY: Final = 15_000

_KEPT: Final = frozenset(
    (
        "type",
        "description",
        "minimum",
        "maximum",
        "exclusiveMinimum",
        "exclusiveMaximum",
        "multipleOf",
        "minItems",
        "maxItems",
    )
)
_FORMATS: Final = frozenset(("date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"))
_NULL: Final[Schema] = {"type": "null"}


class _NoStrictForm(Exception):  # it never leaves this module
    """The schema asks for what strict mode does not have."""


def strict_schema(schema: Schema) -> Schema | None:
    """The schema in strict form; None when it has none: free-form objects, values of any type, or too much of it.

    Example:
        >>> strict_schema({"type": "object", "properties": {"n": {"type": "integer", "default": 3}}})["properties"]
        {'n': {'anyOf': [{'type': 'integer'}, {'type': 'null'}]}}
        >>> strict_schema({"type": "object", "additionalProperties": {"type": "string"}}) is None
        True
    """
    definitions = schema.get("$defs", {})
    try:
        strict = _strict(schema, definitions)
        strict |= (
            {"$defs": {name: _strict(each, definitions) for name, each in definitions.items()}} if definitions else {}
        )
    except (_NoStrictForm, RecursionError):
        return None
    return strict if strict.get("type") == "object" and _within_limits(strict) else None


def _strict(schema: Any, definitions: Mapping[str, Any]) -> Schema:
    if not isinstance(schema, dict):
        raise _NoStrictForm("a value of any type")
    if "$ref" in schema:  # no other key may stand beside it
        return {"$ref": schema["$ref"]}
    if isinstance(parts := schema.get("allOf"), list):
        if len(parts) != 1:
            raise _NoStrictForm("allOf")
        return _strict(parts[0], definitions)
    if isinstance(kinds := schema.get("anyOf") or schema.get("oneOf"), list):
        told = {"description": schema["description"]} if "description" in schema else {}
        return {**told, "anyOf": _apart([_strict(kind, definitions) for kind in kinds], definitions)}
    if "enum" in schema or "const" in schema:
        return _enumerated(schema.get("enum", [schema.get("const")]))
    return _typed(schema, definitions)


def _typed(schema: Schema, definitions: Mapping[str, Any]) -> Schema:
    types = schema.get("type", "object" if "properties" in schema else "array" if "items" in schema else None)
    if types is None:
        raise _NoStrictForm("a value of any type")
    strict: Schema = {"type": types, **{key: schema[key] for key in schema if key in _KEPT}}
    pattern = schema.get("pattern")
    if isinstance(pattern, str) and not re.search(r"\(\?(?!:)", pattern):  # no looking around
        strict["pattern"] = pattern
    if schema.get("format") in _FORMATS:
        strict["format"] = schema["format"]
    if "array" in _listed(types):
        strict["items"] = _strict(schema.get("items"), definitions)
    if "object" in _listed(types):
        strict |= _closed(schema, definitions)
    return strict


def _closed(schema: Schema, definitions: Mapping[str, Any]) -> Schema:
    properties = schema.get("properties")
    if properties is None or schema.get("additionalProperties") or "patternProperties" in schema:
        raise _NoStrictForm("a free-form object")
    required = schema.get("required", ())
    strict = {name: _strict(each, definitions) for name, each in properties.items()}
    given = {name: each if name in required else _nullable(each) for name, each in strict.items()}
    return {"properties": given, "required": list(given), "additionalProperties": False}


def _nullable(schema: Schema) -> Schema:
    kinds = schema.get("anyOf", [schema])
    if any("null" in _listed(kind.get("type", ())) for kind in kinds):
        return schema
    return {**schema, "anyOf": [*kinds, _NULL]} if "anyOf" in schema else {"anyOf": [schema, _NULL]}


def _enumerated(values: list[Any]) -> Schema:
    names = {bool: "boolean", int: "integer", float: "number", str: "string", type(None): "null"}
    types = list(dict.fromkeys(names.get(type(value), "") for value in values))
    if not values or "" in types:
        raise _NoStrictForm("an enumeration of objects or lists, or of nothing")
    return {"type": types[0] if len(types) == 1 else types, "enum": list(values)}


def _apart(kinds: list[Schema], definitions: Mapping[str, Any]) -> list[Schema]:
    """The alternatives, those that are objects with their first keys apart: what tells them apart goes first."""
    objects = [kind for kind in kinds if "properties" in kind]
    sign = next((name for name in (objects[0]["properties"] if objects else ()) if _tells_apart(name, objects)), None)
    if sign is not None:
        kinds = [_led_by(sign, kind) if "properties" in kind else kind for kind in kinds]
    seen: set[str] = set()
    for kind in kinds:
        first = _first(kind, definitions)
        if first is not None and first in seen:
            raise _NoStrictForm("alternatives that begin alike")
        seen |= {first} if first is not None else set()
    return kinds


def _tells_apart(name: str, objects: list[Schema]) -> bool:
    values = [value for each in objects for value in each["properties"].get(name, {}).get("enum", [None, None])]
    return len(objects) > 1 and len(values) == len(objects) == len({json.dumps(value) for value in values})


def _led_by(name: str, kind: Schema) -> Schema:
    properties = {name: kind["properties"][name], **kind["properties"]}
    return {**kind, "properties": properties, "required": list(properties)}


def _first(kind: Schema, definitions: Mapping[str, Any]) -> str | None:
    """How an alternative begins that is an object: its first key, and its one value where there is but one."""
    if "$ref" in kind:
        kind = definitions.get(str(kind["$ref"]).rsplit("/", 1)[-1], {})
    properties = kind.get("properties") if isinstance(kind, dict) else None
    if not properties:
        return None
    name = next(iter(properties))
    values = properties[name].get("enum", [properties[name]["const"]] if "const" in properties[name] else [])
    return json.dumps([name, values] if len(values) == 1 else [name])


def _within_limits(strict: Schema) -> bool:
    objects = [each for each, _ in _walk(strict) if "properties" in each]
    names = [name for each in objects for name in each["properties"]]
    enums = [each["enum"] for each, _ in _walk(strict) if "enum" in each]
    values = [value for each in enums for value in each]
    letters = sum(len(str(text)) for text in (*names, *values, *strict.get("$defs", ())))
    return (
        len(names) <= _MOST_PROPERTIES
        and len(values) <= _MOST_VALUES
        and letters <= _MOST_LETTERS
        and max(level for _, level in _walk(strict)) <= _MOST_LEVELS
        and all(len(e) <= _MANY_VALUES or sum(len(str(v)) for v in e) <= _MOST_LETTERS_OF_MANY for e in enums)
    )


def _walk(schema: Schema) -> Iterator[tuple[Schema, int]]:
    """Each schema within, with how many objects it lies in, itself included."""
    pending = [(schema, 0)]
    while pending:
        each, above = pending.pop()
        level = above + ("properties" in each)
        yield each, level
        parts = [*each.get("properties", {}).values(), *each.get("anyOf", ()), *each.get("$defs", {}).values()]
        pending += [(part, level) for part in [*parts, *([each["items"]] if "items" in each else [])]]


def _listed(types: Any) -> list[str]:
    return [types] if isinstance(types, str) else list(types)
