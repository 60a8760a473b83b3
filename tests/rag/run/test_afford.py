from __future__ import annotations

import pytest

from rag.plan import Cost, Plan
from rag.run.afford import Left, trimmed


def plan(*steps):
    return Plan.from_json({"steps": list(steps)})


def step(step_id, source="docs", query="x", **more):
    return {"id": step_id, "source": source, "args": {"query": query}, **more}


def fitted(made, costs, **left):
    kept, gone = trimmed(made, costs, Left(**left))
    return [s.id for s in kept.steps], [str(over) for over in gone]


def test_a_plan_that_fits_stays_whole():
    made = plan(step("s1"), step("s2", query="y"))
    costs = {"docs": Cost(seconds=(1, 2), usd=(0.1, 0.1))}
    kept, gone = trimmed(made, costs, Left(seconds=2, usd=1, calls_per_source=2))
    assert kept is made
    assert not gone


def test_calls_beyond_those_of_a_source_go_last_first():
    made = plan(step("s1"), step("s2", query="y"), step("s3", "news"))
    assert fitted(made, {}, calls_per_source=1) == (
        ["s1", "s3"],
        ["s2 asks 'docs', up to which it needs at least 2 calls of it; 1 is left"],
    )


def test_calls_that_were_made_before_count():
    assert fitted(plan(step("s1")), {}, calls_per_source=2, calls={"docs": 2})[0] == []


def test_steps_that_would_end_too_late_go_with_those_that_wait_for_them():
    made = plan(step("s1"), step("s2", "slow"), step("s3", "news", after=["s2"]), step("s4", "news"))
    costs = {"docs": Cost(seconds=(0.1, 9)), "slow": Cost(seconds=(5, 5)), "news": Cost(seconds=(0.1, 1))}
    kept, gone = fitted(made, costs, seconds=2)
    assert kept == ["s1", "s4"]
    assert gone[0].startswith("s3 asks 'news', up to which it needs at least 5.1 seconds; 2 are left")


def test_what_a_source_may_take_at_worst_trims_nothing():
    assert fitted(plan(step("s1")), {"docs": Cost(seconds=(0, 30))}, seconds=1)[0] == ["s1"]


def test_money_is_spent_on_the_first_steps():
    made = plan(step("s1"), step("s2", query="y"), step("s3", "free"))
    assert fitted(made, {"docs": Cost(usd=(0.02, 0.02))}, usd=0.03)[0] == ["s1", "s3"]


@pytest.mark.parametrize("left", [{"seconds": 0.0}, {"usd": 0.0}])
def test_what_costs_nothing_fits_where_nothing_is_left(left):
    assert fitted(plan(step("s1")), {"docs": Cost(seconds=(0, 1))}, **left)[0] == ["s1"]


def test_a_stand_in_and_what_needs_rows_may_come_to_no_call():
    made = plan(step("s1"), step("s2", if_empty="s1"), step("s3", query="$s1.title"))
    assert fitted(made, {}, calls_per_source=1) == (["s1", "s2", "s3"], [])


def test_steps_that_ask_the_same_are_one_call():
    made = plan(step("s1"), step("s2"))
    assert fitted(made, {"docs": Cost(usd=(0.3, 0.3))}, calls_per_source=1, usd=0.5)[0] == ["s1", "s2"]


def test_money_is_spared_by_a_step_that_surely_costs_some():
    made = plan(step("s1"), step("s2", "news"), step("s3", query="$s1.title"))
    costs = {"docs": Cost(usd=(0.3, 0.3)), "news": Cost(usd=(0.3, 0.3))}
    assert fitted(made, costs, usd=0.5)[0] == ["s1", "s3"]
