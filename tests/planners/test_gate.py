"""The gate: what a model knows is not looked up, and a note says why."""

import pytest

from planners.direct import Direct
from planners.evidence_loop import EvidenceLoop
from planners.gate import Gated
from planners.popularity import Popularity, Trial
from rag import Assistant
from rag.errors import ModelError
from rag.protocols import Complete, Completion, Execute, Failed
from rag.testing import FakeModel, FakeSource

QUESTION = "Who is the mayor of Paris?"
KNOWN = Popularity({"Paris": 9000, "Herblay": 12}, threshold=500)


def _first(planner, task):
    (action,) = next(planner.plan(task))
    return action


@pytest.fixture
def asked(task, texts):
    """The first action of a gated planner, its question judged by the model as the reply says."""

    def first(reply, **more):
        steps = Gated(Direct(), asks=True).plan(task(QUESTION, texts("docs"), model=True, **more))
        (action,) = next(steps)
        return steps.send((reply,))[0] if isinstance(action, Complete) else action

    return first


def test_a_well_known_thing_is_recalled_and_a_note_says_so(task, texts):
    steps = Gated(Direct(), popularity=KNOWN).plan(task(QUESTION, texts("docs"), model=True))
    (action,) = next(steps)
    assert (action.plan.steps, action.plan.notes) == ((), ("no retrieval: 'Paris' is well known (9000, from 500 on)",))


@pytest.mark.parametrize(
    ("question", "more"),
    [
        ("Who is the mayor of Herblay?", {"model": True}),
        ("Who is the mayor of Poissy?", {"model": True}),
        ("Who is the mayor of Paris and Herblay?", {"model": True}),
        ("who is the mayor?", {"model": True}),
        (QUESTION, {"model": True, "retrieve": True}),
        (QUESTION, {"model": False}),
    ],
)
def test_else_the_inner_planner_looks_it_up(task, texts, question, more):
    action = _first(Gated(Direct(), popularity=KNOWN), task(question, texts("docs"), **more))
    assert [step.source for step in action.plan.steps] == ["docs"]


def test_what_is_switched_off_stays_off(task, texts):
    action = _first(Gated(Direct(), popularity=KNOWN), task(QUESTION, texts("docs"), model=True, retrieve=False))
    assert action.plan.notes == ("no retrieval: it is switched off",)


def test_the_models_no_spares_the_search(asked):
    action = asked(Completion('{"reason": "everybody knows", "look_up": false}'))
    assert action.plan.notes == ("no retrieval: the model sees no need (everybody knows)",)


@pytest.mark.parametrize(
    "reply",
    [
        Completion('{"reason": "rare", "look_up": true}'),
        Completion('{"reason": "no", "look_up": null}'),
        Completion("false"),
        Completion("no need, none"),
        Failed(ModelError("down")),
    ],
)
def test_anything_else_of_the_models_does_not(asked, reply):
    assert [step.source for step in asked(reply).plan.steps] == ["docs"]


def test_a_gate_may_stand_within_rounds(task, texts):
    steps = EvidenceLoop(Gated(Direct(), popularity=KNOWN)).plan(task(QUESTION, texts("docs"), model=True))
    (action,) = next(steps)
    assert isinstance(action, Execute)
    assert action.plan.steps == ()


def test_the_table_may_be_made_of_a_corpus():
    table = Popularity.from_texts(["We saw Paris. In Paris it rained.", "Flights to Paris", "a town"])
    assert table.of("Who is the mayor of Paris?") == ("Paris", 2)


@pytest.mark.parametrize(
    ("recalled", "threshold"),
    [({9000: 1, 50: 0, 12: 0}, 9000), ({9000: 1, 50: 1, 12: 0}, 50), ({9000: 0, 50: 0, 12: 0}, None)],
)
def test_the_threshold_is_where_recall_stops_to_pay(recalled, threshold):
    table = Popularity({"Paris": 9000, "Poissy": 50, "Herblay": 12})
    trials = [
        Trial(f"Who is the mayor of {name}?", recalled[count], 1 if count < 9000 else 0.5)
        for name, count in table.counts.items()
    ]
    assert table.fit(trials).threshold == threshold


def test_without_a_threshold_all_is_looked_up():
    assert Popularity({"Paris": 9000}).why(QUESTION) == ""


async def test_end_to_end_a_known_thing_costs_one_call_and_no_search():
    docs = FakeSource("docs", [{"text": "Paris has a mayor."}])
    planner = Gated(Direct(), popularity=KNOWN)
    async with Assistant([docs], model=FakeModel(["Anne Hidalgo."]), planner=planner) as assistant:
        answer = await assistant.aask(QUESTION)
    assert (answer.text, answer.usage.model_calls, answer.usage.source_calls) == ("Anne Hidalgo.", 1, 0)
    assert any(note.startswith("no retrieval: 'Paris'") for note in answer.notes)


@pytest.mark.parametrize("question", ["What is the wifi password of the Paris office?", "Where is my order of Paris?"])
def test_what_is_somebodys_own_is_looked_up_however_well_known_its_name_is(question):
    assert Popularity({"Paris": 9000}, threshold=500).why(question) == ""


def test_a_model_that_never_gains_by_recall_gets_no_threshold():
    trials = [Trial(f"Who founded {name}?", 0.0, 0.0) for name in ("Paris", "Herblay")]
    assert Popularity({"Paris": 9000, "Herblay": 12}).fit(trials).threshold is None
