"""Strict schemas, against an endpoint that holds a request to them as OpenAI's does."""

from __future__ import annotations

import asyncio
import json
from datetime import date
from enum import StrEnum
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from rag.card import SourceCard, free_query
from rag.models import OpenAIModel
from rag.models.dialect import Ask, Dialect
from rag.models.strict import strict_schema
from rag.plan import from_model, plan_schema, repair
from rag.protocols import Message

HI = [Message("user", "hi")]


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class Filters(BaseModel):
    city: str
    ids: list[str] = []
    since: date | None = None


class Search(BaseModel):
    model_config = ConfigDict(extra="forbid")
    query: str = Field(min_length=1, json_schema_extra={"pattern": r"^(?=x)\w+$"})
    colour: Colour | None = None
    limit: int = Field(default=5, ge=1, le=50)
    filters: Filters | None = None
    kind: Literal["a", 2, None] = None


CARDS = [
    SourceCard(name="docs", arguments=free_query()),
    SourceCard(name="shop", arguments=Search),
    SourceCard(name="all"),
]


ALLOWED = {
    *("type", "description", "enum", "const", "anyOf", "properties", "required", "additionalProperties", "items"),
    *("$defs", "pattern", "format", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
    *("minItems", "maxItems"),
}


def refusal(schema: Any, root: Any = None, where: str = "()") -> str | None:
    """What OpenAI's endpoint says of a schema that is not strict; written from its messages, not from our code."""
    if root is None and schema.get("type") != "object":
        return "schema must be a JSON Schema of 'type: \"object\"'"
    root = root or schema
    if "$ref" in schema:
        return f"context={where}, $ref cannot have keywords" if len(schema) > 1 else None
    if unknown := set(schema) - ALLOWED:
        return f"In context={where}, {unknown.pop()!r} is not permitted."
    if "anyOf" in schema:
        firsts = [key for kind in schema["anyOf"] if (key := _first_key(kind, root))]
        if len(firsts) != len(set(firsts)):
            return "Invalid schema: Objects provided via 'anyOf' must not share identical first keys."
    elif why := _untyped(schema):
        return f"In context={where}, {why}"
    parts = {**schema.get("$defs", {}), **schema.get("properties", {}), **dict(enumerate(schema.get("anyOf", ())))}
    parts |= {"items": schema["items"]} if "items" in schema else {}
    return next(filter(None, (refusal(each, root, f"{where} {name}") for name, each in parts.items())), None)


def _untyped(schema: Any) -> str | None:
    types = schema.get("type", [])
    if not types:
        return "schema must have a 'type' key."
    if "array" in types and "items" not in schema:
        return "array schema missing items."
    if "object" in types and schema.get("additionalProperties") is not False:
        return "'additionalProperties' is required to be supplied and to be false."
    if "object" in types and set(schema.get("required", ())) != set(schema.get("properties", ())):
        return "'required' is required to be supplied and to be an array including every key in properties."
    return None


def _first_key(kind: Any, root: Any) -> str | None:
    if "$ref" in kind:
        kind = root["$defs"][kind["$ref"].rsplit("/", 1)[-1]]
    if not kind.get("properties"):
        return None
    name = next(iter(kind["properties"]))
    return json.dumps([name, kind["properties"][name].get("enum")])


def _holds_to_schemas(endpoint: Any, text: str = "{}") -> Any:
    """The endpoint, refusing what OpenAI's refuses."""
    for _ in range(6):
        endpoint.then(lambda handler: _answer(endpoint, handler, text))
    return endpoint


def _answer(endpoint: Any, handler: Any, text: str) -> None:
    told = endpoint.requests[-1].get("response_format", {}).get("json_schema", {})
    endpoint.answers.append(lambda handler: _answer(endpoint, handler, text))
    why = refusal(told["schema"]) if told.get("strict") else None
    if why:
        endpoint.refuses(400, f"Invalid schema for response_format 'reply': {why}", param="response_format")
    else:
        endpoint.says(text)
    endpoint.answers.pop()(handler)


def _complete(endpoint: Any, *schemas: Any, **options: Any) -> list[str]:
    async def all_of_them() -> list[str]:
        async with OpenAIModel("tiny", base_url=endpoint.url, **options) as model:
            return [(await model.complete(HI, schema=schema)).text for schema in schemas]

    return asyncio.run(all_of_them())


def test_the_schema_of_a_plan_is_taken_as_strict_at_once(endpoint):
    _complete(_holds_to_schemas(endpoint), plan_schema(CARDS), strict=True)
    (sent,) = endpoint.requests
    assert sent["response_format"]["json_schema"]["strict"] is True


def test_the_schema_of_a_plan_is_none_that_a_strict_endpoint_takes_as_it_is():
    assert refusal(plan_schema(CARDS)) is not None


def test_a_schema_without_a_strict_form_is_sent_as_it_is_and_the_next_one_strictly(endpoint):
    free = {"type": "object", "additionalProperties": {"type": "string"}}
    _complete(_holds_to_schemas(endpoint), free, plan_schema(CARDS), strict=True)
    told = [sent["response_format"]["json_schema"] for sent in endpoint.requests]
    assert told[0] == {"name": "reply", "schema": free}
    assert told[1]["strict"] is True


def test_an_endpoint_that_refuses_strictness_is_asked_plainly_from_then_on(endpoint):
    endpoint.refuses(400, "Unknown parameter: 'response_format.json_schema.strict'").says("{}")
    _complete(endpoint, plan_schema(CARDS), plan_schema(CARDS), strict=True)
    told = [sent["response_format"]["json_schema"].get("strict") for sent in endpoint.requests]
    assert told == [True, None, None]


@pytest.mark.parametrize(
    ("url", "strict", "format"),
    [
        (None, None, "strict"),
        ("https://eu.api.openai.com/v1", None, "strict"),
        (None, False, "json_schema"),
        ("http://127.0.0.1:8000/v1", None, "json_schema"),
        ("http://127.0.0.1:8000/v1", True, "strict"),
        ("https://notapi.openai.com.example/v1", None, "json_schema"),
        ("https://xapi.openai.com/v1", None, "json_schema"),
    ],
)
def test_strictness_is_for_those_who_are_known_to_enforce_it(url, strict, format):
    assert OpenAIModel("tiny", base_url=url, api_key="k", strict=strict)._dialect.format == format


def test_what_a_strict_endpoint_writes_is_read_with_null_as_absent():
    step = {"source": "shop", "id": "s1"}
    args = {"query": "x", "colour": None, "limit": None, "kind": None}
    for filters in (None, {"city": "Rome", "ids": None, "since": None}):
        plan = repair(from_model({"steps": [{**step, "args": {**args, "filters": filters}}]}), CARDS)
        assert set(plan.steps[0].args) == {"query"} | ({"filters"} if filters else set())
    assert plan.steps[0].args["filters"]["city"] == "Rome"


def test_every_property_is_required_and_optional_ones_may_be_null():
    strict = strict_schema(Search.model_json_schema())
    assert strict["required"] == list(Search.model_fields)
    assert strict["properties"]["limit"] == {
        "anyOf": [{"type": "integer", "minimum": 1, "maximum": 50}, {"type": "null"}]
    }
    assert "pattern" not in strict["properties"]["query"]
    assert strict["$defs"]["Filters"]["properties"]["since"]["anyOf"][0]["format"] == "date"
    assert strict["properties"]["kind"] == {"type": ["string", "integer", "null"], "enum": ["a", 2, None]}


def test_alternatives_begin_with_what_tells_them_apart():
    kinds = plan_schema(CARDS)["properties"]["steps"]["items"]["anyOf"]
    assert [next(iter(kind["properties"])) for kind in kinds] == ["id"] * 3
    strict = strict_schema(plan_schema(CARDS))["properties"]["steps"]["items"]["anyOf"]
    assert [next(iter(kind["properties"])) for kind in strict] == ["source"] * 3
    alike = {"anyOf": [{"type": "object", "properties": {"a": {"type": t}}} for t in ("string", "integer")]}
    assert strict_schema({"type": "object", "properties": {"x": alike}}) is None


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "object"},
        {"type": "object", "properties": {"a": {}}},
        {"type": "object", "properties": {"a": True}},
        {"type": "object", "properties": {"a": {"type": "array"}}},
        {"type": "object", "properties": {"a": {"type": "object"}}},
        {"type": "object", "properties": {"a": {"allOf": [{"type": "string"}, {"minLength": 2}]}}},
        {"type": "object", "properties": {"a": {"enum": [{}]}}},
        {"anyOf": [{"type": "object", "properties": {}}]},
        {"type": "array", "items": {"type": "string"}},
        {"type": "object", "properties": {f"p{n}": {"type": "string"} for n in range(5001)}},
        {"type": "object", "properties": {"a": {"enum": [f"v{n}" for n in range(1001)]}}},
        {"type": "object", "properties": {"a": {"enum": [f"{n:060}" for n in range(300)]}}},
        {"type": "object", "properties": {"x" * 120_001: {"type": "string"}}},
    ],
)
def test_what_has_no_strict_form_or_is_too_much_has_none(schema):
    assert strict_schema(schema) is None


