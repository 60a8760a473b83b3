"""What a request must pass before it is read: a known key, and a bound on its size."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from typing import TYPE_CHECKING

from starlette.authentication import AuthCredentials, AuthenticationBackend, AuthenticationError, BaseUser, SimpleUser
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from rag.serve.failures import Failure

if TYPE_CHECKING:
    from starlette.requests import HTTPConnection
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

__all__ = ["BodyLimit", "Keys"]


class Keys(AuthenticationBackend):
    """Lets in who sends one of the keys as a bearer token; anyone may ask whether the server is well."""

    def __init__(self, tokens: Sequence[str]) -> None:
        self._tokens = [token.encode() for token in tokens]

    async def authenticate(self, conn: HTTPConnection) -> tuple[AuthCredentials, BaseUser] | None:
        """The key that was sent.

        Raises:
            AuthenticationError: it is not one of those known, or none was sent.
        """
        if conn.scope["path"] == conn.scope.get("root_path", "") + "/healthz":
            return None
        scheme, _, sent = conn.headers.get("authorization", "").partition(" ")
        # Every key is compared, each in constant time, so that timing tells nothing of any.
        # Headers are read as Latin-1, so that this gives back the very bytes that were sent.
        known = [hmac.compare_digest(sent.strip().encode("latin-1"), token) for token in self._tokens]
        if scheme.lower() != "bearer" or not any(known):
            raise AuthenticationError("a known key is needed, as 'Authorization: Bearer KEY'")
        return AuthCredentials(["ask"]), SimpleUser(f"key {known.index(True)}")


class BodyLimit:
    """Refuses bodies over a size: unread where their length is told, else as soon as they pass it.

    FastAPI's own `max_body_size` refuses in plain text, which no client of this API expects.
    """

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self._app = app
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, its body watched."""
        length = Headers(scope=scope).get("content-length", "") if scope["type"] == "http" else ""
        if length.isdigit() and int(length) > self._limit:
            refusal = JSONResponse(Failure(413, self._told, "too_large").envelope, 413)
            await refusal(scope, receive, send)
            return
        seen = 0

        async def watched() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > self._limit:
                raise HTTPException(413, self._told)
            return message

        await self._app(scope, watched, send)

    @property
    def _told(self) -> str:
        return f"the request is too large: {self._limit:,} bytes are allowed"
