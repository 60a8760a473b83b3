"""What rules mend beyond names: what steps wait for, paths within rows, nested values; and what they leave alone."""

from __future__ import annotations

import pytest
from pydantic import BaseModel, ConfigDict

from rag.card import SourceCard, free_query
from rag.errors import BadReference, PlanCycle, PlanError
from rag.plan import EVERY, Plan, Ref, problems, repair, text
from rag.plan.fields import field_known, nearest_path
from rag.plan.shapes import Shape


class Filters(BaseModel):
    model_config = ConfigDict(extra="forbid")
    city: str
    ids: list[str] = []
    limit: int | None = None


class SearchArgs(BaseModel):
    model_config = ConfigDict(extra="forbid")
    query: str | None = None
    filters: Filters | None = None
    ids: list[str] | None = None
    numbers: list[int] | None = None
    anything: object = None


class Place(BaseModel):
    lat: float
    lon: float


class Item(BaseModel):
    sku: str
    places: list[Place] | None = None


class Row(BaseModel):
    title: str
    unit_price: float
    place: Place | None
    items: list[Item]
    parent: Row | None = None
    notes: dict[str, str]


DOCS = SourceCard(name="docs", arguments=free_query())
SHOP = SourceCard(name="shop", arguments=SearchArgs, output=Row.model_json_schema())
CARDS = [DOCS, SHOP]
OUTPUT = Row.model_json_schema()


def _plan(**steps) -> Plan:
    return Plan.from_json({"steps": [{"id": step_id, **step} for step_id, step in steps.items()]})


def _shop(**args):
    return {"source": "shop", "args": args}


def _docs(query="x", **more):
    return {"source": "docs", "args": {"query": query}, **more}


@pytest.mark.parametrize(
    ("written", "mended"),
    [
        ("$step1.title", "s1"),
        ("$S1.title", "s1"),
        ("$result_1.title", "s1"),
        ("$shop.title", "s1"),
        ("$Shop.title", "s1"),
    ],
)
def test_a_step_otherwise_called_is_the_one_that_it_must_be(written, mended):
    plan = repair(_plan(s1=_shop(), s2=_docs(f"of {written}")), CARDS)
    assert plan.step("s2").needs == {mended}
    assert f"read as the step {mended!r}" in plan.notes[0]


@pytest.mark.parametrize("written", ["$s9.title", "$web.title", "$shop.title"])
def test_a_step_that_may_be_either_or_neither_is_an_error(written):
    with pytest.raises(BadReference, match="which is not a step"):
        repair(_plan(s1=_shop(), s2=_shop(query="a"), s3=_docs(written)), CARDS)


def test_each_unknown_step_is_told():
    found = problems(_plan(s1=_docs("$a.x"), s2=_docs("$b.x"), s3=_docs(after=["c"])), CARDS)
    assert [type(problem) for problem in found] == [BadReference] * 3


@pytest.mark.parametrize(
    ("step", "note"),
    [
        (_docs(after=["s9"]), "after 's9' dropped"),
        (_docs(after=["s2"]), "after 's2' dropped"),
        (_docs(if_empty="s9"), "if_empty 's9' dropped"),
        (_docs(if_empty="s2"), "if_empty 's2' dropped"),
    ],
)
def test_hints_that_name_no_other_step_are_dropped(step, note):
    plan = repair(_plan(s1=_shop(), s2=step), CARDS)
    assert plan.step("s2").waits_for == set()
    assert note in plan.notes[0]


def test_hints_that_name_a_step_otherwise_are_kept():
    plan = repair(_plan(s1=_shop(), s2=_docs(after=["step_1"]), s3=_docs(if_empty="1")), CARDS)
    assert plan.step("s2").after == ("s1",)
    assert plan.step("s3").if_empty == "s1"


def test_a_reference_to_a_later_step_is_none_to_mend():
    plan = _plan(s1=_docs("$s2.title"), s2=_shop())
    assert repair(plan, CARDS) is plan


