"""Whether anything is looked up, and that the notes say why not."""

import pytest

from planners.direct import Direct
from planners.iter_retgen import IterRetGen
from planners.reaper import Reaper
from planners.rules import Rules
from rag import Assistant
from rag.protocols import Complete, Completion, Draft, Execute, Executed, Read, Relevance
from rag.testing import FakeModel, FakeSource
from rag.types import Evidence

EMPTY = '{"steps": []}'
PLANNERS = [Direct(), Rules(), Reaper(), IterRetGen(Reaper())]


def _read(planner, task):
    """The plan that is run and the reading, when the model writes plans without a step and nothing is found."""
    steps = planner.plan(task)
    (action,) = next(steps)
    while not isinstance(action, Execute):
        seen = Completion(EMPTY) if isinstance(action, Complete) else Relevance({})
        (action,) = steps.send((seen,))
    (read,) = steps.send((Executed(action.plan, Evidence()),))
    assert isinstance(read, Read)
    with pytest.raises(StopIteration) as done:
        steps.send((Draft("…"),))
    return action.plan, read, done.value.value


@pytest.mark.parametrize("planner", PLANNERS, ids=lambda planner: type(planner).__name__)
def test_switched_off_no_source_is_asked_and_the_answer_says_so(planner, task, texts):
    cards = texts("docs", "news")
    plan, read, answer = _read(planner, task("What do the docs say?", cards, model=True, retrieve=False))
    assert plan.steps == ()
    assert read.style == "chat"
    assert answer.notes == ("no retrieval: it is switched off",)


@pytest.mark.parametrize("planner", PLANNERS[:3], ids=lambda planner: type(planner).__name__)
@pytest.mark.parametrize("question", ["Thanks!", "Hello", "What is 3 times 4?"])
def test_forced_even_small_talk_is_looked_up(planner, task, texts, question):
    plan, read, _ = _read(planner, task(question, texts("docs"), model=True, retrieve=True))
    assert [step.source for step in plan.steps] == ["docs"]
    assert read.style in ("cited", "chain")
    assert not any(note.startswith("no retrieval") for note in plan.notes)


def test_forced_where_no_rule_finds_a_source_every_one_that_takes_text_is_asked(task, clinic):
    plan, _, _ = _read(Reaper(), task("What is the weather?", clinic[2:], model=True, retrieve=True))
    assert str(plan) == 's1  clinic(query="What is the weather?")'
    assert plan.notes[-1] == "every source is asked the question as it is, since retrieval is forced"
    assert plan.sources == {"clinic": clinic[2].fingerprint}


@pytest.mark.parametrize(
    ("question", "why"),
    [("Thanks!", "the question is thanks"), ("Why is the sky blue?", "the model's plan has no step")],
)
def test_a_plan_without_a_step_says_why(task, texts, question, why):
    _, _, answer = _read(Reaper(), task(question, texts("docs", "news"), model=True))
    assert answer.notes == (f"no retrieval: {why}",)


def test_without_sources_the_notes_say_that_there_are_none(task):
    assert _read(Direct(), task("Why?", ()))[2].notes == ("no retrieval: there is no source to ask",)


def test_without_a_model_nothing_is_made_up_where_retrieval_is_off(task, texts):
    _, read, _ = _read(Rules(), task("What do the docs say?", texts("docs"), retrieve=False))
    assert read.style == "cited"


async def test_end_to_end_the_notes_tell():
    model = FakeModel([EMPTY])
    async with Assistant([FakeSource("docs"), FakeSource("news")], model=model) as assistant:
        answer = await assistant.aask("Why is the sky blue?")
    assert "no retrieval: the model's plan has no step" in answer.notes
