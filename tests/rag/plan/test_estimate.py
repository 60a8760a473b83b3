from __future__ import annotations

import math

import pytest

from rag.plan import Cost, Plan, Range
from rag.plan.estimate import READING


def plan(*steps, **costs):
    return Plan.from_json({"steps": list(steps)}).replace(costs={name: Cost(**cost) for name, cost in costs.items()})


def step(step_id, source="docs", query="x", **more):
    return {"id": step_id, "source": source, "args": {"query": query}, **more}


def test_steps_that_wait_add_up_and_others_run_beside_them():
    made = plan(
        step("s1", "fast"),
        step("s2", "fast", after=["s1"]),
        step("s3", "slow"),
        fast={"seconds": (0.1, 0.2)},
        slow={"seconds": (0.15, 0.5)},
    )
    assert made.estimate().seconds == Range(0.2, 0.5)


def test_a_step_on_rows_may_come_to_no_call_and_one_through_rows_to_many():
    made = plan(step("s1"), step("s2", query="$s1[0].title"), step("s3", query="$s1[*].title"))
    assert made.estimate().source_calls == Range(1, 22)


def test_a_step_for_when_another_finds_nothing_may_not_run():
    assert plan(step("s1"), step("s2", if_empty="s1")).estimate().source_calls == Range(1, 2)


def test_calls_through_rows_run_eight_at_once():
    made = plan(step("s1"), step("s2", "slow", "$s1[*].title"), docs={"seconds": (0, 0)}, slow={"seconds": (1, 1)})
    assert made.estimate().seconds == Range(0, 3)


def test_money_counts_each_call():
    made = plan(step("s1"), step("s2"), docs={"usd": (0.01, 0.02)})
    assert made.estimate().usd == Range(0.02, 0.04)


@pytest.mark.parametrize(("read_before", "expected"), [((200, 300), Range(500, 3000)), ((700, 3600), Range(700, 3600))])
def test_reading_takes_a_model_call_of_what_is_found_and_of_no_less_than_before(read_before, expected):
    made = plan(step("s1"), docs={"tokens": (500, 9000)}).replace(
        costs={"docs": Cost(tokens=(500, 9000)), READING: Cost(tokens=read_before, usd=(0.1, 0.1))}
    )
    estimate = made.estimate()
    assert estimate.model_calls == Range(1, 1)
    assert estimate.tokens == expected
    assert estimate.usd == Range(0.1, 0.1)


def test_what_nothing_is_known_of_may_take_any_time():
    assert plan(step("s1")).estimate().seconds == Range(0, math.inf)
    assert str(plan(step("s1")).estimate()) == "1 source call · 0 or more s"


def test_costs_are_saved_with_a_plan_and_make_no_plans_differ():
    made = plan(step("s1"), docs={"seconds": (0.1, math.inf)})
    read = Plan.from_json(made.to_json())
    assert read.costs == made.costs
    assert read == made == made.replace(costs={})


def test_no_plan_costs_nothing():
    assert str(Plan().estimate()) == "nothing"


def test_steps_of_which_not_all_run_at_once_take_turns():
    made = plan(*(step(f"s{n}", query=str(n)) for n in range(16)), docs={"seconds": (1, 1)})
    assert made.estimate().seconds == Range(1, 2)
    alone = {"docs": Cost(seconds=(1, 1), at_once=1)}
    assert made.replace(costs=alone).estimate().seconds == Range(1, 16)


def test_rows_go_one_by_one_through_a_source_that_takes_one_call_at_once():
    made = plan(step("s1"), step("s2", "slow", "$s1[*].title"), docs={"seconds": (0, 0)})
    made = made.replace(costs={**made.costs, "slow": Cost(seconds=(1, 1), at_once=1)})
    assert made.estimate().seconds == Range(0, 20)
    assert Plan.from_json(made.to_json()).costs == made.costs
