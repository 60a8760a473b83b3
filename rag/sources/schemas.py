"""From a JSON schema, as tools declare theirs, to an argument model.

Schemas in the wild name types that JSON does not have, leave types out, and refer to themselves: what
cannot be made out fits anything, so that the tool itself is the judge.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Final, Literal, Union

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, WithJsonSchema, WrapValidator, create_model

from rag.card import Schema

__all__ = ["as_given", "model_of", "plain"]

# What people write for the types of JSON, in any case.
_TYPES: Final = {name: name for name in ("string", "integer", "number", "boolean", "array", "object", "null")} | {
    "str": "string",
    "int": "integer",
    "float": "number",
    "bool": "boolean",
    "list": "array",
    "dict": "object",
}
_SIMPLE: Final[dict[str, Any]] = {"string": str, "integer": int, "number": float, "boolean": bool, "null": None}
_BOUNDS: Final = {
    "number": {
        "minimum": "ge",
        "maximum": "le",
        "exclusiveMinimum": "gt",
        "exclusiveMaximum": "lt",
        "multipleOf": "multiple_of",
    },
    "string": {"minLength": "min_length", "maxLength": "max_length"},
    "array": {"minItems": "min_length", "maxItems": "max_length"},
}
_LONGEST: Final = 2**31
_ARGUMENTS: Final = TypeAdapter(dict[str, Any])
# What a field tells of itself beside its type; the rest of a schema is the type's.
_TOLD: Final = ("description", "role", "values", "sampled")


def model_of(schema: Any) -> type[BaseModel]:
    """The model of an object's properties; names that are no Python identifiers are its aliases.

    Properties that need not be given take null for "not given". The model shows each as the schema
    has it, `$ref`s followed.

    Example:
        >>> Arguments = model_of({"properties": {"unit price": {"type": "number"}, "in": {"type": "String"}},
        ...                       "required": ["in"]})
        >>> Arguments.model_validate({"in": "Ghent", "unit price": 3}).model_dump(by_alias=True)
        {'unit price': 3, 'in': 'Ghent'}
    """
    return _model(plain(schema), "Arguments", extra="forbid")


def as_given(arguments: dict[str, Any]) -> dict[str, Any]:
    """Checked arguments with their nested objects as the JSON that was given: the schema's names, no defaults."""
    given: dict[str, Any] = _ARGUMENTS.dump_python(arguments, by_alias=True, exclude_unset=True)
    return given


def plain(schema: Any) -> Schema:
    """The schema with its `$ref`s followed, and its types called by the names that JSON has for them.

    Where a definition refers to itself, anything fits.

    Example:
        >>> plain({"type": "list", "items": {"$ref": "#/$defs/City"}, "$defs": {"City": {"type": "str"}}})
        {'items': {'type': 'string'}, 'type': 'array'}
    """
    given = schema if isinstance(schema, Mapping) else {}
    return _plain(given, {**_mapping(given, "definitions"), **_mapping(given, "$defs")}, frozenset())


def _plain(schema: Any, definitions: Mapping[str, Any], within: frozenset[str]) -> Schema:
    if not isinstance(schema, Mapping):
        return {}
    told = {key: value for key, value in schema.items() if key not in ("$ref", "$defs", "definitions", "type")}
    if (name := str(schema.get("$ref", "")).rsplit("/", 1)[-1]) and name not in within:
        told = _plain(definitions.get(name), definitions, within | {name}) | told
    if "type" in schema:
        told |= _typed(schema["type"])
    for key in ("anyOf", "oneOf", "allOf"):
        if isinstance(kinds := told.pop(key, None), Sequence):
            kinds = [_plain(kind, definitions, within) for kind in kinds]
            # Many schemas wrap one reference, to say something beside it.
            whole = kinds[0] if len(kinds) == 1 else _all(kinds) if key == "allOf" else {"anyOf": kinds}
            told = whole | told
    if told.get("properties") is not None:
        told["properties"] = {
            str(key): _plain(value, definitions, within) for key, value in _mapping(told, "properties").items()
        }
    for key in ("items", "additionalProperties"):
        if isinstance(told.get(key), Mapping):
            told[key] = _plain(told[key], definitions, within)
    # An older form gives a schema for each place of a list; and an empty enumeration means that there is none.
    useless = [key for key, kind in (("items", Mapping), ("enum", Sequence)) if not _is_full(told.get(key), kind)]
    return {key: value for key, value in told.items() if key not in useless}