@pytest.mark.parametrize(
    ("steps", "waits"),
    [
        ({"s1": _shop(query="$s2.title"), "s2": {**_shop(), "after": ["s1"]}}, {"s1": {"s2"}, "s2": set()}),
        ({"s1": {**_shop(), "after": ["s2"]}, "s2": {**_shop(), "after": ["s1"]}}, {"s1": set(), "s2": {"s1"}}),
        ({"s1": {**_shop(), "after": ["s2"]}, "s2": {**_shop(), "if_empty": "s1"}}, {"s1": set(), "s2": {"s1"}}),
        (
            {"s1": {**_shop(), "after": ["s3"]}, "s2": _shop(query="$s1.title"), "s3": _shop(query="$s2.title")},
            {"s1": set(), "s2": {"s1"}, "s3": {"s2"}},
        ),
    ],
)
def test_a_ring_is_opened_where_something_in_it_is_no_reference(steps, waits):
    plan = repair(_plan(**steps), CARDS)
    assert {step.id: set(step.waits_for) for step in plan.steps} == waits
    assert "they wait for each other" in plan.notes[0]


def test_a_ring_of_references_is_an_error():
    with pytest.raises(PlanCycle):
        repair(_plan(s1=_shop(query="$s2.title"), s2=_shop(query="$s1.title")), CARDS)


def test_a_step_that_refers_to_itself_means_the_one_step_before_that_has_the_field():
    plan = repair(_plan(s1=_shop(), s2=_docs(), s3=_docs("$s3.unit_price")), CARDS)
    assert plan.step("s3").needs == {"s1"}
    with pytest.raises(PlanCycle):
        repair(_plan(s1=_shop(), s2=_shop(), s3=_docs("$s3.unit_price")), CARDS)


@pytest.mark.parametrize(
    ("path", "mended"),
    [
        (("unitPrice",), ("unit_price",)),
        (("Place", "LAT"), ("place", "lat")),
        (("items", "sku"), ("items", 0, "sku")),
        (("items", EVERY, "places", "lat"), ("items", EVERY, "places", 0, "lat")),
        (("result", "title"), ("title",)),
        (("results", 0, "title"), ("title",)),
        (("output", "items", 1, "SKU"), ("items", 1, "sku")),
        (("title", "text"), None),
        (("title", "value"), ("title",)),
        (("place", 0, "lat"), ("place", "lat")),
        (("parent", "parent", "Title"), ("parent", "parent", "title")),
        (("colour",), None),
        (("items", 0, "colour"), None),
    ],
)
def test_a_path_that_no_row_has_becomes_the_nearest_one_that_rows_have(path, mended):
    assert not field_known(OUTPUT, Ref("s1", path))
    assert nearest_path(OUTPUT, path) == mended
    assert mended is None or field_known(OUTPUT, Ref("s1", mended))


@pytest.mark.parametrize(
    "path",
    [
        (0, "title"),
        (EVERY, "items", EVERY, "sku"),
        (0, "items", 2, "places", EVERY, "lon"),
        (0, "parent", "parent", "place", "lat"),
        (0, "notes", "anything"),
        (3,),
    ],
)
def test_paths_that_rows_have_are_known_also_through_lists_and_definitions(path):
    assert field_known(OUTPUT, Ref("s1", path))


@pytest.mark.parametrize(
    "output",
    [
        {"type": ["object", "null"], "properties": {"a": {"type": ["array", "null"], "items": {"type": "string"}}}},
        {"properties": {"a": {"oneOf": [{"type": "null"}, {"items": {}}]}}},
        {"properties": {"a": {"allOf": [{"$ref": "#/$defs/A"}]}}, "$defs": {"A": {"items": True}}},
        {"$ref": "#/$defs/R", "$defs": {"R": {"properties": {"a": {}}}}},
    ],
)
def test_types_may_be_told_in_other_ways(output):
    assert field_known(output, Ref("s1", ("a", EVERY)))
    assert not field_known(output, Ref("s1", ("b",)))


def test_definitions_that_go_round_end():
    output = {"$ref": "#/$defs/A", "$defs": {"A": {"$ref": "#/$defs/B"}, "B": {"anyOf": [{"$ref": "#/$defs/A"}]}}}
    assert not field_known(output, Ref("s1", ("a",)))
    assert nearest_path(output, ("a",)) is None


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ({"filters": {"city": "$s1.title", "limit": []}}, "at 'limit', should be an integer"),
        ({"filters": {"city": "$s1.title", "colour": 1}}, "takes no field 'colour'; it takes: city, ids, limit"),
        ({"filters": {"ids": ["$s1.title"]}}, "needs the field 'city'"),
        ({"filters": {"city": "a", "ids": ["$s1.title", {}]}}, "at 'ids', item 2: should be a text"),
        ({"filters": ["$s1.title"]}, "should be an object"),
        ({"numbers": ["$s1.unit_price", {}]}, "item 2: should be an integer"),
        ({"query": {"a": "$s1.title"}}, "should be a text"),
    ],
)
def test_a_wrong_type_is_found_beside_references(args, words):
    (problem,) = problems(_plan(s1=_shop(), s2=_shop(**args)), CARDS)
    assert words in str(problem)


