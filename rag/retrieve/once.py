"""Work that many threads want at once, done once."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Generic, ParamSpec, TypeVar

from rag.retrieve.forking import renewed_after_fork

__all__ = ["Once"]

_Params = ParamSpec("_Params")
_Result = TypeVar("_Result")


class Once(Generic[_Params, _Result]):
    """A function whose last results are kept; who asks for one that is being worked out waits for it.

    `functools.lru_cache` would work it out in every thread that asks meanwhile. Failures are not kept.

    Example:
        >>> calls = []
        >>> double = Once(lambda n: calls.append(n) or 2 * n, size=10)
        >>> double(4), double(4), calls
        (8, 8, [4])
    """

    def __init__(self, function: Callable[_Params, _Result], *, size: int) -> None:
        self._function = function
        self._size = size
        renewed_after_fork(self)

    def renew(self) -> None:
        """Forget everything: what another thread is at would never be done in a forked child."""
        self._lock = threading.Lock()
        self._known: OrderedDict[Hashable, Future[_Result]] = OrderedDict()

    def __call__(self, *args: _Params.args, **kwargs: _Params.kwargs) -> _Result:
        """The function's result for these arguments, which must be hashable."""
        key = (args, tuple(sorted(kwargs.items())))
        with self._lock:
            future = self._known.get(key)
            first = future is None
            if future is None:
                future = self._known[key] = Future()
            self._known.move_to_end(key)
            while len(self._known) > self._size:
                self._known.popitem(last=False)
        if first:
            self._work_out(key, future, *args, **kwargs)
        return future.result()

    def _work_out(self, key: Hashable, future: Future[_Result], *args: _Params.args, **kwargs: _Params.kwargs) -> None:
        try:
            future.set_result(self._function(*args, **kwargs))
        except BaseException as error:  # noqa: BLE001  # it is raised where the result is asked for
            with self._lock:
                self._known.pop(key, None)
            future.set_exception(error)
