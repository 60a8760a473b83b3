"""Plans as values: the saved form, edits, order."""

import json
import re
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.errors import BadReference, PlanCycle, PlanError
from rag.plan import Plan, Ref, Step, Template, from_model, text
from rag.plan.estimate import Cost
from rag.plan.ran import Ran
from rag.types import Answer

STEP = {"id": "s1", "source": "orders", "args": {"query": "lamp"}}


def _chain() -> Plan:
    return Plan(
        question="?",
        steps=(
            Step(id="s1", source="orders", args={"query": "lamp"}),
            Step(id="s2", source="reviews", args={"query": text("light of ", Ref("s1", ("title",)))}),
            Step(id="s3", source="reviews", args={"query": "lamp"}, if_empty="s1"),
        ),
    )


_ids = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,4}", fullmatch=True)
_values = st.one_of(
    st.text(),
    st.integers(),
    st.booleans(),
    st.builds(Ref, _ids, st.tuples(st.text(min_size=1))),
    st.lists(st.text(), max_size=2),
)
_steps = st.builds(
    Step,
    id=_ids,
    source=st.text(min_size=1),
    args=st.dictionaries(st.text(), _values, max_size=3),
    after=st.lists(_ids, max_size=2).map(tuple),
    if_empty=st.none() | _ids,
)
_plans = st.builds(
    Plan,
    steps=st.lists(_steps, max_size=4, unique_by=lambda step: step.id).map(tuple),
    question=st.none() | st.text(),
    sources=st.dictionaries(st.text(), st.text(), max_size=2),
    notes=st.lists(st.text(), max_size=2).map(tuple),
)


@given(_plans)
def test_every_plan_is_read_back_equal(plan):
    assert Plan.from_json(plan.to_json()) == plan
    assert Plan.from_json(plan.to_json(indent=2)) == plan


@given(_plans)
def test_every_plan_can_be_drawn(plan):
    assert str(plan)
    assert plan.mermaid().startswith("flowchart")
    assert "<script" not in plan._repr_mimebundle_()["text/html"]


def test_the_saved_form_is_as_documented():
    saved = json.loads(_chain().to_json())
    assert list(saved) == ["version", "question", "sources", "steps"]
    assert saved["version"] == 1
    assert saved["steps"][1] == {"id": "s2", "source": "reviews", "args": {"query": "light of $s1[0].title"}}
    assert saved["steps"][2]["if_empty"] == "s1"


def test_bare_steps_are_a_plan_and_null_arguments_are_absent():
    plan = Plan.from_json({"steps": [{**STEP, "args": {"query": "lamp", "newest": None}}]})
    assert plan.steps[0].args == {"query": "lamp"}
    assert Plan.from_json('{"steps": []}') == Plan()


@pytest.mark.parametrize(
    "saved",
    [
        "",
        "not json",
        "[]",
        "{}",
        "null",
        '{"steps": 3}',
        '{"steps": [3]}',
        '{"steps": [{"id": "s1"}]}',
        '{"steps": [{"id": "s 1", "source": "x"}]}',
        '{"steps": [{"id": "s1", "source": "x", "args": []}]}',
        '{"steps": [{"id": "s1", "source": "x", "args": {"a": NaN}}]}',
        '{"steps": [{"id": "s1", "source": "x", "extra": 1}]}',
        '{"version": 2, "steps": []}',
        '{"steps": ' + "[" * 100_000,
    ],
)
def test_what_is_no_plan_is_a_plan_error(saved):
    with pytest.raises(PlanError):
        Plan.from_json(saved)


def test_arguments_given_in_code_take_the_form_that_they_are_read_back_in():
    args = {"day": date(2026, 11, 20), "ids": ("a", Ref("s0", ("x",))), "none": None, "text": Template(("a", "b"))}
    plan = Plan(steps=(Step(id="s0", source="x"), Step(id="s1", source="x", args=args)))
    assert Plan.from_json(plan.to_json()) == plan
    assert plan.step("s1").args == {"day": "2026-11-20", "ids": ["a", Ref("s0", ("x",))], "text": "ab"}
    with pytest.raises(PlanError, match="nan"):
        Step(id="s1", source="x", args={"a": float("nan")})


@pytest.mark.parametrize("given_id", [1, "step-1", "1", "ä", None])
def test_a_model_s_ids_are_made_good_with_the_references_to_them(given_id):
    first = {"source": "orders", "args": {"query": "lamp"}} | ({} if given_id is None else {"id": given_id})
    second = {"id": "s9", "source": "reviews", "args": {"query": f"of ${given_id or 's1'}.title"}, "after": [given_id]}
    plan = from_model({"steps": [first, {**second, "after": [] if given_id is None else [given_id]}]})
    assert plan.steps[1].needs == {plan.steps[0].id}
    assert plan.steps[1].waits_for == {plan.steps[0].id}


@pytest.mark.parametrize("written", [{}, {"steps": "s1"}, {"steps": [1]}, {"steps": [{"id": "s1"}]}])
def test_what_holds_no_steps_is_a_plan_error(written):
    with pytest.raises(PlanError):
        from_model(written)


def test_two_steps_of_one_id_are_an_error():
    with pytest.raises(PlanError, match="two steps are called 's1'"):
        Plan.from_json({"steps": [STEP, STEP]})


