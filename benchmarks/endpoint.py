"""A chat endpoint on loopback, in a process of its own, so that its work does not count as ours.

It answers a request that asks for a JSON schema with one plan, or the next of several, and any other with
one text, after a delay; in one piece a word where a stream is asked for.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import multiprocessing
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any, NamedTuple

__all__ = ["serving"]


@contextmanager
def serving(plan: str | Sequence[str], text: str, *, delay: float = 0.0) -> Iterator[str]:
    """The base URL of an endpoint that is there as long as the block runs; the delay is in seconds.

    Several plans are given in turn, over and over.
    """
    ours, theirs = multiprocessing.Pipe()
    plans = [plan] if isinstance(plan, str) else list(plan)
    work = multiprocessing.get_context("spawn").Process(target=_serve, args=(theirs, plans, text, delay), daemon=True)
    work.start()
    try:
        yield f"http://127.0.0.1:{ours.recv()}/v1"
    finally:
        work.terminate()
        work.join()


def _serve(told: Connection, plans: Sequence[str], text: str, delay: float) -> None:
    async def serve() -> None:
        loop = asyncio.get_running_loop()
        # Of all connections together: a client may open another between two steps.
        turns = itertools.cycle([_reply(plan) for plan in plans])
        server = await loop.create_server(lambda: _Answers(turns, _reply(text), delay), "127.0.0.1", 0)
        told.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(serve())


class _Reply(NamedTuple):
    """An answer to a request, and to one that asks for a stream."""

    whole: bytes
    streamed: bytes


def _reply(content: str) -> _Reply:
    usage = {"usage": {"prompt_tokens": 600, "completion_tokens": 60, "total_tokens": 660}}
    message = {"role": "assistant", "content": content}
    pieces = [_completion("chat.completion.chunk", delta={"content": word}) for word in re.findall(r"\s*\S+", content)]
    last = _completion("chat.completion.chunk", delta={}, finish_reason="stop") | usage
    events = [*(json.dumps(piece) for piece in (*pieces, last)), "[DONE]"]
    return _Reply(
        _http(
            "application/json",
            json.dumps(_completion("chat.completion", message=message, finish_reason="stop") | usage),
        ),
        _http("text/event-stream", "".join(f"data: {event}\n\n" for event in events)),
    )


def _completion(kind: str, **choice: Any) -> dict[str, Any]:
    return {"id": "reply", "object": kind, "created": 0, "model": "loopback", "choices": [{"index": 0, **choice}]}


def _http(kind: str, text: str) -> bytes:
    body = text.encode()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


class _Answers(asyncio.Protocol):
    """One connection: the requests that come over it, one after the other."""

    def __init__(self, plans: Iterator[_Reply], text: _Reply, delay: float) -> None:
        self._plans, self._text, self._delay = plans, text, delay
        self._came = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._came += data
        head, found, body = self._came.partition(b"\r\n\r\n")
        length = re.search(rb"(?i)content-length: *(\d+)", head)
        if found and length and len(body) >= int(length[1]):
            self._came = b""
            reply = next(self._plans) if b'"response_format"' in body else self._text
            sent = reply.streamed if re.search(rb'"stream": ?true', body) else reply.whole
            asyncio.get_running_loop().call_later(self._delay, self._write, sent)

    def _write(self, reply: bytes) -> None:
        if isinstance(self._transport, asyncio.WriteTransport) and not self._transport.is_closing():
            self._transport.write(reply)
