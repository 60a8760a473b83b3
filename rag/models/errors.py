"""Errors of an OpenAI-compatible endpoint, told in the framework's own tree.

The default transport reports refused, unknown and dropped connections as timeouts, so what happened is
read from the causes beneath an error and not from its class. Keys never reach a message: what the
endpoint says is quoted in one short line with keys blotted out, and not at all where it refused the key.
"""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from rag.errors import BadModelOutput, ContextTooLong, ModelError, ModelTimeout, RateLimited

if TYPE_CHECKING:
    import openai

__all__ = ["place", "translate"]

_KEY = re.compile(r"\b(?:sk|key|pk|rk)[-_][\w*.-]{4,}", re.IGNORECASE)
_TOO_LONG = re.compile(
    r"context[ _](?:length|size|window)|prompt is too long|too many (?:input )?tokens", re.IGNORECASE
)
_LIMIT = re.compile(r"(?:maximum context length is|context (?:length|size|window) (?:of|is|\()) ?(\d+)", re.IGNORECASE)
_TOKENS = re.compile(
    r"(?:requested|resulted in|contains|has|\() ?(?:about |at least )?(\d+) (?:input )?tokens", re.IGNORECASE
)
_QUOTE = 300  # characters of an endpoint's own words that a message carries


def translate(error: Exception, model: str, *, url: str = "") -> ModelError:
    """The error of the framework's tree that tells what an error of the openai library means.

    Args:
        error: what the library raised; errors of the framework's tree come back as they are.
        model: the model that was called.
        url: where it was called, for errors that do not know it themselves.

    Example:
        >>> translate(ValueError("Expecting value: line 1"), "tiny", url="http://user:pw@host:1/v1?key=k")
        BadModelOutput('tiny at http://host:1/v1 did not answer with a chat completion: Expecting value: line 1')
    """
    import openai

    if isinstance(error, ModelError):
        return error
    if isinstance(error, openai.APIError):
        url = str(error.request.url)
    who = f"{model} at {place(url)}" if url else model
    match error:
        case openai.APIStatusError():
            return _status(error, model, who)
        case openai.APIConnectionError():
            return _connection(error, model, who)
        case TimeoutError():
            return ModelTimeout(f"{who} did not answer in time", model=model, retryable=True)
        case OSError():
            return ModelError(f"{who} could not be reached: {_line(str(error))}", model=model, retryable=True)
        case openai.APIResponseValidationError() | openai.LengthFinishReasonError() | ValueError():
            return BadModelOutput(f"{who} did not answer with a chat completion: {_line(str(error))}", model=model)
        case openai.ContentFilterFinishReasonError():
            return BadModelOutput(f"{who} withheld its answer: the endpoint's content filter stepped in", model=model)
        case openai.APIError():
            # Only an error event in the middle of a stream arrives bare.
            return ModelError(f"{who} broke off its answer: {_said(error)}", model=model, retryable=True)
    # While a body is read, the HTTP library's own errors come through; there are two libraries of that name.
    if any(kind.__name__ == "TransportError" for kind in type(error).__mro__):
        return _dropped(model, who, urlsplit(url).netloc.rpartition("@")[2])
    return ModelError(f"{who} could not be called: {type(error).__name__}: {_line(str(error))}", model=model)


def place(url: str) -> str:
    """The URL without credentials, query and fragment, fit for messages and traces.

    Example:
        >>> place("https://user:secret@api.example.com:8443/v1/chat?key=secret")
        'https://api.example.com:8443/v1/chat'
    """
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _status(error: openai.APIStatusError, model: str, who: str) -> ModelError:
    status, said, request_id = error.status_code, _said(error), error.request_id
    if status in (401, 403):
        return ModelError(
            f"{who} refused the key (HTTP {status}): set OPENAI_API_KEY, or pass api_key=, to a key that may use it",
            model=model,
            request_id=request_id,
        )
    if status == 429:
        return _rate_limited(error, model, f"{who} refuses for now (HTTP 429): {said}")
    if status == 413 or _TOO_LONG.search(f"{error.code} {error.type} {said}"):
        return _too_long(error, model, f"{who}: the prompt does not fit the model's context: {said}")
    if status == 404:
        said += "; check the model's name (GET …/models lists them) and that base_url ends where the API begins (…/v1)"
    return ModelError(
        f"{who} answered HTTP {status}: {said}",
        model=model,
        request_id=request_id,
        retry_after=_retry_after(error),
        retryable=status in (408, 409) or status >= 500,
    )


