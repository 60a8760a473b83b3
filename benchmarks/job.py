"""One job for the measures of the runtime: a plan call, two steps at once, one more on a result, an answer call.

`Ours` does it by `Assistant.aask`; `Floor` with asyncio and the openai client alone, on the same transport, with
the very requests that ours sends.
"""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Sequence
from typing import Any

import rag
from benchmarks.common import Heard
from planners.actions import complete, retrieve_and_read
from rag.plan import Plan
from rag.protocols import Model, Planner, Steps, Task

__all__ = ["PLAN", "TEXT", "Floor", "Ours", "Planned", "requests_of", "sources"]

QUESTION = (
    "What does the newest order hold, what is the window for returns, and what do reviews say of its battery? ({})"
)
PLAN = json.dumps(
    {
        "steps": [
            {"id": "s1", "source": "orders", "args": {"query": "headphones"}},
            {"id": "s2", "source": "policies", "args": {"query": "window for returns"}},
            {"id": "s3", "source": "reviews", "args": {"query": "battery", "product": "$s1[0].product_id"}},
        ]
    }
)
TEXT = "The order holds headphones [1]. They can be returned within 30 days [2]. The battery lasts 38 hours [3]."


class Sources:
    """Three async functions that wait and return one row each."""

    def __init__(self, delay: float) -> None:
        self._delay = delay

    async def orders(self, query: str) -> list[dict[str, Any]]:
        """The orders of a customer."""
        await asyncio.sleep(self._delay)
        return [{"order_id": "O-17", "product_id": "P-4", "title": "headphones", "total": 129.0}]

    async def policies(self, query: str) -> list[dict[str, Any]]:
        """The shop's rules: returns, shipping, payment."""
        await asyncio.sleep(self._delay)
        return [{"title": "Returns", "text": "Opened goods can be returned within 30 days, unopened ones within 60."}]

    async def reviews(self, query: str, product: str) -> list[dict[str, Any]]:
        """What buyers say of a product."""
        await asyncio.sleep(self._delay)
        return [{"title": "Review by Ann", "text": "Light, and the battery lasts 38 hours on one charge."}]


def sources(delay: float) -> list[Any]:
    """The three functions as sources."""
    made = Sources(delay)
    return [rag.source(function.__name__, function) for function in (made.orders, made.policies, made.reviews)]


class Ours:
    """The job by `Assistant.aask`; each question is another one, so that nothing is answered from a cache."""

    def __init__(self, model: Model, given: Sequence[Any], planner: str | Planner = "reaper") -> None:
        self._assistant = rag.Assistant(given, model=model, planner=planner)
        self._count = itertools.count()

    async def __call__(self) -> str:
        """The answer to the next question."""
        answer = await self._assistant.aask(QUESTION.format(next(self._count)))
        asked = [step.source for step in answer.plan.steps if not step.if_empty]
        if asked != ["orders", "policies", "reviews"] or len(answer.cited) != 3 or answer.partial:
            raise SystemExit(f"the job was not done as planned:\n{answer}\n{answer.plan}")
        return answer.text


class Planned:
    """A planner that does no more than ask for a plan and run it: what `reaper` adds is left out."""

    def plan(self, task: Task) -> Steps:
        """Have the plan written, run it, read what it brings."""
        values = {
            "date": str(task.now.date()),
            "sources": "\n".join(card.signature for card in task.cards),
            "conversation": "",
            "examples": "",
            "draft": "",
            "question": task.question,
        }
        reply = yield from complete("plan", values, schema={"type": "object"}, max_tokens=600)
        return (yield from retrieve_and_read(Plan.from_json(reply.text), task))


class Floor:
    """The job with the openai client alone: the requests of ours, sent and read by hand."""

    def __init__(self, client: Any, name: str, requests: Sequence[dict[str, Any]], delay: float) -> None:
        self._create, self._name = client.chat.completions.create, name
        self._plan, self._answer = requests
        self._sources = Sources(delay)

    async def __call__(self) -> str:
        """The text of the second reply."""
        steps = {step["id"]: step for step in json.loads(await self._written(self._plan))["steps"]}
        found = await asyncio.gather(
            self._sources.orders(**steps["s1"]["args"]), self._sources.policies(**steps["s2"]["args"])
        )
        await self._sources.reviews(**{**steps["s3"]["args"], "product": found[0][0]["product_id"]})
        return await self._written(self._answer)

    async def _written(self, request: dict[str, Any]) -> str:
        reply = await self._create(model=self._name, **request)
        return str(reply.choices[0].message.content)


async def requests_of(model: Model, given: Sequence[Any]) -> list[dict[str, Any]]:
    """The bodies of the two requests that the job comes to."""
    heard = Heard(model)
    await Ours(heard, given)()
    return heard.asked
