"""Awaiting several calls at once, with one error instead of a group of them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import anyio

from rag.errors import RagError

__all__ = ["cancelled_elsewhere", "single", "together"]

_Result = TypeVar("_Result")


async def together(calls: Sequence[Callable[[], Awaitable[_Result]]]) -> list[_Result]:
    """The results of the calls, in their order; they run at once.

    When one fails, the others are cancelled, and its error is raised.
    """
    results: dict[int, _Result] = {}

    async def run(position: int) -> None:
        results[position] = await calls[position]()

    if not calls:
        return []
    try:
        if len(calls) == 1:  # as most are, and a task of its own would cost more than many a call
            return [await calls[0]()]
        async with anyio.create_task_group() as group:
            for position in range(len(calls)):
                group.start_soon(run, position)
    except BaseExceptionGroup as errors:
        raise single(errors) from None
    return [results[position] for position in range(len(calls))]


def cancelled_elsewhere(error: BaseException) -> bool:
    """Whether it tells that what was awaited has been cancelled, and not the task that awaits it.

    Such a cancellation is a failure like any other. Let through, it would pass for one of the task, which a
    task group takes in silence.
    """
    task = asyncio.current_task()
    return isinstance(error, asyncio.CancelledError) and task is not None and not task.cancelling()


def single(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    """The error of a group that tells the most: the framework's own first, else the first.

    Example:
        >>> single(ExceptionGroup("", [ValueError("a"), ExceptionGroup("", [RagError("b")])]))
        RagError('b')
    """
    leaves = list(_leaves(errors))
    return next((error for error in leaves if isinstance(error, RagError)), leaves[0])


def _leaves(error: BaseException) -> list[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        return [leaf for part in error.exceptions for leaf in _leaves(part)]
    return [error]
