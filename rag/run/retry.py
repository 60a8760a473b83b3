"""Trying again what may go through later."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final, TypeVar

from rag.errors import ModelError, RagError, SourceError

if TYPE_CHECKING:
    from tenacity import RetryCallState

__all__ = ["ATTEMPTS", "LONGEST_WAIT", "retrying"]

ATTEMPTS: Final = 3
LONGEST_WAIT: Final = 60.0
"""Seconds; an endpoint that asks for a longer wait is taken to have refused."""

_Result = TypeVar("_Result")


async def retrying(
    call: Callable[[], Awaitable[_Result]],
    *,
    attempts: int = ATTEMPTS,
    before_retry: Callable[[BaseException, float], None] = lambda error, wait: None,
    may_retry: Callable[[], bool] = lambda: True,
) -> _Result:
    """The result of the call, made again after errors that say they are `retryable`.

    Waits grow exponentially, with jitter; an error's `retry_after` goes before them.

    Args:
        call: makes one attempt.
        attempts: how many there may be, the first one included.
        before_retry: told the error, and the wait in seconds.
        may_retry: asked after a failure; False ends the attempts.

    Raises:
        RagError: the last attempt's own error.
    """
    try:
        return await call()
    except RagError as error:
        if attempts < 2 or not _retryable(error) or not may_retry():
            raise
        first = error

    from tenacity import AsyncRetrying, retry_if_exception, stop_after_attempt

    policy = AsyncRetrying(
        retry=retry_if_exception(lambda error: _retryable(error) and may_retry()),
        stop=stop_after_attempt(attempts),
        wait=_wait,
        before_sleep=lambda state: before_retry(_error(state), state.upcoming_sleep),
        reraise=True,  # by default tenacity hides the error in its own RetryError
    )
    failed = iter([first])

    async def attempt() -> _Result:
        # Nearly every first attempt goes through: it is made before there is a policy, which then hears of it.
        for error in failed:
            raise error
        return await call()

    return await policy(attempt)


def _retryable(error: BaseException) -> bool:
    return isinstance(error, ModelError | SourceError) and error.retryable and (error.retry_after or 0) <= LONGEST_WAIT


def _wait(state: RetryCallState) -> float:
    from tenacity import wait_exponential_jitter

    error = _error(state)
    if isinstance(error, ModelError | SourceError) and error.retry_after is not None:
        return error.retry_after
    return wait_exponential_jitter(multiplier=0.25, max=8.0, jitter=0.25)(state)


def _error(state: RetryCallState) -> BaseException:
    if state.outcome is None or (error := state.outcome.exception()) is None:
        raise RuntimeError("an attempt that did not fail is not retried")
    return error
