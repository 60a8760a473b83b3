"""Plans as models write them: fields called otherwise, references spelled otherwise."""

from __future__ import annotations

import pytest

from rag.errors import PlanError
from rag.plan import EVERY, Ref, Template, from_model, references


def _read(value, *, ids=("s1", "s2")):
    steps = [{"id": ids[0], "source": "orders", "args": {}}, {"id": ids[1], "source": "docs", "args": {"query": value}}]
    return from_model({"steps": steps})


TITLE = Ref("s1", (0, "title"))


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("{{s1.title}}", TITLE),
        ("{{ s1.title }}", TITLE),
        ("${s1.title}", TITLE),
        ("{s1.title}", TITLE),
        ("{{$s1.title}}", TITLE),
        ("<s1.title>", TITLE),
        ("<$s1[0].title>", TITLE),
        ("$s1.title$", TITLE),
        ("s1.title", TITLE),
        ("s1[0].title", TITLE),
        (" s1.title ", TITLE),
        ("$s1.0.title", TITLE),
        ("$s1['title']", TITLE),
        ("$s1[].title", Ref("s1", (EVERY, "title"))),
        ("$s1.*.title", Ref("s1", (EVERY, "title"))),
        ("$s1", Ref("s1", (0,))),
        ("{{s1}}", Ref("s1", (0,))),
        ("light of {{s1.title}}", Template(("light of ", TITLE))),
        ("light of $s1.title$ and price", Template(("light of ", TITLE, " and price"))),
        ("light of $s1", Template(("light of ", Ref("s1", (0,))))),
        (["{{s1.title}}"], [TITLE]),
        ({"deep": ["<s1.title>"]}, {"deep": [TITLE]}),
    ],
)
def test_a_reference_may_be_spelled_otherwise_and_a_note_says_so(written, read):
    plan = _read(written)
    assert plan.step("s2").args["query"] == read
    assert len(plan.notes) == 1
    assert "read as" in plan.notes[0]


@pytest.mark.parametrize(
    "written",
    [
        "s9.title",
        "{{s9.title}}",
        "<b>",
        "<s3.x>",
        "{name}",
        "s1",
        "s1.",
        "costs $5.99",
        "a.b",
        "$$s1.title",
        "$name",
        "",
    ],
)
def test_what_names_no_step_stays_text(written):
    plan = _read(written)
    assert not list(references(plan.step("s2").args))
    assert plan.step("s2").args["query"] == written.replace("$$", "$")
    assert plan.notes == ()


@pytest.mark.parametrize("price", ["costs $5.99", "$1", "$1.50 or $2", "3.x", "2.title"])
def test_a_price_is_no_reference_also_where_steps_are_called_by_numbers(price):
    steps = [{"id": n, "source": "docs", "args": {"query": price}} for n in range(1, 6)]
    assert all(step.args == {"query": price} for step in from_model({"steps": steps}).steps)


def test_a_file_is_no_reference_where_a_step_is_called_so():
    steps = [{"id": "orders", "source": "docs"}, {"id": "s2", "source": "docs", "args": {"query": "orders.csv"}}]
    assert from_model({"steps": steps}).step("s2").args == {"query": "orders.csv"}


def test_references_in_the_grammar_need_no_note():
    value = '$s1[0].a $s1.b $s1[*].c $s1["d e"] $s1.f$;.txt $$5'
    plan = _read(value)
    assert plan.notes == ()
    assert len(list(references(plan.step("s2").args))) == 5


@pytest.mark.parametrize("given_id", ["step-1", "step 1", "1", "the first.", "ä", "$s1"])
def test_a_step_may_be_called_anything(given_id):
    plan = _read(f"of ${given_id.removeprefix('$')}.title", ids=(given_id, "s2"))
    assert plan.steps[1].needs == {plan.steps[0].id}


def test_fields_of_function_calling_formats_are_those_of_a_step():
    plan = from_model(
        {
            "steps": [
                {"label": "var1", "name": "orders", "arguments": '{"query": "lamp"}'},
                {"step_id": "b", "tool": "docs", "parameters": {"query": "$var1.title$"}, "depends_on": "var1"},
                {"source": "docs", "query": "lamp", "page": 2},
            ]
        }
    )
    assert str(plan) == (
        's1  orders(query="lamp")\n'.replace("s1", "var1")
        + 'b  docs(query="$var1[0].title")  ← var1\n'
        + 's3  docs(query="lamp", page=2)'
    )


def test_steps_may_come_as_an_object_by_their_ids():
    plan = from_model({"steps": {"s1": {"source": "orders"}, "s2": {"source": "docs", "args": {"query": "$s1.x"}}}})
    assert [step.id for step in plan.steps] == ["s1", "s2"]


def test_what_is_no_step_among_steps_is_dropped_with_a_note():
    plan = from_model({"steps": [None, {"source": "docs"}, "and then"]})
    assert [step.id for step in plan.steps] == ["s1"]
    assert plan.notes == ("dropped 2 items among the steps that are none",)


@pytest.mark.parametrize("after", ["s1", ["s1"], "s1, s1", "$s1", [["s1"], "s1", None, True, 2.5]])
def test_after_may_be_a_text_or_a_list_of_texts(after):
    steps = [{"id": "s1", "source": "x"}, {"id": "s2", "source": "x", "after": after, "if_empty": ["s1"]}]
    assert set(from_model({"steps": steps}).step("s2").after) == {"s1"}
    assert from_model({"steps": steps}).step("s2").if_empty == "s1"


def test_two_steps_of_one_id_are_told_apart():
    steps = [{"id": "s1", "source": "a"}, {"id": "s1", "source": "b"}, {"source": "c", "args": {"q": "$s1.x"}}]
    plan = from_model({"steps": steps})
    assert [step.id for step in plan.steps] == ["s1", "s1_2", "s3"]
    assert plan.steps[2].needs == {"s1"}


@pytest.mark.parametrize("args", ["x", ["x"], 3, '["a"]', "{", {"a": {"b": None}} | {"c": float("nan")}])
def test_arguments_that_are_none_are_a_plan_error(args):
    with pytest.raises(PlanError):
        from_model({"steps": [{"id": "s1", "source": "x", "args": args}]})


@pytest.mark.parametrize("depth", [39, 50, 500, 5000])
def test_arguments_nested_too_deep_are_a_plan_error(depth):
    value = "$s1.x"
    for _ in range(depth):
        value = [value]
    steps = [{"id": "s1", "source": "x"}, {"id": "s2", "source": "x", "args": {"a": value}}]
    if depth < 40:
        assert from_model({"steps": steps}).step("s2").needs == {"s1"}
        return
    with pytest.raises(PlanError, match="nested"):
        from_model({"steps": steps})
