"""An assistant that learns: what its planner is shown, and who is shown it."""

import asyncio

import pytest

import rag
from rag.errors import StoreError
from rag.experience import ExperienceMemory
from rag.testing import FakeModel

PLAN = '{"steps": [{"id": "s1", "source": "handbook", "args": {"query": "parental leave"}}]}'
SAID = "Parental leave is twelve weeks [1]."
BEFORE = "Earlier questions, and the plans that served them:"
ANN = rag.Scope(tenant="acme", user="ann")


def handbook(query: str) -> list[dict]:
    return [{"title": "Leave", "text": "Parental leave is twelve weeks."}]


def shop(query: str) -> list[dict]:
    return []


SOURCES = (rag.source("handbook", handbook, shared=True), rag.source("shop", shop, shared=True))


@pytest.fixture
def experience():
    with ExperienceMemory.open("sqlite://") as memory:
        yield memory


def asked(experience, question, *, scope=ANN, sources=SOURCES, **how):
    """The prompt of the plan that a model is asked for, after which it answers."""
    model = FakeModel([PLAN, SAID])
    assistant = rag.Assistant(sources=sources, model=model, experience=experience)
    answer = assistant.ask(question, scope=scope, **how)
    assert answer.text.startswith("Parental leave is twelve weeks")
    return model.calls[0].prompt


def test_a_like_question_is_planned_with_the_plan_that_worked(experience):
    assert BEFORE not in asked(experience, "How long is parental leave?")
    shown = asked(experience, "How long may new parents be on leave?")
    assert f"{BEFORE}\nQuestion: How long is parental leave?\n{PLAN}\n\n" in shown


@pytest.mark.parametrize("other", [rag.Scope(), rag.Scope(tenant="acme"), rag.Scope(tenant="rival", user="ann")])
def test_nobody_else_is_shown_it(experience, other):
    asked(experience, "How long is parental leave?")
    assert BEFORE not in asked(experience, "How long may new parents be on leave?", scope=other)


def test_what_leans_on_a_conversation_is_not_learnt(experience):
    turns = [rag.Turn(role="user", text="I am pregnant.")]
    asked(experience, "How long may I stay away?", turns=turns)
    assert BEFORE not in asked(experience, "How long may I stay away?")


def test_an_answer_without_a_source_is_not_learnt(experience):
    model = FakeModel([PLAN, "The passages do not say."])
    rag.Assistant(sources=SOURCES, model=model, experience=experience).ask("How long is parental leave?", scope=ANN)
    assert experience.examples("parental leave", [s.card for s in SOURCES], scope=ANN) == ()


def test_of_many_sources_those_that_served_are_among_those_offered(experience):
    many = [rag.source(f"topic{n}", shop, about=f"questions of leave, part {n}", shared=True) for n in range(60)]
    odd = rag.source("handbook", handbook, about="zebras", shared=True)
    question = "How long may new parents be on leave?"
    model = FakeModel([PLAN.replace("handbook", "topic1"), SAID])
    without = rag.Assistant(sources=[*many, odd], model=model)
    without.plan(question)
    assert "handbook(query" not in model.calls[0].prompt
    served = rag.Plan.from_json(PLAN).replace(sources={"handbook": odd.card.fingerprint})
    experience.add("How long is parental leave?", served, scope=ANN)
    assert "\nhandbook(query: string)" in asked(experience, question, sources=[*many, odd])


class Broken(ExperienceMemory):
    def examples(self, *_: object, **__: object):
        raise StoreError("the disk is gone")

    add = examples


def test_an_answer_does_not_fail_for_its_experience(caplog):
    with Broken.open("sqlite://") as experience:
        assert BEFORE not in asked(experience, "How long is parental leave?")
    assert [record.message for record in caplog.records] == [
        "planned without experience: the disk is gone",
        "a plan that worked was not kept: the disk is gone",
    ]


def test_the_assistant_closes_its_experience(experience):
    async def used():
        async with rag.Assistant(sources=SOURCES, experience=experience) as assistant:
            await assistant.aask("How long is parental leave?", scope=ANN)

    asyncio.run(used())
    with pytest.raises(StoreError, match="closed"):
        experience.examples("leave", [])
