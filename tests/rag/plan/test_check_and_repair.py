"""What is wrong with a plan, and what rules mend."""

from enum import StrEnum

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict

from rag.card import SourceCard, free_query
from rag.errors import BadReference, PlanCycle, PlanError, UnknownSource
from rag.plan import Plan, check, plan_schema, problems, repair


class Status(StrEnum):
    OPEN = "open"
    CLOSED = "closed"


class OrderArgs(BaseModel):
    model_config = ConfigDict(extra="forbid")
    customer: str | None = None
    status: Status | None = None
    ids: list[str] | None = None
    newest: int | None = None


class Item(BaseModel):
    sku: str


class OrderRow(BaseModel):
    order_id: str
    product: str
    items: list[Item]


DOCS = SourceCard(name="docs", arguments=free_query())
ORDERS = SourceCard(name="orders", arguments=OrderArgs, output=OrderRow.model_json_schema())
CARDS = [DOCS, ORDERS]


def _plan(*steps, **more) -> Plan:
    return Plan.from_json({"steps": [{"id": f"s{i}", **step} for i, step in enumerate(steps, 1)], **more})


def _orders(**args):
    return {"source": "orders", "args": args}


def _docs(**args):
    return {"source": "docs", "args": args}


@pytest.mark.parametrize(
    ("plan", "kind", "words"),
    [
        (_plan({"source": "web", "args": {}}), UnknownSource, "'web', which is not a source; there are: docs, orders"),
        (_plan(_docs(query="x", page=1)), PlanError, "takes no argument 'page'"),
        (_plan(_docs()), PlanError, "needs the argument 'query'"),
        (_plan(_orders(newest="many")), PlanError, "argument 'newest'"),
        (_plan(_orders(status="lost")), PlanError, "'open' or 'closed'"),
        (_plan(_docs(query="$s9.title")), BadReference, "'s9', which is not a step"),
        (_plan(_orders(), _docs(query="$s1.colour")), BadReference, "order_id, product, items"),
        (_plan(_orders(), _docs(query="$s1.items[0].size")), BadReference, "no field"),
        (_plan(_docs(query="$s2.title"), _docs(query="$s1.title")), PlanCycle, "ring"),
        (_plan(_orders(), _orders(), _docs(query="$s1[*].product $s2[*].product")), PlanError, "rows of s1 and s2"),
    ],
)
def test_each_kind_of_mistake_is_found(plan, kind, words):
    found = problems(plan, CARDS)
    assert [type(p) for p in found] == [kind]
    assert words in str(found[0])
    with pytest.raises(kind):
        check(plan, CARDS)


def test_a_sound_plan_has_no_problems():
    plan = _plan(_orders(newest=1), _docs(query="$s1.items[0].sku of $s1.product"), _orders(ids="$s1[*].order_id"))
    assert problems(plan, CARDS) == ()
    assert check(plan, CARDS) is plan
    assert repair(plan, CARDS) is plan


def test_too_many_steps_are_told():
    plan = _plan(*[_docs(query="x")] * 4)
    assert "4 steps; at most 3" in str(problems(plan, CARDS, max_steps=3)[0])


@pytest.mark.parametrize(
    ("given_args", "mended", "note"),
    [
        ({"newest": "3"}, {"newest": "3"}, None),  # pydantic takes it; the scheduler coerces
        ({"status": "Closed"}, {"status": "closed"}, "status='Closed' read as 'closed'"),
        ({"status": "lost"}, {}, "status='lost' dropped"),
        ({"customer": 17}, {"customer": "17"}, "customer=17 read as '17'"),
        ({"customer": ["C-1"]}, {"customer": "C-1"}, "read as 'C-1'"),
        ({"ids": "a"}, {"ids": ["a"]}, "read as ['a']"),
        ({"ids": '["a"]'}, {"ids": ["a"]}, "read as ['a']"),
        ({"Customer": "C-1"}, {"customer": "C-1"}, "'Customer' read as 'customer'"),
        ({"colour": "red"}, {}, "'colour' dropped"),
    ],
)
def test_arguments_are_mended_with_a_note(given_args, mended, note):
    plan = repair(_plan(_orders(**given_args)), CARDS)
    assert plan.step("s1").args == mended
    assert (note is None and not plan.notes) or note in plan.notes[0]


def test_a_missing_query_is_the_question():
    plan = repair(_plan(_docs()), CARDS, question="what?")
    assert plan.step("s1").args == {"query": "what?"}
    assert "the question stands in" in plan.notes[0]


def test_a_field_that_is_not_returned_becomes_the_nearest():
    plan = repair(_plan(_orders(), _docs(query="battery of $s1.Product")), CARDS)
    assert str(plan.step("s2").args["query"]) == "battery of $s1[0].product"


def test_steps_beyond_the_limit_go_with_those_that_wait_for_them():
    plan = _plan(_docs(query="$s4.title"), _docs(query="a"), _docs(query="b"), _docs(query="c"))
    mended = repair(plan, CARDS, max_steps=3)
    assert [s.id for s in mended.steps] == ["s2", "s3"]
    assert "at most 3" in mended.notes[0]


@pytest.mark.parametrize(
    "plan", [_plan({"source": "weather", "args": {}}), _plan(_docs(query="$s1.x")), _plan(_docs())]
)
def test_what_rules_cannot_mend_is_a_plan_error(plan):
    with pytest.raises(PlanError):
        repair(plan, CARDS)


_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=6)
    | st.sampled_from(["$s1.x", "$s2[*].product", "docs", "open"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
_raw_steps = st.fixed_dictionaries(
    {"id": st.sampled_from(["s1", "s2", "s3", "", "1"]), "source": st.sampled_from(["docs", "Orders", "web", ""])},
    optional={
        "args": st.dictionaries(st.sampled_from(["query", "status", "ids", "newest", "x"]), _json, max_size=3) | _json,
        "after": st.lists(st.sampled_from(["s1", "s2", "s9"]), max_size=2),
        "if_empty": st.sampled_from(["s1", "s3", None]),
    },
)


@given(st.fixed_dictionaries({"steps": st.lists(_raw_steps, max_size=4)}))
def test_any_plan_is_mended_or_a_plan_error(raw):
    try:
        plan = repair(Plan.from_json(raw), CARDS, question="q")
    except PlanError:
        return
    assert problems(plan, CARDS) == ()


def test_the_schema_offers_each_source_and_each_argument_or_a_reference():
    step = plan_schema(CARDS, max_steps=3)["properties"]["steps"]
    docs, orders = step["items"]["anyOf"]
    assert step["maxItems"] == 3
    assert docs["properties"]["args"]["required"] == ["query"]
    newest = orders["properties"]["args"]["properties"]["newest"]["anyOf"]
    assert [kind["type"] for kind in newest] == ["integer", "null", "string"]
    assert newest[2]["pattern"].startswith("^\\$")


def test_nested_types_of_two_sources_do_not_clash():
    schema = plan_schema([ORDERS, ORDERS.model_copy(update={"name": "more"})])
    assert set(schema["$defs"]) == {"source0_Status", "source1_Status"}
    assert "#/$defs/source1_Status" in str(schema["properties"]["steps"]["items"]["anyOf"][1])