def _all(kinds: Sequence[Schema]) -> Schema:
    """The one schema of what fits all of these; anything fits where they say different things of the same."""
    found: Schema = {}
    for kind in kinds:
        joined = {**_mapping(found, "properties"), **_mapping(kind, "properties")}
        both: Schema = {"properties": joined} if joined else {}
        if needed := [*_required(found), *_required(kind)]:
            both["required"] = needed
        if any(found[key] != kind[key] for key in (found.keys() & kind.keys()) - both.keys()):
            return {}
        found = {**found, **kind, **both}
    return found


def _required(told: Mapping[str, Any]) -> list[str]:
    needed = told.get("required")
    return [each for each in needed if isinstance(each, str)] if isinstance(needed, list | tuple) else []


def _is_full(value: Any, kind: type) -> bool:
    return isinstance(value, kind) and bool(value)


def _typed(name: Any) -> Schema:
    names = [_TYPES.get(str(each).casefold()) for each in (name if isinstance(name, list) else [name])]
    if None in names or not names:
        return {}
    return {"type": names[0]} if len(names) == 1 else {"anyOf": [{"type": each} for each in names]}


def _mapping(schema: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    found = schema.get(key)
    return found if isinstance(found, Mapping) else {}


def _model(told: Mapping[str, Any], name: str, *, extra: Literal["allow", "forbid"]) -> type[BaseModel]:
    required = _required(told)
    # Properties may have names that pydantic keeps for itself: fields are numbered, their aliases are free.
    fields: dict[str, Any] = {
        f"a{number}": _field(key, kind, needed=key in required)
        for number, (key, kind) in enumerate(_mapping(told, "properties").items())
    }
    return create_model(name, __config__=ConfigDict(extra=extra, regex_engine="python-re"), **fields)


def _field(name: str, told: Schema, *, needed: bool) -> tuple[Any, Any]:
    shown = {key: value for key, value in told.items() if key not in (*_TOLD, "default", "title")}
    options: dict[str, Any] = {"alias": name, "description": str(told.get("description") or "") or None}
    options["json_schema_extra"] = {key: told[key] for key in _TOLD[1:] if key in told} or None
    if needed:
        return Annotated[_type(told), WithJsonSchema(shown)], Field(**options)
    kinds = shown.get("anyOf", [shown])
    shown = {"anyOf": kinds if {"type": "null"} in kinds else [*kinds, {"type": "null"}]}
    kind: Any = Union[_type(told), None]  # noqa: UP007  # not every type takes "|"
    return Annotated[kind, WithJsonSchema(shown)], Field(default=told.get("default"), **options)


def _type(told: Mapping[str, Any]) -> Any:
    if isinstance(choices := told.get("enum", [told["const"]] if "const" in told else None), list) and choices:
        simple = all(choice is None or isinstance(choice, str | int | float) for choice in choices)
        return Literal[tuple(choices)] if simple else Any
    if kinds := told.get("anyOf"):
        return Union[tuple(_type(kind) for kind in kinds)]  # noqa: UP007
    name = str(told.get("type"))
    if name == "object" or "properties" in told:
        return _object(told)
    if name == "array":
        kind: Any = list[_type(_mapping(told, "items"))]  # type: ignore[misc]
        return _bounded(kind, told, "array")
    if name not in _SIMPLE:
        return Any
    kind = _bounded(_SIMPLE[name], told, "number" if name == "integer" else name)
    return Annotated[kind, WrapValidator(_as_written)] if name == "number" else kind


def _as_written(value: Any, check: Callable[[Any], Any]) -> Any:
    """A number that is checked as a decimal one, and stays whole where it is."""
    checked = check(value)
    return value if type(value) is int else checked


def _object(told: Mapping[str, Any]) -> Any:
    others = told.get("additionalProperties", True)
    if told.get("properties"):
        return _model(told, "Object", extra="allow" if others else "forbid")
    kind: Any = _type(others) if isinstance(others, Mapping) else Any
    return dict[str, kind]


def _bounded(kind: Any, told: Mapping[str, Any], name: str) -> Any:
    bounds: dict[str, Any] = {
        option: told[key]
        for key, option in _BOUNDS.get(name, {}).items()
        if _can_bound(option, told.get(key), whole=kind is int)
    }
    if name == "string" and _readable(told.get("pattern")):
        bounds["pattern"] = told["pattern"]
    return Annotated[kind, Field(**bounds)] if bounds else kind


def _can_bound(option: str, value: Any, *, whole: bool) -> bool:
    """Whether a bound can be held: whole numbers have whole ones, lengths are not below 0, no factor is 0."""
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        return False
    if option.endswith("length"):
        return isinstance(value, int) and 0 <= value < _LONGEST
    return not (whole and isinstance(value, float)) and (option != "multiple_of" or value > 0)


def _readable(pattern: Any) -> bool:
    try:
        return isinstance(pattern, str) and bool(re.compile(pattern))
    except re.error:  # JSON schemas are written for JavaScript's dialect
        return False
