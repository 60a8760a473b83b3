"""The CPU that a question costs beside what its model calls cost anyway, and that of the scheduler alone.

    python -m benchmarks.overhead

The job (`benchmarks.job`) runs over an endpoint that answers at once, and that lies in another process. Rounds of the
floor and of ours take turns; figures are medians over the rounds. "planned" is ours with a planner that only passes
the model's plan on, so that what is between the two is the work of `reaper` and its rules.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import openai

import rag
from benchmarks.common import report
from benchmarks.endpoint import serving
from benchmarks.job import PLAN, TEXT, Floor, Ours, Planned, requests_of, sources
from rag.card import SourceCard
from rag.plan import Plan, Step
from rag.run.scheduler import PlanRun
from rag.run.tracing import Tracer

GRAPH = Plan(
    steps=(
        Step(id="s1", source="nothing"),
        Step(id="s2", source="nothing"),
        Step(id="s3", source="nothing", after=("s1",)),
        Step(id="s4", source="nothing", after=("s1", "s2")),
        Step(id="s5", source="nothing", after=("s2",)),
        Step(id="s6", source="nothing", after=("s3", "s4", "s5")),
    )
)


async def milliseconds(ways: Mapping[str, Callable[[], Awaitable[Any]]], *, rounds: int, n: int) -> dict[str, float]:
    """The CPU of one call of each way: the median over rounds of n calls, the ways taking turns."""
    spent: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, call in ways.items():
            started = time.process_time()
            for _ in range(n):
                await call()
            spent[name].append((time.process_time() - started) / n * 1000)
    return {name: round(statistics.median(times), 3) for name, times in spent.items()}


async def of_a_question(url: str, *, rounds: int, n: int) -> dict[str, float]:
    """The floor, ours, and ours with a planner that does nothing of its own."""
    given = sources(0.0)
    async with (
        rag.model("loopback", base_url=url, api_key="any") as model,
        openai.AsyncOpenAI(
            base_url=url, api_key="any", max_retries=0, http_client=openai.DefaultAioHttpClient()
        ) as client,
    ):
        floor = Floor(client, "loopback", await requests_of(model, given), 0.0)
        ways: Mapping[str, Any] = {"floor": floor, "ours": Ours(model, given), "planned": Ours(model, given, Planned())}
        await milliseconds(ways, rounds=1, n=20)  # what is made once is not what a question costs
        return await milliseconds(ways, rounds=rounds, n=n)


async def of_the_scheduler(*, rounds: int, n: int) -> float:
    """A graph of six steps that do nothing."""
    cards = {"nothing": SourceCard(name="nothing")}

    async def nothing(name: str, args: Mapping[str, Any], *, step_id: str) -> Sequence[dict[str, Any]]:
        return ()

    async def run() -> None:
        await PlanRun(GRAPH, cards, nothing, trace=Tracer()).perform()

    return (await milliseconds({"scheduler": run}, rounds=rounds, n=n))["scheduler"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--n", type=int, default=40, help="questions a round")
    options = parser.parse_args()
    with serving(PLAN, TEXT) as url:
        spent = asyncio.run(of_a_question(url, rounds=options.rounds, n=options.n))
    scheduler = asyncio.run(of_the_scheduler(rounds=options.rounds, n=5 * options.n))
    report(
        "overhead",
        {
            "milliseconds": spent,
            "ratio": round(spent["ours"] / spent["floor"], 3),
            "ratio_planned": round(spent["planned"] / spent["floor"], 3),
            "scheduler_milliseconds": scheduler,
        },
    )


if __name__ == "__main__":
    main()
