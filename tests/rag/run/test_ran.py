"""What a run tells of each of its steps."""

from __future__ import annotations

import anyio
import pytest

from rag.errors import SourceError
from rag.plan.ran import ran_of


@pytest.fixture
def shop(bench):
    async def busy_once(query="", **_):
        if len(bench.sources["busy"].calls) == 1:
            raise SourceError("busy", source="busy", retryable=True, retry_after=0.0)
        return [{"text": query}]

    async def broken(**_):
        raise SourceError("the shop is closed", source="broken")

    bench.source("rows", [{"text": "a", "id": "1"}, {"text": "b", "id": "2"}])
    bench.source("busy", busy_once)
    bench.source("broken", broken)
    return bench


async def test_rows_calls_retries_failures_and_skips_are_told(shop):
    await shop.perform(
        {"id": "s1", "source": "rows", "args": {}},
        {"id": "s2", "source": "busy", "args": {"query": "of $s1[*].text"}},
        {"id": "s3", "source": "broken", "args": {}},
        {"id": "s4", "source": "rows", "args": {"query": "$s3.text"}},
        {"id": "s5", "source": "rows", "args": {}, "if_empty": "s1"},
        {"id": "s6", "source": "rows", "args": {}, "after": ["s1"]},
    )
    ran = ran_of(shop.trace.spans)
    assert (ran["s1"].hits, ran["s1"].calls) == (2, 1)
    assert (ran["s2"].hits, ran["s2"].calls, ran["s2"].retries) == (2, 2, 1)
    assert (ran["s3"].status, ran["s3"].reason) == ("error", "the shop is closed")
    assert (ran["s4"].status, ran["s4"].calls) == ("error", 0)
    assert (ran["s5"].status, ran["s5"].reason) == ("skipped", "s1 found something")
    assert ran["s6"].cached == 1
    assert "from the cache" in str(ran["s6"])


async def test_a_step_that_was_cut_off_is_told_as_stopped(bench):
    async def slow(**_):
        await anyio.sleep(30)

    bench.source("slow", slow)
    with anyio.move_on_after(0.05):
        await bench.perform({"id": "s1", "source": "slow", "args": {}})
    ran = ran_of(bench.trace.spans)
    assert ran["s1"].status == "stopped"
    assert str(ran["s1"]).startswith("◌")
