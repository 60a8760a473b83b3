"""Worker threads for sources that wait in plain, blocking code."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from contextvars import copy_context
from functools import partial
from typing import ParamSpec, TypeVar

from rag.run.perloop import PerLoop

__all__ = ["Threads"]

_Params = ParamSpec("_Params")
_Result = TypeVar("_Result")


class Threads:
    """Runs each function in a thread of its own, so many at once in each event loop.

    A call that is cancelled returns at once; its place stays taken until its function ends, so that
    functions that hang cannot pile up. No thread keeps the process from ending.

    Example:
        >>> asyncio.run(Threads(2).run(divmod, 7, 2))
        (3, 1)
    """

    def __init__(self, limit: int) -> None:
        self._places = PerLoop(lambda: asyncio.Semaphore(limit))

    async def run(self, function: Callable[_Params, _Result], *args: _Params.args, **kwargs: _Params.kwargs) -> _Result:
        """The function's result; it sees the caller's context variables."""
        places = self._places.get()
        loop = asyncio.get_running_loop()
        work: Future[_Result] = Future()

        def leave(_: Future[_Result]) -> None:
            with suppress(RuntimeError):  # the loop may have ended before the function
                loop.call_soon_threadsafe(places.release)

        await places.acquire()
        work.add_done_callback(leave)
        work.set_running_or_notify_cancel()  # so that cancelling leaves it to the function to end
        call = partial(copy_context().run, function, *args, **kwargs)
        # Threads of an executor are waited for when the process ends, also those that hang.
        threading.Thread(target=_settle, args=(work, call), name="rag-source", daemon=True).start()
        return await asyncio.wrap_future(work)


def _settle(work: Future[_Result], call: Callable[[], _Result]) -> None:
    try:
        result = call()
    except BaseException as error:  # noqa: BLE001 - whoever waits is told
        work.set_exception(error)
    else:
        work.set_result(result)
