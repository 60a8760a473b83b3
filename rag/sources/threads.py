"""Worker threads for sources that wait in plain, blocking code."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import ParamSpec, TypeVar

from rag.run.perloop import PerLoop

__all__ = ["Threads"]

_Params = ParamSpec("_Params")
_Result = TypeVar("_Result")


class Threads:
    """Runs functions in threads of its own, so many at once in each event loop.

    A call that is cancelled returns at once; its thread stays taken until its function ends, so that
    functions that hang cannot pile up.

    Example:
        >>> asyncio.run(Threads(2).run(divmod, 7, 2))
        (3, 1)
    """

    def __init__(self, limit: int) -> None:
        self._pools = PerLoop(lambda: ThreadPoolExecutor(limit, thread_name_prefix="rag-source"), _shut_down)

    async def run(self, function: Callable[_Params, _Result], *args: _Params.args, **kwargs: _Params.kwargs) -> _Result:
        """The function's result; it sees the caller's context variables."""
        work = self._pools.get().submit(copy_context().run, partial(function, *args, **kwargs))
        return await asyncio.wrap_future(work)

    async def aclose(self) -> None:
        """Let go of the threads that wait for work."""
        await self._pools.aclose()


async def _shut_down(pool: ThreadPoolExecutor) -> None:
    pool.shutdown(wait=False, cancel_futures=True)
