"""The wall time of an unbalanced graph over that of its longest path: a fast branch of two steps beside a slow one.

    python -m benchmarks.barrier

Two steps of 50 ms, one after the other, stand beside one of 150 ms; a last step waits for both branches. A runtime
that waits for each layer of the graph takes 200 ms and more before the last step, one without barriers 150 ms.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from typing import Any

import rag
from benchmarks.common import report
from rag.plan import Plan, Ref, Step

FAST, SLOW, LAST = 0.05, 0.15, 0.05
LONGEST = max(2 * FAST, SLOW) + LAST


async def waits(seconds: float) -> list[dict[str, Any]]:
    """A row, after a while."""
    await asyncio.sleep(seconds)
    return [{"seconds": LAST}]


GRAPH = Plan(
    steps=(
        Step(id="s1", source="waits", args={"seconds": FAST}),
        # Another value than the first, since the same call is made once.
        Step(id="s2", source="waits", args={"seconds": FAST + 1e-6}, after=("s1",)),
        Step(id="s3", source="waits", args={"seconds": SLOW}),
        Step(id="s4", source="waits", args={"seconds": Ref("s3", (0, "seconds"))}, after=("s2",)),
    )
)


async def measured(times: int) -> list[float]:
    """The wall time of each run, in seconds."""
    assistant = rag.Assistant([rag.source("waits", waits)], cache=False)
    walls = []
    for _ in range(times):
        started = time.perf_counter()
        answer = await assistant.arun(GRAPH)
        walls.append(time.perf_counter() - started)
        if answer.partial:
            raise SystemExit(f"a step failed: {answer.notes}")
    return walls


def main() -> None:
    walls = asyncio.run(measured(21))[1:]
    wall = statistics.median(walls)
    report(
        "barrier",
        {
            "milliseconds": {"wall": round(wall * 1000, 1), "longest_path": LONGEST * 1000},
            "ratio": round(wall / LONGEST, 3),
            "ratio_of_the_slowest": round(max(walls) / LONGEST, 3),
        },
    )


if __name__ == "__main__":
    main()
