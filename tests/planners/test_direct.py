"""`Direct` asks every source it can, and says which it cannot."""

from datetime import UTC, datetime

import pytest
from pydantic import BaseModel

from planners.direct import Direct
from rag.card import SourceCard, free_query
from rag.errors import SourceError
from rag.protocols import Draft, Execute, Executed, Failed, Read, Task
from rag.types import Evidence


class City(BaseModel):
    city: str


CARDS = (
    SourceCard(name="docs", arguments=free_query()),
    SourceCard(name="status page"),
    SourceCard(name="weather", arguments=City),
)
TASK = Task("Is it raining?", CARDS, datetime(2026, 1, 1, tzinfo=UTC))


def test_every_source_that_can_be_asked_is_asked_as_it_is():
    (execute,) = next(Direct().plan(TASK))
    assert isinstance(execute, Execute)
    assert [(step.source, step.args) for step in execute.plan.steps] == [
        ("docs", {"query": "Is it raining?"}),
        ("status page", {}),
    ]
    assert execute.plan.notes == ("weather: left out, since it needs city",)


def test_the_plan_knows_its_question_and_the_fingerprints_of_its_sources():
    (execute,) = next(Direct().plan(TASK))
    assert execute.plan.question == TASK.question
    assert execute.plan.sources == {card.name: card.fingerprint for card in CARDS[:2]}


def test_more_sources_than_a_plan_may_have_steps_are_cut_with_a_note():
    cards = tuple(SourceCard(name=f"docs{n}", arguments=free_query()) for n in range(20))
    (execute,) = next(Direct().plan(Task("Why?", cards, TASK.now)))
    assert len(execute.plan.steps) == len(execute.plan.sources) == 16
    assert execute.plan.notes == ("the last 4 steps are left out: a plan has at most 16",)


def test_what_was_found_is_read_and_failures_are_told():
    steps = Direct().plan(TASK)
    (execute,) = next(steps)
    (read,) = steps.send((Executed(execute.plan, Evidence(), {"s1": "it is closed"}),))
    assert read == Read(TASK.question, Evidence())
    with pytest.raises(StopIteration) as done:
        steps.send((Draft("Nobody knows."),))
    answer = done.value.value
    assert (answer.text, answer.partial) == ("Nobody knows.", True)
    assert "s1 brought nothing: it is closed" in answer.notes


def test_an_execution_that_fails_raises_its_error():
    steps = Direct().plan(TASK)
    next(steps)
    with pytest.raises(SourceError, match="gone"):
        steps.send((Failed(SourceError("gone")),))


@pytest.mark.parametrize(("question", "style"), [("Hello there!", "chat"), ("Where is my order?", "cited")])
def test_only_small_talk_is_answered_without_any_source(question, style):
    steps = Direct().plan(Task(question, (), TASK.now))
    (execute,) = next(steps)
    (read,) = steps.send((Executed(execute.plan, Evidence()),))
    assert read == Read(question, Evidence(), style)


def test_what_may_change_something_is_not_called_because_everything_is_asked():
    cards = (*CARDS[:1], SourceCard(name="reset", about="deletes all data", idempotent=False))
    (execute,) = next(Direct().plan(Task("Is it raining?", cards, TASK.now)))
    assert [step.source for step in execute.plan.steps] == ["docs"]
    assert execute.plan.notes == ("reset: left out, since it may change something",)
