"""The HTTP side: routes, errors and the check of keys. Importing it needs the extra `serve`."""

from __future__ import annotations

import inspect
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.authentication import AuthenticationError
from starlette.exceptions import HTTPException
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.requests import ClientDisconnect, HTTPConnection

from rag.errors import RagError
from rag.serve.chat import Asked, ChatRequest, Reply, rest
from rag.serve.failures import Failure, failure, public
from rag.serve.gate import BodyLimit, Keys
from rag.serve.stream import EventStream, while_connected
from rag.types import Answer, Event, Scope

if TYPE_CHECKING:
    from rag.assistant import Assistant

__all__ = ["Backend", "ScopeOf", "build"]

ScopeOf: TypeAlias = Callable[[Request], Scope | Awaitable[Scope]]


@dataclass(frozen=True, slots=True)
class Backend:
    """What answers the requests."""

    assistant: Assistant
    name: str
    scope_of: ScopeOf

    @asynccontextmanager
    async def prepared(self, _: FastAPI) -> AsyncGenerator[None, None]:
        """While the application runs: what can be done before the first request is done."""
        await self.assistant.aprepare()
        yield

    async def answer(self, body: ChatRequest, request: Request) -> Response:
        """The answer as a whole, or as a stream where the body asks for one."""
        self.check_model(body.model)
        asked = Asked.read(body, request.headers.get("x-conversation"))
        reply = Reply(self.name, notes=asked.notes)
        scope = self.scope_of(request)
        known: dict[str, Any] = {"scope": await scope if inspect.isawaitable(scope) else scope}
        if self.assistant.memory is not None and asked.conversation:
            known["conversation"] = asked.conversation  # the memory knows what was said: the messages are not needed
        else:
            known["turns"] = asked.turns
        if body.stream:
            return EventStream(_chunks(self.assistant.astream(asked.question, **known), reply, usage=body.wants_usage))
        answer = await while_connected(request.receive, self.assistant.aask(asked.question, **known))
        return JSONResponse(reply.completion(public(answer)))

    def check_model(self, name: str) -> dict[str, Any]:
        """The one model that there is.

        Raises:
            HTTPException: another one was asked for.
        """
        if name != self.name:
            raise HTTPException(404, f"there is no model {name!r} here; the one there is is {self.name!r}")
        return {"id": self.name, "object": "model", "created": 0, "owned_by": "planweave-rag"}


def build(backend: Backend, *, tokens: Sequence[str] | None, max_body: int) -> FastAPI:
    """The application; `tokens` are the keys that open it, None when it is open."""
    application = FastAPI(
        title=backend.name,
        lifespan=backend.prepared,
        docs_url=None,  # these two pages load scripts from elsewhere
        redoc_url=None,
        exception_handlers={
            HTTPException: _tell_http,
            RequestValidationError: _tell_invalid,
            ClientDisconnect: _tell_nobody,
            RagError: _tell,
            Exception: _tell,
        },
    )
    application.add_middleware(BodyLimit, limit=max_body)
    if tokens is not None:  # added last, it comes first
        application.add_middleware(AuthenticationMiddleware, backend=Keys(tokens), on_error=_tell_stranger)
    application.include_router(_routes(backend))
    return application


def _routes(backend: Backend) -> APIRouter:
    router = APIRouter(responses={"4XX": {"description": "what was sent is wrong"}, "5XX": {"description": "failed"}})

    @router.get("/healthz")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    @router.get("/v1/models")
    async def models() -> dict[str, Any]:
        return {"object": "list", "data": [backend.check_model(backend.name)]}

    @router.get("/v1/models/{name}")
    async def one_model(name: str) -> dict[str, Any]:
        return backend.check_model(name)

    @router.post("/v1/chat/completions", response_model=None)
    async def chat(body: ChatRequest, request: Request) -> Response:
        return await backend.answer(body, request)

    return router


async def _chunks(
    events: AsyncGenerator[Event, None], reply: Reply, *, usage: bool
) -> AsyncGenerator[dict[str, Any], None]:
    """The events as chunks: the role, the text as it comes, the sources, the structure, and the usage."""
    answer, written, opened = Answer(text=""), "", False
    async with aclosing(events):
        async for event in events:
            # The event "error" comes before the error itself, which still finds a status to be told by.
            if not opened and event.kind != "error":
                yield reply.chunk(role="assistant", content="")
                opened = True
            if event.kind == "token" and event.text:
                written += event.text
                yield reply.chunk(content=event.text)
            answer = public(event.answer) if event.answer else answer
    yield reply.chunk(content=rest(written, answer))
    yield reply.last_chunk(answer)
    if usage:
        yield reply.usage_chunk(answer)


def _told(told: Failure, headers: dict[str, str] | None = None) -> JSONResponse:
    return JSONResponse(told.envelope, told.status, told.headers | (headers or {}))


def _tell_stranger(_: HTTPConnection, error: AuthenticationError) -> Response:
    return _told(Failure(401, str(error), "invalid_api_key"), {"www-authenticate": "Bearer"})


async def _tell(_: Request, error: Exception) -> Response:
    return _told(failure(error))


async def _tell_nobody(*_: object) -> Response:
    return Response(status_code=499)


async def _tell_http(_: Request, error: HTTPException) -> Response:
    codes = {404: "not_found", 405: "method_not_allowed", 413: "too_large"}
    return _told(Failure(error.status_code, str(error.detail), codes.get(error.status_code)), dict(error.headers or {}))


async def _tell_invalid(_: Request, error: RequestValidationError) -> Response:
    first = error.errors()[0]
    param = ".".join(str(part) for part in first["loc"][1:])
    if first["type"] == "json_invalid":
        return _told(Failure(400, f"the body is not JSON: {first['ctx']['error']}", "bad_request"))
    if not param:
        return _told(Failure(400, "send a JSON object, with 'Content-Type: application/json'", "bad_request"))
    return _told(Failure(400, f"{param}: {first['msg']}", "bad_request", param))
