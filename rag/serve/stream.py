"""Work that ends when its client goes away, and server-sent events."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncGenerator, Coroutine, Mapping
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, TypeVar

from starlette.requests import ClientDisconnect
from starlette.responses import Response

from rag.serve.failures import failure

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

__all__ = ["EventStream", "while_connected"]

_Result = TypeVar("_Result")
_log = logging.getLogger("rag.serve")


async def while_connected(receive: Receive, work: Coroutine[Any, Any, _Result]) -> _Result:
    """Do the work, unless the client goes away first: then it is cancelled.

    Raises:
        ClientDisconnect: the client has gone.
    """
    working = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(_disconnected(receive))
    try:
        await asyncio.wait({working, gone}, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            return working.result()
        _log.info("the client went away; its question is cancelled")
        raise ClientDisconnect
    finally:
        working.cancel()
        gone.cancel()
        await asyncio.wait({working, gone})


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


class EventStream(Response):
    """Server-sent events, each a JSON object, with "[DONE]" at the end.

    Starlette's own streams notice a client that has gone only when they next write; here the work
    is cancelled at once, since the time before the first word is what costs.
    """

    media_type = "text/event-stream"

    def __init__(self, events: AsyncGenerator[Mapping[str, Any], None]) -> None:
        super().__init__(headers={"cache-control": "no-cache", "x-accel-buffering": "no"})
        del self.headers["content-length"]
        self.events = events

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the events while the client is there; an error before the first one is raised."""
        await while_connected(receive, self._send_all(send))

    async def _send_all(self, send: Send) -> None:
        started = False
        try:
            async with aclosing(self.events) as events:
                async for event in events:
                    if not started:
                        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
                        started = True
                    await _send_data(send, json.dumps(event))
            await _send_data(send, "[DONE]")
        except Exception as error:  # whatever it is, the status has gone out: the stream itself must tell
            if not started:
                raise
            await _send_data(send, json.dumps(failure(error).envelope))
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _send_data(send: Send, data: str) -> None:
    await send({"type": "http.response.body", "body": f"data: {data}\n\n".encode(), "more_body": True})
