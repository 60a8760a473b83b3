"""Many questions at once, and questions that are given up: what is bounded, what stops, and what stays behind."""

from __future__ import annotations

import asyncio
import gc
from collections import Counter

import anyio
import pytest

import rag
from rag.plan import Plan
from rag.plan.estimate import STEPS_AT_ONCE
from rag.testing import FakeModel

QUESTIONS = 100


def plan_of(*steps):
    return Plan.from_json({"steps": [{"id": f"s{n}", **step} for n, step in enumerate(steps, 1)]})


def step(source, *, after=(), **args):
    return {"source": source, "args": args, "after": list(after)}


class Crowd:
    """A function that counts who is in it at once: of each question, and in all."""

    def __init__(self):
        self.inside, self.most = Counter(), Counter()

    async def __call__(self, question: int, call: int) -> list[dict]:
        for key in (question, "all"):
            self.inside[key] += 1
            self.most[key] = max(self.most[key], self.inside[key])
        await asyncio.sleep(0.002)
        for key in (question, "all"):
            self.inside[key] -= 1
        return []


async def a_hundred_questions(crowd, **card):
    assistant = rag.Assistant([rag.source("crowd", crowd, **card)])
    plans = [plan_of(*(step("crowd", question=n, call=call) for call in range(12))) for n in range(QUESTIONS)]
    await asyncio.gather(*(assistant.arun(plan) for plan in plans))


async def test_a_question_has_no_more_calls_under_way_than_it_may_and_leaves_the_others_theirs():
    crowd = Crowd()
    await a_hundred_questions(crowd, concurrency=10_000)
    assert {crowd.most[n] for n in range(QUESTIONS)} == {STEPS_AT_ONCE}
    assert crowd.most["all"] > 10 * STEPS_AT_ONCE


async def test_a_source_has_no_more_calls_under_way_than_its_card_says_whoever_asks():
    crowd = Crowd()
    await a_hundred_questions(crowd, concurrency=20)
    assert crowd.most["all"] == 20


async def test_a_hundred_questions_do_not_wait_for_each_other():
    arrived, all_there = set(), asyncio.Event()

    async def meet(question: int) -> list[dict]:
        arrived.add(question)
        if len(arrived) == QUESTIONS:
            all_there.set()
        await all_there.wait()  # for ever, were but one of them made to wait for another's end
        return [{"text": "met"}]

    assistant = rag.Assistant([rag.source("meet", meet)])
    with anyio.fail_after(20):
        answers = await asyncio.gather(*(assistant.arun(plan_of(step("meet", question=n))) for n in range(QUESTIONS)))
    assert {answer.text for answer in answers} == {"met [1]"}


async def test_steps_start_in_the_order_in_which_what_they_wait_for_ends():
    ended = {name: asyncio.Event() for name in "abcd"}
    log = []

    async def work(name: str, until: str = "") -> list[dict]:
        log.append(f"+{name}")
        if until:
            await ended[until].wait()
        log.append(f"-{name}")
        ended[name].set()
        return []

    assistant = rag.Assistant([rag.source("work", work)])
    # The slow step "c" ends only after "b", which waits for "a": layers of the graph would never come to "b".
    steps = [
        step("work", name="a"),
        step("work", name="b", after=["s1"]),
        step("work", name="c", until="b"),
        step("work", name="d", after=["s2", "s3"]),
    ]
    with anyio.fail_after(20):
        await assistant.arun(plan_of(*steps))
    assert log == ["+a", "-a", "+c", "+b", "-b", "-c", "+d", "-d"]


class Endless:
    """A function that never returns, and knows that it was made to stop."""

    def __init__(self):
        self.begun, self.stopped = asyncio.Event(), 0

    async def __call__(self, query: str) -> list[dict]:
        self.begun.set()
        try:
            await asyncio.sleep(3600)
        finally:
            self.stopped += 1
        return []


async def given_up(assistant, begun):
    """What is left of a question's tasks once it was cancelled."""
    before = asyncio.all_tasks()
    question = asyncio.create_task(assistant.aask("What do the docs and the notes say of lamps?"))
    with anyio.fail_after(20):
        await begun.wait()
    question.cancel()
    with pytest.raises(asyncio.CancelledError):
        await question
    return asyncio.all_tasks() - before - {question}


async def test_a_question_that_is_given_up_stops_its_sources_and_leaves_no_task():
    docs, notes = Endless(), Endless()
    assistant = rag.Assistant([rag.source("docs", docs), rag.source("notes", notes)], planner="direct")
    assert await given_up(assistant, docs.begun) == set()
    assert (docs.stopped, notes.stopped) == (1, 1)


async def test_calls_that_began_before_their_plan_was_written_stop_with_the_question():
    docs = Endless()

    class Writes(FakeModel):
        """Writes the first step of a plan, and then no more."""

        async def complete(self, messages, *, schema=None, max_tokens=None, on_token=None):
            on_token('{"steps": [{"id": "s1", "source": "docs", "args": {"query": "lamps"}},')
            await asyncio.sleep(3600)

    assistant = rag.Assistant([rag.source("docs", docs), rag.source("notes", Endless())], model=Writes([]))
    assert await given_up(assistant, docs.begun) == set()
    assert docs.stopped == 1


async def test_nothing_of_a_question_is_left_to_the_garbage_collector():
    async def docs(query: str) -> list[dict]:
        return [{"text": "Lamps are on page 3."}]

    plan = '{"steps": [{"id": "s1", "source": "docs", "args": {"query": "lamps"}}]}'
    model = FakeModel(lambda messages: plan if "JSON" in messages[0].content else "They are on page 3 [1].")
    assistant = rag.Assistant([rag.source("docs", docs)], model=model)
    for _ in range(2):  # what is made once, by the first question, may stay
        gc.collect()
        gc.disable()
        await assistant.aask("Where are the lamps?")
        gc.enable()
    assert gc.collect() == 0


async def test_a_hundred_questions_that_are_given_up_leave_room_for_the_next():
    docs = Endless()
    assistant = rag.Assistant([rag.source("docs", docs, concurrency=3)], planner="direct")
    questions = [asyncio.create_task(assistant.aask(f"lamps {n}?")) for n in range(QUESTIONS)]
    await docs.begun.wait()
    for question in questions:
        question.cancel()
    await asyncio.gather(*questions, return_exceptions=True)
    assert docs.stopped == 3
    docs.begun.clear()
    again = asyncio.create_task(assistant.aask("lamps?"))
    with anyio.fail_after(20):
        await docs.begun.wait()
    again.cancel()
