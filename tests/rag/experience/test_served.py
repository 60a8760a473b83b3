"""What of a plan is kept to be shown."""

from rag.experience.served import served
from rag.plan import Plan
from rag.plan.ran import Ran

PLAN = Plan.from_json(
    {
        "sources": {"orders": "0", "docs": "1", "reviews": "2"},
        "steps": [
            {"id": "s1", "source": "orders", "args": {"query": "lamp"}},
            {"id": "s2", "source": "docs", "args": {"query": "lamp"}, "if_empty": "s1"},
            {"id": "s3", "source": "reviews", "args": {"query": "$s1.title"}, "after": ["s2"]},
        ],
        "notes": ["s2: added"],
    }
)


def ids(plan):
    return [step.id for step in plan.steps]


def test_a_stand_in_that_was_not_needed_goes():
    kept = served(PLAN.replace(ran={"s1": Ran(hits=2), "s2": Ran(status="skipped"), "s3": Ran(hits=1)}))
    assert ids(kept) == ["s1", "s3"]
    assert kept.steps[1].after == ()
    assert kept.sources == {"orders": "0", "reviews": "2"}
    assert kept.notes == ()


def test_a_stand_in_that_found_something_takes_the_place_and_what_needed_the_other_goes():
    kept = served(PLAN.replace(ran={"s1": Ran(), "s2": Ran(hits=2), "s3": Ran(status="skipped")}))
    assert ids(kept) == ["s2"]
    assert kept.steps[0].if_empty is None
    assert kept.sources == {"docs": "1"}


def test_of_a_plan_that_was_not_run_the_stand_ins_go():
    assert ids(served(PLAN)) == ["s1", "s3"]


def test_a_step_that_found_nothing_and_had_no_stand_in_stays():
    alone = PLAN.replace(steps=PLAN.steps[:1], ran={"s1": Ran()})
    assert ids(served(alone)) == ["s1"]
