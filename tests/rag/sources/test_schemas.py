"""JSON schemas as tools have them, made into argument models."""

import pytest
from pydantic import ValidationError

from rag.sources.schemas import model_of, plain


def read(schema, value):
    return model_of({"properties": {"x": schema}}).model_validate({"x": value}).model_dump(by_alias=True)["x"]


@pytest.mark.parametrize(
    ("schema", "fits", "does_not"),
    [
        ({"type": "string"}, "a", 1),
        ({"type": "integer"}, 3, 3.5),
        ({"type": "number"}, 3.5, "x"),
        ({"type": "boolean"}, True, "x"),
        ({"type": "array", "items": {"type": "integer"}}, [1], ["x"]),
        ({"type": "object", "properties": {"n": {"type": "string"}}, "required": ["n"]}, {"n": "a"}, {}),
        ({"type": "object", "properties": {"n": {}}, "additionalProperties": False}, {"n": 1}, {"n": 1, "m": 2}),
        ({"type": "object", "additionalProperties": {"type": "integer"}}, {"a": 1}, {"a": "x"}),
        ({"enum": ["red", 3]}, 3, "blue"),
        ({"const": "on"}, "on", "off"),
        ({"anyOf": [{"type": "integer"}, {"type": "array"}]}, [1], "x"),
        ({"oneOf": [{"type": "integer"}]}, 1, "x"),
        ({"type": ["integer", "boolean"]}, True, "x"),
        ({"type": "number", "minimum": 1, "exclusiveMaximum": 3}, 1, 3),
        ({"type": "string", "maxLength": 2}, "ab", "abc"),
        ({"type": "string", "pattern": "^(?!no).+$"}, "yes", "no"),
        ({"type": "array", "maxItems": 1}, [1], [1, 2]),
        ({"allOf": [{"type": "string"}, {"maxLength": 2}]}, "ab", "abc"),
        (
            {"allOf": [{"properties": {n: {"type": "integer"}}, "required": [n]} for n in "ab"]},
            {"a": 1, "b": 2},
            {"a": 1},
        ),
    ],
)
def test_a_value_is_held_to_its_schema(schema, fits, does_not):
    assert read(schema, fits) == fits
    with pytest.raises(ValidationError):
        read(schema, does_not)


@pytest.mark.parametrize(
    "schema",
    [
        {}, "string", None, True, {"type": "Date (yyyy-mm-dd)"}, {"type": None}, {"type": []}, {"enum": []},
        {"type": "any"}, {"$ref": "#/$defs/None"}, {"$ref": "#"}, {"allOf": [{"type": "object"}, {"type": "string"}]},
        {"enum": [{"a": 1}]},
    ],
)  # fmt: skip
def test_what_cannot_be_made_out_fits_anything(schema):
    for value in ("a", 1, [1], {"a": 1}):
        assert read(schema, value) == value


def test_types_by_other_names_are_known():
    assert [plain({"type": name})["type"] for name in ("String", "float", "dict")] == ["string", "number", "object"]


def test_a_whole_number_stays_one():
    assert repr(read({"type": "number"}, 3)) == "3"


def test_days_stay_text():
    assert read({"type": "string", "format": "date"}, "2026-01-01") == "2026-01-01"


def test_any_name_can_be_a_property():
    names = ["unit price", "class", "model_config", "from", "_private", "copy", "json", "a0", "ünï", ""]
    model = model_of({"properties": {name: {"type": "string"} for name in names}, "required": names})
    given = {name: name or "x" for name in names}
    assert model.model_validate(given).model_dump(by_alias=True) == given


def test_optional_properties_may_be_null_and_show_their_default():
    model = model_of({"properties": {"k": {"type": "integer", "default": 5, "description": "how many"}}})
    shown = model.model_json_schema()["properties"]["k"]
    assert model.model_validate({"k": None}).model_dump(by_alias=True) == {"k": None}
    assert (shown["default"], shown["description"]) == (5, "how many")
    assert shown["anyOf"] == [{"type": "integer"}, {"type": "null"}]


def test_roles_stay_with_the_property():
    shown = model_of({"properties": {"q": {"type": "string", "role": "query"}}}).model_json_schema()
    assert shown["properties"]["q"]["role"] == "query"


def test_references_are_followed_and_rings_end():
    person = {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}}
    person["properties"]["friends"] = {"type": "array", "items": {"$ref": "#/$defs/Person"}}
    schema = {"properties": {"who": {"$ref": "#/$defs/Person", "description": "whom"}}, "$defs": {"Person": person}}
    ann = {"name": "Ann", "friends": [{"name": "Bo"}, "somebody"]}
    assert model_of(schema).model_validate({"who": ann}).model_dump(by_alias=True, exclude_unset=True) == {"who": ann}
    assert model_of(schema).model_json_schema()["properties"]["who"]["description"] == "whom"
    with pytest.raises(ValidationError, match=r"who\.name"):
        model_of(schema).model_validate({"who": {"friends": []}})


def test_a_pattern_in_another_dialect_is_left_to_the_tool():
    assert read({"type": "string", "pattern": r"\p{L}+"}, "1") == "1"


def test_a_list_of_items_is_read_as_any_list():
    assert read({"type": "array", "items": [{"type": "string"}]}, [1, "a"]) == [1, "a"]


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "string", "maxLength": -1}, "abc"),
        ({"type": "string", "minLength": 2.5}, "a"),
        ({"type": "string", "minLength": 10**30}, "a"),
        ({"type": "number", "multipleOf": 0}, 3.5),
        ({"type": "number", "minimum": float("nan")}, 3.5),
        ({"type": "integer", "minimum": 0.5}, 3),
        ({"type": "array", "minItems": -1}, []),
        ({"allOf": [{"type": "string"}, {"type": "integer"}]}, 3),
        ({"allOf": [{"required": True}, {"maxLength": 3}]}, 3),
    ],
)
def test_what_can_bound_nothing_lets_everything_pass(schema, value):
    assert read(schema, value) == value
