"""One more call for a plan that rules cannot mend."""

import pytest

from planners.reaper import Reaper
from rag.errors import ModelTimeout
from rag.protocols import Complete, Completion, Execute, Failed, Probe, Relevance
from rag.types import Budget

RING = (
    '{"steps": [{"id": "s1", "source": "reviews", "args": {"query": "$s2.title"}},'
    ' {"id": "s2", "source": "products", "args": {"query": "$s1.title"}}, {"id": "s3", "source": "no such"}]}'
)
GOOD = '{"steps": [{"id": "s1", "source": "reviews", "args": {"query": "lamp"}}]}'


def _drive(task, *replies):
    """The prompts asked for, and the plan that is run, when the model gives these replies in turn."""
    left, asked = list(replies), []
    steps = Reaper().plan(task)
    actions = next(steps)
    while not isinstance(actions[0], Execute):
        (action,) = actions
        if isinstance(action, Probe):
            actions = steps.send((Relevance({}),))
            continue
        assert isinstance(action, Complete)
        asked.append(action)
        reply = left.pop(0)
        actions = steps.send((Completion(reply) if isinstance(reply, str) else Failed(reply),))
    return asked, actions[0].plan


def test_the_model_is_shown_its_plan_and_all_that_is_wrong_with_it(task, shop):
    asked, plan = _drive(task("What do buyers say of the lamp?", shop, model=True), RING, GOOD)
    assert [action.prompt for action in asked] == ["plan", "repair"]
    values = asked[1].values
    assert values["plan"] == RING
    assert [line.split(",")[0] for line in values["problems"].splitlines()] == [
        "- step 's3' asks 'no such'",
        "- steps wait for each other in a ring: s1 → s2 → s1",
    ]
    assert asked[1].schema == asked[0].schema
    assert values["sources"] == asked[0].values["sources"]
    assert str(plan) == 's1  reviews(query="lamp")'
    assert plan.notes[-1].startswith("the model was asked once more, since its first plan could not be used: step 's3'")


def test_what_rules_can_mend_costs_no_second_call(task, shop):
    written = '{"steps": [{"id": "s1", "source": "Review", "args": {"query": "lamp", "page": 2}}]}'
    asked, plan = _drive(task("What do buyers say of the lamp?", shop, model=True), written)
    assert len(asked) == 1
    assert str(plan) == 's1  reviews(query="lamp")'


def test_a_text_without_a_plan_goes_back_too(task, shop):
    asked, plan = _drive(task("What do buyers say of the lamp?", shop, model=True), "I would ask the reviews.", GOOD)
    assert "not JSON" in asked[1].values["problems"]
    assert str(plan) == 's1  reviews(query="lamp")'


@pytest.mark.parametrize(("second", "why"), [(RING, "'no such'"), (ModelTimeout("too slow"), "too slow")])
def test_when_the_second_cannot_be_used_either_rules_plan(task, shop, second, why):
    asked, plan = _drive(task("Where is order O-17?", shop, model=True), RING, second)
    assert len(asked) == 2
    assert str(plan) == 's1  orders(table="orders", order_id="O-17")'
    assert plan.notes[-1].startswith("planned by rules, since the model's plan cannot be used: ")
    assert why in plan.notes[-1]


@pytest.mark.parametrize(("calls", "asked"), [(2, 1), (3, 2), (None, 2)])
def test_the_call_that_reads_is_left_in_the_budget(task, shop, calls, asked):
    given = task("Where is order O-17?", shop, model=True, budget=Budget(model_calls=calls))
    assert len(_drive(given, RING, GOOD)[0]) == asked


def test_when_a_part_of_the_second_plan_cannot_be_used_the_rest_is(task, shop):
    steps = '[{"id": "s1", "source": "no such"}, {"id": "s2", "source": "reviews", "args": {"query": "lamp"}}]'
    broken = f'{{"steps": {steps}}}'
    _, plan = _drive(task("What do buyers say of the lamp?", shop, model=True), broken, broken)
    assert str(plan) == 's2  reviews(query="lamp")'
    assert any(note.startswith("s1 left out: step 's1' asks 'no such'") for note in plan.notes)
