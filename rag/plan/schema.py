"""The JSON schema that a model's plan must fit, made from the sources' argument models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rag.card import Schema, SourceCard

__all__ = ["plan_schema"]

_REFERENCE: Schema = {"type": "string", "pattern": r"^\$[a-z][a-z0-9]*[.\[].*$"}
_KEPT = ("type", "enum", "const", "items", "properties", "required", "anyOf", "additionalProperties", "$ref")


def plan_schema(cards: Sequence[SourceCard], *, max_steps: int = 8) -> Schema:
    """The schema of `{"steps": […]}` over these sources.

    Each argument is its own type or a reference; optional ones may be null or left out.

    Example:
        >>> from rag.card import SourceCard, free_query
        >>> schema = plan_schema([SourceCard(name="docs", arguments=free_query())])
        >>> schema["properties"]["steps"]["items"]["anyOf"][0]["properties"]["source"]
        {'const': 'docs'}
    """
    kinds = [_step_schema(card, number) for number, card in enumerate(cards)]
    steps: Schema = {"type": "array", "maxItems": max_steps, "items": {"anyOf": kinds} if kinds else {}}
    schema: Schema = {
        "type": "object",
        "properties": {"steps": steps},
        "required": ["steps"],
        "additionalProperties": False,
    }
    definitions = {
        f"source{number}_{name}": _slim(definition, number)
        for number, card in enumerate(cards)
        for name, definition in card.argument_schema.get("$defs", {}).items()
    }
    return schema | {"$defs": definitions} if definitions else schema


def _step_schema(card: SourceCard, number: int) -> Schema:
    args: Schema = {
        "type": "object",
        "properties": {
            name: _argument(_slim(schema, number), optional=name not in card.required)
            for name, schema in card.properties.items()
        },
        "required": sorted(card.required),
        "additionalProperties": False,
    }
    return {
        "type": "object",
        "properties": {
            "id": {"type": "string", "pattern": "^s[0-9]{1,2}$"},
            "source": {"const": card.name},
            "args": args,
        },
        "required": ["id", "source", "args"],
        "additionalProperties": False,
    }


def _argument(schema: Schema, *, optional: bool) -> Schema:
    kinds = list(schema["anyOf"]) if "anyOf" in schema else [schema]
    if not any(kind.get("type") == "string" and "enum" not in kind for kind in kinds):
        kinds.append(_REFERENCE)
    if optional and {"type": "null"} not in kinds:
        kinds.append({"type": "null"})
    return kinds[0] if len(kinds) == 1 else {"anyOf": kinds}


def _slim(schema: Any, number: int) -> Any:
    """The schema less what a grammar cannot use, its `$ref`s pointed at this source's definitions."""
    if isinstance(schema, list):
        return [_slim(item, number) for item in schema]
    if not isinstance(schema, dict):
        return schema
    slim: Schema = {}
    for key in _KEPT:
        if key not in schema:
            continue
        value = schema[key]
        if key == "properties":
            slim[key] = {name: _slim(item, number) for name, item in value.items()}
        elif key == "$ref":
            slim[key] = value.replace("#/$defs/", f"#/$defs/source{number}_")
        else:
            slim[key] = _slim(value, number) if key not in ("enum", "const", "required") else value
    return slim
