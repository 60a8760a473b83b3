"""Values that are bound to an event loop, one for each loop that runs."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Generic, TypeVar
from weakref import WeakKeyDictionary

__all__ = ["PerLoop"]

_Value = TypeVar("_Value")


class PerLoop(Generic[_Value]):
    """Makes a value on first use in each event loop, and closes it before that loop ends.

    Clients, pools and locks belong to the loop that they were first used in; this lets one object
    serve several loops. `asyncio.run` closes what is still open when it ends.

    Example:
        >>> import asyncio
        >>> cap = PerLoop(lambda: asyncio.Semaphore(2))
        >>> async def same() -> bool:
        ...     return cap.get() is cap.get()
        >>> asyncio.run(same())
        True
    """

    def __init__(self, make: Callable[[], _Value], close: Callable[[_Value], Awaitable[None]] | None = None) -> None:
        self._make = make
        self._close = close
        self._lock = threading.Lock()
        self._held: WeakKeyDictionary[asyncio.AbstractEventLoop, _Held[_Value]] = WeakKeyDictionary()

    def get(self) -> _Value:
        """The running loop's value.

        Raises:
            RuntimeError: no loop runs in this thread.
        """
        loop = asyncio.get_running_loop()
        with self._lock:
            if loop not in self._held:
                # A value often refers to its loop, so that closed loops do not fall out by themselves.
                for gone in [other for other in self._held if other.is_closed()]:
                    del self._held[gone]
                self._held[loop] = _Held(_holder(self._make, self._close))
            return self._held[loop].value

    async def aclose(self) -> None:
        """Close the running loop's value, and have the other running loops close theirs."""
        here = asyncio.get_running_loop()
        with self._lock:
            held = list(self._held.items())
            self._held.clear()
        for loop, one in held:
            if loop is here:
                await one.holder.aclose()
            elif loop.is_running():
                # Not waited for: that loop's thread may itself be waiting for this one.
                asyncio.run_coroutine_threadsafe(one.holder.aclose(), loop)


class _Held(Generic[_Value]):
    """A value, and the generator that closes it."""

    def __init__(self, holder: AsyncGenerator[_Value, None]) -> None:
        self.holder = holder
        try:
            # The first step makes the value and awaits nothing, so it ends at once; it also makes
            # the loop know the generator, which is what closes it when the loop shuts down.
            holder.__anext__().send(None)
        except StopIteration as made:
            self.value: _Value = made.value


async def _holder(
    make: Callable[[], _Value], close: Callable[[_Value], Awaitable[None]] | None
) -> AsyncGenerator[_Value, None]:
    value = make()
    try:
        yield value
    finally:
        if close is not None:
            await close(value)