def test_order_follows_references_after_and_if_empty():
    plan = Plan.from_json(
        {
            "steps": [
                {**STEP, "id": "c", "args": {"query": "$b.x"}},
                {**STEP, "id": "b", "after": ["a"]},
                {**STEP, "id": "a"},
                {**STEP, "id": "d", "if_empty": "c"},
            ]
        }
    )
    assert plan.order == ("a", "b", "c", "d")


def test_a_ring_and_a_missing_step_are_found():
    ring = Plan.from_json({"steps": [{**STEP, "id": "a", "after": ["b"]}, {**STEP, "id": "b", "after": ["a"]}]})
    with pytest.raises(PlanCycle, match="ring"):
        _ = ring.order
    with pytest.raises(BadReference, match="'zz', which is not a step"):
        _ = Plan.from_json({"steps": [{**STEP, "after": ["zz"]}]}).order
    with pytest.raises(PlanCycle):
        _ = Plan.from_json({"steps": [{**STEP, "args": {"query": "$s1.x"}}]}).order


def test_edits_give_new_plans_and_keep_the_old():
    plan = _chain()
    edited = plan.with_args("s1", query="$1 lamp", newest=2)
    assert edited.step("s1").args == {"query": "$1 lamp", "newest": 2}
    assert plan.step("s1").args == {"query": "lamp"}
    assert edited.with_args("s1", newest=None).step("s1").args == {"query": "$1 lamp"}
    assert Plan.from_json(edited.to_json()) == edited


def test_a_step_that_others_wait_for_cannot_go_alone():
    with pytest.raises(PlanError, match="waits for 's1'"):
        _chain().without("s1")
    assert _chain().without("s1", "s2", "s3").steps == ()
    with pytest.raises(PlanError, match="no step 's9'"):
        _chain().without("s9")


def test_order_is_that_of_the_edited_plan():
    plan = _chain()
    assert plan.order == ("s1", "s2", "s3")
    assert plan.without("s2").order == ("s1", "s3")


def test_diff_tells_what_went_came_and_changed():
    old = _chain()
    new = old.without("s3").with_args("s1", query="desk lamp")
    new = new.replace(steps=(*new.steps, Step(id="s4", source="docs", args={})))
    assert old.diff(new) == (
        '- s3  reviews(query="lamp")  if s1 finds nothing',
        "+ s4  docs()",
        '~ s1  orders(query="lamp")  →  orders(query="desk lamp")',
    )
    assert old.diff(old) == ()


def test_diff_tells_what_a_step_waits_for_where_that_changed():
    one, two = Step(id="s1", source="docs"), Step(id="s2", source="docs", after=("s1",))
    old = Plan(steps=(one, two))
    assert old.diff(Plan(steps=(one, two.replace(after=())))) == ("~ s2  docs()  after s1  →  docs()  after nothing",)
    assert old.diff(Plan(steps=(one, two.replace(if_empty="s1")))) == (
        "~ s2  docs()  in any case  →  docs()  if s1 finds nothing",
    )


def test_bare_steps_are_a_plan_wherever_one_is_read():
    bare = {"steps": [STEP]}
    plan = Plan.from_json(bare)
    assert Plan.model_validate(bare) == Plan.model_validate_json(json.dumps(bare)) == plan
    assert Answer.model_validate({"text": "", "plan": bare}).plan == plan
    assert Answer.model_validate_json(Answer(text="", plan=_chain()).model_dump_json()).plan == _chain()


def test_costs_are_saved_and_what_came_of_a_run_is_not():
    costs = {"orders": Cost(seconds=(0.1, 0.2)), "docs": Cost()}
    plan = _chain().replace(costs=costs, ran={"s1": Ran(hits=2)})
    again = Plan.from_json(plan.to_json())
    assert again.costs == costs
    assert again.ran == {}
    assert again == plan == _chain()


def test_a_ring_of_very_many_steps_is_told_in_one_short_line():
    steps = tuple(Step(id=f"s{n}", source="x", after=(f"s{(n + 1) % 5000}",)) for n in range(5000))
    with pytest.raises(PlanCycle) as caught:
        _ = Plan(steps=steps).order
    assert len(str(caught.value)) < 200


def test_the_page_takes_its_colours_from_the_page_around_it():
    page = _chain().replace(ran={"s1": Ran(hits=2)})._repr_mimebundle_()["text/html"]
    assert set(_chain()._repr_mimebundle_()) == {"text/plain", "text/html"}
    assert 'fill="currentColor"' in page
    assert not re.search(r"black|white|#000|#fff|background|<script|<style|http(?!://www\.w3\.org/2000/svg)", page)


def test_html_escapes_what_a_model_wrote():
    plan = Plan(steps=(Step(id="s1", source="<b>", args={"query": "<script>"}),), notes=("<i>",))
    page = plan._repr_mimebundle_()["text/html"]
    assert "<script>" not in page
    assert "<b>" not in page
    assert "<i>" not in page


def test_plans_that_send_other_json_are_not_the_same():
    one, true = (Plan.from_json({"steps": [{"id": "s1", "source": "a", "args": {"n": n}}]}) for n in (1, True))
    assert one != true
    assert one.diff(true)
    assert len({*one.steps, *true.steps, *one.steps}) == 2