@pytest.mark.parametrize(("levels", "fits"), [(10, True), (11, False)])
def test_objects_may_be_nested_ten_deep(levels, fits):
    schema: Any = {"type": "string"}
    for _ in range(levels):
        schema = {"type": "object", "properties": {"a": schema}, "required": ["a"]}
    assert (strict_schema(schema) is not None) is fits


class Tree(BaseModel):
    name: str
    children: list[Tree] = []


def test_a_schema_that_refers_to_itself_has_a_strict_form():
    schema = {"type": "object", "properties": {"tree": {"$ref": "#/$defs/Tree"}}, **_defs(Tree)}
    assert refusal(strict_schema(schema)) is None


def _defs(model: type[BaseModel]) -> dict[str, Any]:
    return {"$defs": model.model_json_schema()["$defs"]}


_types = st.recursive(
    st.sampled_from([str, int, float, bool, date, Colour, Filters, Literal["a", "b"], Any, dict[str, int]]),
    lambda inner: inner.map(lambda kind: list[kind]) | inner.map(lambda kind: kind | None) | st.just(Tree),
    max_leaves=4,
)


@given(st.dictionaries(st.sampled_from("abcdef"), _types, max_size=5))
def test_what_is_sent_strictly_is_what_the_endpoint_takes(fields):
    properties, definitions = {}, {}
    for name, kind in fields.items():
        schema = TypeAdapter(kind).json_schema()
        definitions |= schema.pop("$defs", {})
        properties[name] = schema
    strict = strict_schema({"type": "object", "properties": properties, "$defs": definitions})
    assert strict is None or refusal(strict) is None
    if all(kind in (str, int, float, bool, Colour, Filters) for kind in fields.values()):
        assert strict is not None


def test_a_dialect_that_is_strict_says_so_in_the_request():
    ask = Ask(HI, {"type": "object", "properties": {"a": {"type": "string"}}}, None, None, stream=False)
    told = Dialect(format="strict").options(ask)["response_format"]["json_schema"]
    assert told["strict"] is True
    assert told["schema"]["additionalProperties"] is False
