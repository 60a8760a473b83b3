"""Questions a second with many in flight, against asyncio and the openai client alone.

    python -m benchmarks.load

The job (`benchmarks.job`) runs with 100 questions in flight, over an endpoint that takes 200 ms in another process and
sources that take 50 ms: half a second a question at best, and so 200 questions a second. Rounds of the floor and of
ours take turns; figures are medians.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import openai

import rag
from benchmarks.common import report
from benchmarks.endpoint import serving
from benchmarks.job import PLAN, TEXT, Floor, Ours, Planned, requests_of, sources

ENDPOINT, SOURCE = 0.2, 0.05


async def rate(call: Callable[[], Awaitable[Any]], *, n: int, at_once: int) -> float:
    """Calls a second, with so many in flight."""
    left = iter(range(n))

    async def work() -> None:
        for _ in left:
            await call()

    started = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(at_once)))
    return n / (time.perf_counter() - started)


async def rates(url: str, *, rounds: int, n: int, at_once: int) -> dict[str, float]:
    """The floor's, ours, and ours with a planner that does nothing of its own: medians over the rounds."""
    given = sources(SOURCE)
    async with (
        rag.model("loopback", base_url=url, api_key="any") as model,
        openai.AsyncOpenAI(
            base_url=url, api_key="any", max_retries=0, http_client=openai.DefaultAioHttpClient()
        ) as client,
    ):
        floor = Floor(client, "loopback", await requests_of(model, given), SOURCE)
        ways: Mapping[str, Any] = {"floor": floor, "ours": Ours(model, given), "planned": Ours(model, given, Planned())}
        found: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(rounds):
            for name, call in ways.items():
                found[name].append(await rate(call, n=n, at_once=at_once))
    return {name: round(statistics.median(values), 1) for name, values in found.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--n", type=int, default=600, help="questions a round")
    parser.add_argument("--at-once", type=int, default=100)
    options = parser.parse_args()
    with serving(PLAN, TEXT, delay=ENDPOINT) as url:
        found = asyncio.run(rates(url, rounds=options.rounds, n=options.n, at_once=options.at_once))
    possible = options.at_once / (2 * ENDPOINT + 2 * SOURCE)
    report(
        "load",
        {
            "in_flight": options.at_once,
            "questions_a_second": {"possible": round(possible, 1), **found},
            "ratio": round(found["ours"] / found["floor"], 3),
            "ratio_planned": round(found["planned"] / found["floor"], 3),
        },
    )


if __name__ == "__main__":
    main()
