"""Function-calling specifications as sources."""

import threading

import pytest

import rag
from rag.errors import ConfigError, ScopeError, SourceError
from rag.sources.tools import tools
from rag.testing.sources import check_scope, check_source
from rag.types import Scope

FLIGHTS = {
    "name": "search.flights (v2)",
    "description": "Flights of a day.",
    "parameters": {
        "type": "object",
        "properties": {
            "from": {"type": "string", "description": "airport code"},
            "unit price": {"type": "number"},
            "stops": {"type": "array", "items": {"$ref": "#/$defs/Stop"}},
            "cabin": {"type": "string", "enum": ["economy", "first"], "default": "economy"},
        },
        "required": ["from"],
        "$defs": {"Stop": {"type": "object", "properties": {"class": {"type": "string"}, "night": {"type": "bool"}}}},
    },
}


def echo(name, arguments):
    return {"tool": name, "arguments": arguments}


async def sent(args, call=echo, scope=None, spec=FLIGHTS, **options):
    (made,) = tools([spec], call, **options)
    return await made.call(args, scope or Scope())


def test_the_card_tells_what_the_specification_says():
    (made,) = tools([{"type": "function", "function": FLIGHTS}], echo, idempotent=False, timeout=5)
    assert made.card.signature == (
        'search.flights (v2)(from: string, unit price?: number, stops?: list of object, cabin?: "economy" | "first")'
    )
    assert (made.card.about, made.card.idempotent, made.card.timeout) == ("Flights of a day.", False, 5)
    assert made.card.properties["from"]["description"] == "airport code"
    assert made.card.output is None


async def test_the_tool_is_given_plain_json_and_only_what_was_given():
    args = {"from": "GNT", "unit price": 7, "stops": [{"class": "a", "more": 1}, {"night": True}], "cabin": None}
    (row,) = await sent(args)
    assert row == {"tool": FLIGHTS["name"], "arguments": {k: v for k, v in args.items() if v is not None}}


@pytest.mark.parametrize(
    "args",
    [{}, {"from": "GNT", "cabin": "third"}, {"from": "GNT", "gate": 1}, {"from": "GNT", "stops": [{"night": "x"}]}],
)
async def test_arguments_that_do_not_fit_never_reach_the_tool(args):
    with pytest.raises(SourceError):
        await sent(args, lambda name, arguments: pytest.fail("called"))


@pytest.mark.parametrize("key", ["parameters", "input_schema", "inputSchema"])
def test_the_forms_of_other_makers_are_taken(key):
    (made,) = tools([{"name": "t", key: {"properties": {"a": {"type": "integer"}}}}], echo)
    assert made.card.signature == "t(a?: integer)"


@pytest.mark.parametrize("parameters", [None, {}, {"type": "object"}, {"type": "object", "properties": {}}])
async def test_a_tool_may_take_nothing(parameters):
    (row,) = await sent({}, spec={"name": "now", "parameters": parameters})
    assert row["arguments"] == {}


@pytest.mark.parametrize(
    ("output", "fields"),
    [
        ({"type": "object", "properties": {"a": {"type": "int"}}}, {"a": {"type": "integer"}}),
        ({"type": "array", "items": {"properties": {"a": {}}}}, {"a": {}}),
        ({"type": "string"}, {"text": {"type": "string"}}),
        ({"type": "number"}, {"t": {"type": "number"}}),
        ({"type": "object"}, None),
        ({}, None),
    ],
)
def test_the_output_schema_is_that_of_a_row(output, fields):
    (made,) = tools([{"name": "t", "outputSchema": output}], echo)
    assert (made.card.output or {}).get("properties") == fields


async def test_async_and_plain_calls_are_both_taken():
    async def here(name, arguments):
        return threading.current_thread().name

    def there(name, arguments):
        return threading.current_thread().name

    main = threading.current_thread().name
    assert await sent({"from": "G"}, here) == [{"text": main}]
    assert await sent({"from": "G"}, there) != [{"text": main}]


async def test_the_scope_is_injected_beside_an_argument_of_the_same_name():
    def call(name, arguments, *, scope: Scope):
        return {"tenant": scope.tenant, **arguments}

    spec = {"name": "tokens", "parameters": {"properties": {"scope": {"type": "string"}, "scope_": {"type": "string"}}}}
    rows = await sent({"scope": "read", "scope_": "x"}, call, Scope(tenant="acme"), spec)
    assert rows == [{"tenant": "acme", "scope": "read", "scope_": "x"}]


async def test_a_call_that_knows_no_scope_is_refused_in_one():
    with pytest.raises(ScopeError):
        await sent({"from": "G"}, scope=Scope(tenant="acme"))
    assert await sent({"from": "G"}, scope=Scope(tenant="acme"), shared=True)


@pytest.mark.parametrize(
    ("spec", "options", "message"),
    [
        ({"description": "?"}, {}, "no name"),
        ({"function": "f"}, {}, "no name"),
        ("weather", {}, "no name"),
        (None, {}, "no name"),
        ({"name": " "}, {}, "cannot name"),
        (FLIGHTS, {"enforces": {"tenant"}}, "does not know"),
        (FLIGHTS, {"enforces": {"tenant"}, "shared": True}, "leave out"),
    ],
)
def test_what_cannot_be_is_refused(spec, options, message):
    with pytest.raises(ConfigError, match=message):
        tools([spec], echo, **options)


async def test_a_tool_that_fails_fails_its_step_alone():
    def call(name, arguments):
        raise ConnectionError("gone")

    with pytest.raises(SourceError, match="gone") as raised:
        await sent({"from": "G"}, call)
    assert raised.value.retryable


async def test_the_contract_of_sources_is_kept():
    async def call(name, arguments):
        return echo(name, arguments)

    for each in (echo, call):
        (made,) = tools([FLIGHTS], each)
        await check_source(made, {"from": "GNT", "unit price": 3, "cabin": "first"})


@pytest.mark.parametrize("kind", ["plain", "async"])
async def test_the_scope_s_data_does_not_leak(kind):
    def make(records):
        def plain(name, arguments, scope: Scope):
            return [
                {"text": record.text}
                for record in records
                if (record.tenant, record.user) == (scope.tenant, scope.user) and arguments["query"] in record.text
            ]

        async def waiting(name, arguments, scope: Scope):
            return plain(name, arguments, scope)

        spec = {"name": "drawers", "parameters": {"properties": {"query": {"type": "string"}}, "required": ["query"]}}
        return tools([spec], plain if kind == "plain" else waiting)[0]

    await check_scope(make, lambda text: {"query": text})


async def test_a_plan_over_tools_runs_with_nested_references():
    def call(name, arguments):
        return {"place": {"lat": 51.0, "names": ["Ghent"]}} if name == "find" else {"text": f"{arguments['at']}"}

    specs = [
        {"name": "find", "parameters": {"properties": {"q": {"type": "string"}}}},
        {"name": "cars", "parameters": {"properties": {"at": {"type": "number"}, "city": {"type": "string"}}}},
    ]
    steps = [
        {"id": "s1", "source": "find", "args": {"q": "Ghent"}},
        {"id": "s2", "source": "cars", "args": {"at": "$s1.place.lat", "city": "$s1.place.names[0]"}},
    ]
    answer = await rag.Assistant(tools(specs, call)).arun(rag.Plan.from_json({"steps": steps}))
    assert not answer.partial
    assert [item.passage.text for item in answer.evidence.items if item.step_id == "s2"] == ["51.0"]
