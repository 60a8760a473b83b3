from __future__ import annotations

import pytest

from rag.errors import ModelError, RateLimited
from rag.run.retry import LONGEST_WAIT, retrying


def failing(*errors):
    left = list(errors)

    async def call():
        if left:
            raise left.pop(0)
        return "done"

    return call


async def test_the_wait_that_an_error_asks_for_is_kept_to():
    waits = []
    call = failing(RateLimited("slow down", retryable=True, retry_after=0.01))
    assert await retrying(call, before_retry=lambda error, wait: waits.append(wait)) == "done"
    assert waits == [0.01]


async def test_without_one_the_waits_grow(monkeypatch):
    waits, slept = [], []

    async def no_sleep(seconds):
        slept.append(seconds)

    monkeypatch.setattr("asyncio.sleep", no_sleep)
    call = failing(*[ModelError("busy", retryable=True)] * 4)
    assert await retrying(call, attempts=5, before_retry=lambda error, wait: waits.append(wait)) == "done"
    assert waits == slept
    assert 0.25 <= waits[0] < waits[2] < waits[3] <= 8


async def test_a_wait_of_many_minutes_counts_as_a_refusal():
    with pytest.raises(RateLimited):
        await retrying(failing(RateLimited("later", retryable=True, retry_after=LONGEST_WAIT + 1)))


async def test_may_retry_ends_the_attempts():
    with pytest.raises(ModelError):
        await retrying(failing(ModelError("x", retryable=True, retry_after=0)), may_retry=lambda: False)
