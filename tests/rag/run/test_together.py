from __future__ import annotations

import anyio
import pytest

from rag.errors import RagError
from rag.run.together import together


async def test_results_come_in_the_order_of_the_calls():
    async def one(n):
        await anyio.sleep(0.01 - n / 300)
        return n

    assert await together([lambda n=n: one(n) for n in range(3)]) == [0, 1, 2]


async def test_one_error_comes_out_of_a_group_and_it_is_the_frameworks_own():
    async def fail(error):
        raise error

    calls = [lambda: fail(ValueError("other")), lambda: fail(RagError("ours"))]
    with pytest.raises(RagError, match="ours"):
        await together([lambda: together(calls), anyio.sleep_forever])