def _rate_limited(error: openai.APIStatusError, model: str, message: str) -> RateLimited:
    wait = _retry_after(error)
    spent = "insufficient_quota" in (error.code, error.type)
    hint = "the account's quota is spent" if spent else f"wait {wait:g} s" if wait is not None else "wait and try again"
    return RateLimited(
        f"{message}; {hint}", model=model, request_id=error.request_id, retry_after=wait, retryable=not spent
    )


def _too_long(error: openai.APIStatusError, model: str, message: str) -> ContextTooLong:
    body = error.body if isinstance(error.body, dict) else {}
    tokens, limit = body.get("n_prompt_tokens"), body.get("n_ctx")
    return ContextTooLong(
        message,
        model=model,
        tokens=tokens if isinstance(tokens, int) else _number(_TOKENS, message),
        limit=limit if isinstance(limit, int) else _number(_LIMIT, message),
    )


def _connection(error: openai.APIConnectionError, model: str, who: str) -> ModelError:
    causes = tuple(_causes(error))
    host = urlsplit(str(error.request.url)).netloc.rpartition("@")[2]
    for cause in causes:
        if isinstance(cause, TimeoutError):
            return ModelTimeout(
                f"{who} did not answer in time: is it overloaded? A longer timeout= may help",
                model=model,
                retryable=True,
            )
        if isinstance(cause, ConnectionRefusedError):
            return ModelError(
                f"{who}: nothing listens at {host}: is the endpoint running?", model=model, retryable=True
            )
        if isinstance(cause, socket.gaierror):
            return ModelError(f"{who}: the host of {host} is not known: check base_url", model=model, retryable=True)
        if isinstance(cause, ssl.SSLError):
            return ModelError(f"{who}: no secure connection to {host}: {_line(str(cause))}", model=model)
    if any(type(cause).__name__ == "UnsupportedProtocol" for cause in causes):
        return ModelError(f"{who}: base_url must begin with http:// or https://", model=model)
    return _dropped(model, who, host)


def _dropped(model: str, who: str, host: str) -> ModelError:
    return ModelError(
        f"{who}: the connection to {host} broke off: is the endpoint running?", model=model, retryable=True
    )


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = seen.__cause__ or seen.__context__


def _said(error: openai.APIError) -> str:
    """The endpoint's own words in one short line, without the key that the request carried."""
    body = error.body
    words = (
        next((body[k] for k in ("message", "detail", "error") if body.get(k)), "") if isinstance(body, dict) else body
    )
    if not words and not isinstance(error.body, dict):
        words = error.message
    text = str(words or "no reason given")
    key = error.request.headers.get("authorization", "").removeprefix("Bearer ").strip()
    return _line(text.replace(key, "***") if len(key) > 5 else text)  # shorter ones are placeholders


def _line(text: str) -> str:
    text = _KEY.sub("***", " ".join(text.split()))
    return text if len(text) <= _QUOTE else f"{text[:_QUOTE]}…"


def _number(pattern: re.Pattern[str], text: str) -> int | None:
    found = pattern.search(text)
    return int(found[1]) if found else None


def _retry_after(error: openai.APIStatusError) -> float | None:
    """Seconds to wait, from `retry-after-ms` or from `retry-after` in seconds or as an HTTP date."""
    headers = error.response.headers
    for name, scale in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        try:
            return max(0.0, float(headers[name]) / scale)
        except (KeyError, ValueError):
            continue
    try:
        at = parsedate_to_datetime(headers.get("retry-after", ""))
    except ValueError:
        return None
    return max(0.0, (at - datetime.now(UTC)).total_seconds()) if at.tzinfo else None
