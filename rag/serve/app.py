"""The assistant as a web application that speaks OpenAI's chat API."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rag.errors import ConfigError
from rag.types import Scope

if TYPE_CHECKING:
    from fastapi import FastAPI

    from rag.assistant import Assistant
    from rag.serve.routes import ScopeOf

__all__ = ["MAX_BODY", "app"]

MAX_BODY = 1_000_000  # bytes of a request, its whole conversation included


def app(
    assistant: Assistant,
    *,
    name: str = "rag",
    tokens: Sequence[str] | None = None,
    scope_of: ScopeOf | None = None,
    max_body: int = MAX_BODY,
) -> FastAPI:
    """An application with `/v1/chat/completions`, `/v1/models` and `/healthz`.

    The assistant stays the caller's to close. It is one model to its clients, called `name`.

    Args:
        assistant: what answers.
        name: the model's name; a request for another one is refused.
        tokens: the keys of which a client must send one; None lets everyone in.
        scope_of: whose data a request may see, from what the caller has verified of it: a session, a
            signed token, the key. It may be async and must not block; an `HTTPException` from it refuses the
            request. Whatever a client merely says of itself (`user`, `metadata`, a header that no proxy of
            yours sets) is no ground for a scope. Without it every request has the empty `Scope()`, and all
            clients share one set of conversations.
        max_body: a request's size at most, in bytes.

    A conversation is named by the body's `metadata.conversation` or the header `X-Conversation`. Where the
    assistant has a memory, that supplies what was said before, within the scope; else the messages do.

    Raises:
        ConfigError: the extra `serve` is not installed, or `tokens` holds no usable key.
    """
    _check_tokens(tokens)
    require_extra()
    from rag.serve.routes import Backend, build

    return build(Backend(assistant, name, scope_of or (lambda _: Scope())), tokens=tokens, max_body=max_body)


def require_extra() -> None:
    """See that the server's libraries are there.

    Raises:
        ConfigError: they are not.
    """
    try:
        import fastapi  # noqa: F401
        import uvicorn  # noqa: F401
    except ImportError as error:
        raise ConfigError(f"{error.name} is missing; install it with: pip install 'planweave-rag[serve]'") from error


def _check_tokens(tokens: Sequence[str] | None) -> None:
    if isinstance(tokens, str):
        raise ConfigError("tokens is a list of keys; put the one key in brackets")
    if tokens is not None and not (tokens and all(token.strip() for token in tokens)):
        raise ConfigError("tokens holds no key, or an empty one; give at least one, or None to let everyone in")
