"""Sync façades: one background thread with an event loop, in which sync calls run their async twins.

The loop lives as long as the main thread, is made on first use, and is made anew after a fork.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import Future
from typing import Any, Final, ParamSpec, TypeVar

from rag.errors import RagError

__all__ = ["run"]

_Params = ParamSpec("_Params")
_Result = TypeVar("_Result")

_PATIENCE: Final = 5.0  # seconds that an interrupted call may take to clean up


def run(
    function: Callable[_Params, Coroutine[Any, Any, _Result]], *args: _Params.args, **kwargs: _Params.kwargs
) -> _Result:
    """Call a coroutine function from sync code, and wait for its result.

    It works where another loop runs, as in Jupyter, and keeps the caller's context variables. An
    interrupt (Ctrl-C) cancels the work.

    Raises:
        RagError: the call comes from the background loop itself, where waiting would never end.
    """
    if not threading.main_thread().is_alive():
        # The interpreter is shutting down, and the background loop has ended with the main thread.
        return asyncio.run(function(*args, **kwargs))
    background = _background()
    if background.thread is threading.current_thread():
        raise RagError(
            "a sync call was made from async code that runs under another sync call, and would wait for itself;"
            " await its async twin there (ask → aask, run → arun), or call it in a worker thread"
        )
    with background.in_use() as alive:
        return background.run(function, *args, **kwargs) if alive else asyncio.run(function(*args, **kwargs))


class _Background:
    """A thread with an event loop that ends when the main thread has ended and no call is left."""

    def __init__(self) -> None:
        self._quiet = threading.Condition()
        self._calls = 0
        self._over = False
        ready: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = Future()
        # Not a daemon: the interpreter waits for it, so clients get closed while threads still work.
        self.thread = threading.Thread(target=lambda: asyncio.run(_serve(ready)), name="rag")
        self.thread.start()
        self._loop, self._ended = ready.result()
        threading.Thread(target=self._follow_main_thread, name="rag-exit", daemon=True).start()

    @contextlib.contextmanager
    def in_use(self) -> Iterator[bool]:
        """Keep the loop from ending meanwhile; tells whether it still takes calls."""
        with self._quiet:
            alive = not self._over
            self._calls += 1
        try:
            yield alive
        finally:
            with self._quiet:
                self._calls -= 1
                self._quiet.notify_all()

    def run(
        self, function: Callable[_Params, Coroutine[Any, Any, _Result]], *args: _Params.args, **kwargs: _Params.kwargs
    ) -> _Result:
        stopped = threading.Event()

        async def work() -> _Result:
            try:
                return await function(*args, **kwargs)
            finally:
                stopped.set()

        future = asyncio.run_coroutine_threadsafe(work(), self._loop)
        try:
            return future.result()
        except BaseException:
            if not future.done():
                future.cancel()
                stopped.wait(_PATIENCE)
            raise

    def _follow_main_thread(self) -> None:
        threading.main_thread().join()
        with self._quiet:
            self._over = True
            self._quiet.wait_for(lambda: not self._calls)
        self._loop.call_soon_threadsafe(self._ended.set)


async def _serve(ready: Future[tuple[asyncio.AbstractEventLoop, asyncio.Event]]) -> None:
    ended = asyncio.Event()
    ready.set_result((asyncio.get_running_loop(), ended))
    await ended.wait()


_lock = threading.Lock()
_current: _Background | None = None
# After a fork the parent's loop stays referred to: collecting it would warn that it was not closed.
_inherited: list[_Background | None] = []


def _background() -> _Background:
    global _current  # noqa: PLW0603  # one loop a process is the point
    with _lock:
        if _current is None:
            _current = _Background()
        return _current


def _forget_after_fork() -> None:
    global _current, _lock  # threads do not survive a fork, and the lock may have been held
    _inherited.append(_current)
    _current, _lock = None, threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_after_fork)
