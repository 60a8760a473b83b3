"""Places at sources and slots of questions: nobody holds one of them while waiting for the other."""

from __future__ import annotations

import anyio

from rag.plan.estimate import STEPS_AT_ONCE


async def test_a_question_that_waits_for_a_slot_leaves_an_idle_source_to_others(new_bench):
    ends = anyio.Event()

    async def slow(**_):
        await ends.wait()
        return []

    full, other = new_bench(), new_bench()
    full.source("slow", slow)
    full.source("idle", [{"text": "x"}], concurrency=1)
    other.sources, other.caps = full.sources, full.caps
    calls = full.calls()
    with anyio.fail_after(10):
        async with anyio.create_task_group() as group:
            for n in range(STEPS_AT_ONCE):
                group.start_soon(lambda n=n: calls.rows("slow", {"number": n}, step_id="s"))
            await anyio.wait_all_tasks_blocked()
            group.start_soon(lambda: calls.rows("idle", {"number": 0}, step_id="s"))
            await anyio.wait_all_tasks_blocked()
            assert await other.calls().rows("idle", {"number": 1}, step_id="s") == [{"text": "x"}]
            ends.set()


async def test_a_step_over_many_rows_leaves_a_slot_to_a_branch_of_its_own(bench):
    ended = anyio.Event()

    async def each(**_):
        await ended.wait()
        return []

    async def last(**_):
        ended.set()
        return []

    bench.source("list", [{"id": n} for n in range(20)])
    bench.source("each", each)
    bench.source("first", [{"id": 1}])
    bench.source("last", last)
    steps = [
        {"id": "s1", "source": "list", "args": {}},
        {"id": "s2", "source": "each", "args": {"number": "$s1[*].id"}},
        {"id": "s3", "source": "first", "args": {}, "after": ["s1"]},
        {"id": "s4", "source": "last", "args": {"number": "$s3[0].id"}},
    ]
    with anyio.fail_after(10):
        executed = await bench.perform(*steps)
    assert executed.failures == {}
