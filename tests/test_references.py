"""Plans of a public form, where arguments refer to earlier outputs as `$var1.field$`, are ours without loss."""

import asyncio

import pytest

from benchmarks import nestful
from benchmarks.common import ROOT
from benchmarks.references import gold
from rag.plan import Plan

CALLS = [
    {"name": "find", "label": "var1", "arguments": {"query": "Ghent"}, "response": [{"at": {"lat": 51.0}}]},
    {"name": "cars", "label": "var2", "arguments": {"lat": "$var1.at.lat$", "price": "$100-$200"}},
    {"name": "sums", "label": "var2", "arguments": {"numbers": "3 * $var2.Ask Price$", "of": ["$var1.a[0].b$"]}},
    {"name": "book", "label": "var3", "arguments": {"key": "$var2.key$", "typed": "var1.id$"}},
    {"name": "var_result", "arguments": {"booking": "$var3$"}},
]


def test_references_of_every_shape_are_read_and_read_back():
    request = nestful._request({"id": "t-1", "input": " Find cars. ", "output": CALLS}, "t")
    assert str(request.plan).splitlines() == [
        'var1  find(query="Ghent")',
        'var2  cars(lat="$var1[0].at.lat", price="$$100-$$200")  ← var1',
        'var2b  sums(numbers="3 * $var2[0][\\"Ask Price\\"]", of=["$var1[0].a[0].b"])  ← var1, var2',
        'var3  book(key="$var2b[0].key", typed="var1.id$$")  ← var2b',
    ]
    assert Plan.from_json(request.plan.to_json()) == request.plan
    assert (request.question, list(request.responses)) == ("Find cars.", ["var1"])


def test_specifications_that_name_types_in_their_own_way_are_read():
    tool = {
        "name": "t",
        "description": "d",
        "query_parameters": {"a": {"type": "Enum", "allowed_values": ["x"], "required": True}},
        "path_parameters": {"b": {"type": "String", "optional": True}},
        "output_parameters": {"c": {"type": "Object", "properties": {"d": "string"}}},
    }
    found = nestful._specification(tool)
    assert found["parameters"]["required"] == ["a"]
    assert found["parameters"]["properties"]["a"] == {"type": "Enum", "enum": ["x"]}
    assert found["outputSchema"]["properties"]["c"]["properties"] == {"d": {"type": "string"}}


@pytest.mark.skipif(
    not (ROOT.parent / "shared" / "data" / "complexfuncbench_nestful").is_dir(),
    reason="the development set complexfuncbench_nestful is not beside the repository",
)
def test_every_gold_plan_runs_to_the_end_on_recorded_responses():
    found = asyncio.run(gold("complexfuncbench"))
    assert found["run"] == found["read_back"] == found["plans"] == 413
    assert found["references_resolved"] == found["references"] == 1340
    assert found["nested_references"] == 548
