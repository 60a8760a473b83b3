"""Questions and replies at the edge to the model: what cannot be kept, what nobody tells, what is cancelled."""

from __future__ import annotations

import asyncio

import pytest

import rag
from rag.plan import Plan
from rag.protocols import Reply
from rag.testing import FakeModel, FakeSource
from rag.types import Usage

PLAN = Plan.from_json({"steps": [{"id": "s1", "source": "docs", "args": {"query": "leave"}}]})


def assistant(model):
    return rag.Assistant([FakeSource("docs", [{"text": "Ten days of leave."}])], model=model)


@pytest.mark.parametrize("ask", ["ask", "plan", "run"])
def test_a_question_with_half_of_a_surrogate_pair_is_asked_without_it(ask):
    one, question = assistant(FakeModel(["?", "?", "?"])), "leave \ud800?"
    asked = one.run(PLAN, question=question) if ask == "run" else getattr(one, ask)(question)
    assert asked.question == "leave ??"
    assert asked.model_dump_json() if ask != "plan" else asked.to_json()


async def test_a_reply_whose_usage_nobody_tells_is_guessed_and_not_free():
    class Silent(FakeModel):
        async def complete(self, messages, **how):
            return Reply((await super().complete(messages, **how)).text, Usage(seconds=0.5))

    answer = await assistant(Silent(["Ten days [1]."])).arun(PLAN, question="How long is the leave?")
    assert answer.usage.estimated
    assert answer.usage.prompt_tokens > 50
    assert answer.usage.completion_tokens > 3


async def test_a_model_whose_own_work_was_cancelled_has_failed():
    class Cancelled(FakeModel):
        async def complete(self, messages, **how):
            raise asyncio.CancelledError

    answer = await assistant(Cancelled([])).arun(PLAN, question="How long is the leave?")
    assert "Ten days" in answer.text
    assert any("CancelledError" in note for note in answer.notes)
