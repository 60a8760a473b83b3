"""Sync and async, written once.

What has to wait is a coroutine that waits through a `Way` alone. `BLOCKING` never suspends, so that
the coroutine can be run to its end where it stands, without a loop; `IN_LOOP` blocks nothing.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeVar

from rag.sources.threads import Threads

__all__ = ["BLOCKING", "IN_LOOP", "Way", "finished"]

_Result = TypeVar("_Result")

_threads: Final = Threads(16)
"""For searches without a source, of all indexes; a source has threads of its own."""


class Way(ABC):
    """How an expression gets its work done: in the caller's thread, or without blocking its loop."""

    @abstractmethod
    async def compute(self, function: Callable[..., _Result], *args: Any) -> _Result:
        """The result of a function that blocks."""

    @abstractmethod
    async def wait(self, function: Callable[..., Coroutine[Any, Any, _Result]], *args: Any) -> _Result:
        """The result of a coroutine function."""


class _Blocking(Way):
    """Nothing is ever awaited for real, so that the coroutine can be run to its end without a loop."""

    async def compute(self, function: Callable[..., _Result], *args: Any) -> _Result:
        return function(*args)

    async def wait(self, function: Callable[..., Coroutine[Any, Any, _Result]], *args: Any) -> _Result:
        from rag.run.bridge import run

        return run(function, *args)


class _InLoop(Way):
    async def compute(self, function: Callable[..., _Result], *args: Any) -> _Result:
        return await _threads.run(function, *args)

    async def wait(self, function: Callable[..., Coroutine[Any, Any, _Result]], *args: Any) -> _Result:
        return await function(*args)


def finished(coroutine: Coroutine[Any, Any, _Result]) -> _Result:
    """The result of a coroutine that waits through `BLOCKING` alone.

    Raises:
        RuntimeError: it waited for something else.
    """
    try:
        coroutine.send(None)
    except StopIteration as done:
        result: _Result = done.value
        return result
    coroutine.close()
    raise RuntimeError(f"{coroutine!r} waited for something else than its way")


BLOCKING: Final = _Blocking()
IN_LOOP: Final = _InLoop()
