"""What a client is told when something fails: OpenAI's error envelope, and nothing of the inside."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final
from uuid import uuid4

from rag.errors import (
    BudgetExceeded,
    ContextTooLong,
    InputError,
    ModelError,
    ModelTimeout,
    RagError,
    RateLimited,
    ScopeError,
    SourceError,
    SourceTimeout,
    StoreBusy,
    TurnConflict,
)
from rag.run.conversation import NOT_KEPT
from rag.trace import Span
from rag.types import Answer

__all__ = ["Failure", "failure", "public"]

_log = logging.getLogger("rag.serve")


@dataclass(frozen=True, slots=True)
class Failure:
    """An HTTP status, and what the envelope says. `param` is the part of the request that is wrong."""

    status: int
    message: str
    code: str | None = None
    param: str | None = None
    retry_after: float | None = None
    request_id: str = ""

    @property
    def envelope(self) -> dict[str, Any]:
        """The body, as OpenAI's clients read it."""
        kind = "server_error" if self.status >= 500 else "invalid_request_error"
        kind = "rate_limit_error" if self.status == 429 else kind
        return {"error": {"message": self.message, "type": kind, "param": self.param, "code": self.code}}

    @property
    def headers(self) -> dict[str, str]:
        """When to try again, and the id under which the log has the details."""
        headers = {"x-request-id": self.request_id} if self.request_id else {}
        if self.retry_after is not None:
            headers["retry-after"] = str(max(1, round(self.retry_after)))
        return headers


# First match wins. None passes the error's own message on: it is about what the client sent.
_TOLD: Final[tuple[tuple[type[RagError], int, str, str | None], ...]] = (
    (InputError, 400, "bad_question", None),
    (ContextTooLong, 400, "context_length_exceeded", "the question and its context are too long for the model"),
    (ScopeError, 403, "out_of_scope", "what was asked lies outside what you may see"),
    (TurnConflict, 409, "turn_conflict", "the conversation already has another turn in this place"),
    (RateLimited, 429, "model_busy", "the model's endpoint is busy; try again later"),
    (ModelTimeout, 504, "model_timeout", "the model did not answer in time"),
    (ModelError, 502, "model_failed", "the model could not be asked"),
    (SourceTimeout, 504, "source_timeout", "a source did not answer in time"),
    (SourceError, 502, "source_failed", "a source could not be asked"),
    (StoreBusy, 503, "store_busy", "the store is busy; try again later"),
    (BudgetExceeded, 503, "budget_exceeded", "the question costs more than the server allows"),
)


def public(answer: Answer) -> Answer:
    """The answer with notes that tell what failed, but not how: that goes to the log.

    What sources and models say when they fail may hold addresses, paths and credentials.
    """
    notes = tuple(_public(note, answer.trace) for note in answer.notes)
    for note, told in zip(answer.notes, notes, strict=True):
        if note != told:
            _log.warning("%s (told as: %s)", note, told)
    return answer.model_copy(update={"notes": notes})


def _public(note: str, trace: Iterable[Span]) -> str:
    if note.startswith(NOT_KEPT):
        return NOT_KEPT
    for span in trace:
        kind, _, why = str(span.attributes.get("error", "")).partition(": ")
        if span.kind in ("source", "model") and why and kind != "BudgetExceeded":
            note = note.replace(why, f"{span.name} failed")
    return note


def failure(error: Exception) -> Failure:
    """What to tell the client of an error; what it is not told goes to the log.

    Example:
        >>> failure(InputError("the question is empty")).envelope["error"]["message"]
        'the question is empty'
    """
    retry_after = getattr(error, "retry_after", None)
    for kind, status, code, message in _TOLD:
        if isinstance(error, kind):
            if message is None:
                return Failure(status, str(error), code)
            return _logged(error, Failure(status, message, code, retry_after=retry_after, request_id=uuid4().hex))
    return _logged(error, Failure(500, "the server failed", "internal_error", request_id=uuid4().hex))


def _logged(error: Exception, told: Failure) -> Failure:
    # A known error is told by its message; only one that nobody foresaw needs its traceback.
    trace = None if isinstance(error, RagError) else error
    _log.error("request %s: %s: %s", told.request_id, type(error).__name__, error, exc_info=trace)
    return told
