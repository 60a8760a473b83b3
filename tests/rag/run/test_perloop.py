from __future__ import annotations

import asyncio
import gc

from rag.run import bridge
from rag.run.perloop import PerLoop


def kept():
    closed = []

    async def close(value):
        await asyncio.sleep(0)
        closed.append(value)

    made = iter(range(100))
    return PerLoop(lambda: next(made), close), closed


def test_each_loop_has_its_own_value_and_closes_it_when_it_ends():
    value, closed = kept()

    async def use():
        return value.get(), value.get()

    assert [asyncio.run(use()), asyncio.run(use())] == [(0, 0), (1, 1)]
    assert closed == [0, 1]


async def test_closing_lets_the_next_use_make_a_new_value():
    value, closed = kept()
    assert value.get() == 0
    await value.aclose()
    await value.aclose()
    assert closed == [0]
    assert value.get() == 1


async def test_values_of_other_running_loops_are_closed_in_their_own():
    value, closed = kept()

    async def use():
        return value.get()

    assert bridge.run(use) == 0
    assert value.get() == 1
    await value.aclose()
    bridge.run(asyncio.sleep, 0.01)
    assert sorted(closed) == [0, 1]


async def test_a_value_that_nothing_refers_to_any_more_is_closed():
    value, closed = kept()
    value.get()
    del value
    gc.collect()
    await asyncio.sleep(0.01)
    assert closed == [0]