@pytest.mark.parametrize(
    "args",
    [
        {"filters": {"city": "$s1.title", "limit": "5"}},
        {"filters": {"city": "a", "ids": ["$s1.title", "b"]}},
        {"filters": "$s1[0]"},
        {"anything": [{"a": "$s1.title"}, 1]},
        {"numbers": ["$s1.unit_price", "3", 4]},
    ],
)
def test_what_may_fit_beside_references_is_no_problem(args):
    assert problems(_plan(s1=_shop(), s2=_shop(**args)), CARDS) == ()


@pytest.mark.parametrize(
    ("args", "mended"),
    [
        ({"ids": [1, 2]}, {"ids": ["1", "2"]}),
        ({"ids": 7}, {"ids": ["7"]}),
        ({"filters": {"city": 5, "ids": "a"}}, {"filters": {"city": "5", "ids": ["a"]}}),
        ({"filters": {"city": "$s1.title", "ids": [1]}}, {"filters": {"city": Ref("s1", ("title",)), "ids": ["1"]}}),
        ({"filters": {"city": "$s1.title", "limit": []}}, {}),
        ({"filters": {"city": "a", "ids": None, "limit": None}}, {"filters": {"city": "a", "limit": None}}),
        ({"filters": {"city": "$s1.title", "ids": None}}, {"filters": {"city": Ref("s1", ("title",))}}),
        ({"ids": ["$s1[*].title"]}, {"ids": Ref("s1", (EVERY, "title"))}),
        ({"query": "$s1[0]"}, {"query": Ref("s1", (0, "title"))}),
        ({"ids": "$s1[*]"}, {"ids": Ref("s1", (EVERY, "title"))}),
        ({"anything": "$s1[0]"}, {"anything": Ref("s1", (0,))}),
        ({"query": "of $s1.result.unitPrice"}, {"query": text("of ", Ref("s1", ("unit_price",)))}),
    ],
)
def test_nested_values_and_references_are_made_to_fit_where_rules_can(args, mended):
    plan = repair(_plan(s1=_shop(), s2=_shop(**args)), CARDS)
    assert plan.step("s2").args == mended
    assert problems(plan, CARDS) == ()


def test_what_fits_nowhere_is_quoted_short():
    plan = repair(_plan(s1=_shop(ids={"a": "x" * 10_000}), s2=_docs(**{"if_empty": "s1"})), CARDS)
    assert len(plan.notes[0]) < 200


def test_two_spreads_over_one_step_are_sound_and_a_list_within_an_object_takes_the_whole():
    plan = _plan(s1=_shop(), s2=_shop(query="$s1[*].title", filters={"city": "$s1[*].title", "ids": "$s1[*].title"}))
    assert problems(plan, CARDS) == ()
    two = _plan(s1=_shop(), s2=_shop(), s3=_shop(query="$s1[*].title", filters={"city": "a", "ids": "$s2[*].title"}))
    assert problems(two, CARDS) == ()
    over = _plan(s1=_shop(), s2=_shop(), s3=_shop(query="$s1[*].title", filters={"city": "$s2[*].title"}))
    assert "rows of s1 and s2" in str(problems(over, CARDS)[0])


def test_an_empty_schema_takes_anything():
    assert Shape(True).misfit([Ref("s1", ("a",)), {}]) is None
    assert Shape({}).cast([1]) == [1]


@pytest.mark.parametrize("limit", [1, 3])
def test_the_plan_that_is_left_is_sound(limit):
    steps = {f"s{n}": {**_docs(f"$s{n - 1}.title" if n > 1 else "x"), "after": [f"s{n + 1}"]} for n in range(1, 9)}
    plan = repair(_plan(**steps), CARDS, max_steps=limit)
    assert len(plan.steps) <= limit
    with pytest.raises(PlanError, match="ring"):
        repair(_plan(s1=_docs("$s2.x"), s2=_docs("$s3.x"), s3=_docs("$s1.x")), CARDS)


@pytest.mark.parametrize(
    ("fields", "read"), [(["meeting_id", "room"], "meeting_id"), (["meeting_id", "room_id"], None)]
)
def test_an_id_by_another_name_is_the_only_one_that_there_is(fields, read):
    output = {"type": "object", "properties": {name: {"type": "string"} for name in fields}}
    assert nearest_path(output, ("event_id",)) == ((read,) if read else None)
