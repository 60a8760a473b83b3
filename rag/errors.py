"""Every error that the framework raises, in one tree.

    RagError
    ├── ConfigError (ValueError)
    ├── InputError (ValueError)
    ├── RetrievalError
    │   ├── IndexNotFound (LookupError)
    │   └── DimensionMismatch (ValueError)
    ├── ModelError
    │   ├── ModelTimeout (TimeoutError)
    │   ├── RateLimited
    │   ├── ContextTooLong
    │   └── BadModelOutput
    ├── PlanError
    │   ├── UnknownSource
    │   ├── BadReference
    │   └── PlanCycle
    ├── SourceError
    │   ├── ScopeError
    │   └── SourceTimeout (TimeoutError)
    ├── StoreError
    │   ├── StoreBusy
    │   └── TurnConflict
    ├── LoadError
    ├── BudgetExceeded
    └── PromptError
        └── MissingVariable (KeyError)

A name in brackets is the built-in that the error also is, so that callers may catch either.
Messages say what went wrong, where, and what to do next; facts are attributes. Errors of the
libraries beneath are translated where they enter, and never used for control flow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rag.types import Answer, Usage

__all__ = [
    "BadModelOutput",
    "BadReference",
    "BudgetExceeded",
    "ConfigError",
    "ContextTooLong",
    "DimensionMismatch",
    "IndexNotFound",
    "InputError",
    "LoadError",
    "MissingVariable",
    "ModelError",
    "ModelTimeout",
    "PlanCycle",
    "PlanError",
    "PromptError",
    "RagError",
    "RateLimited",
    "RetrievalError",
    "ScopeError",
    "SourceError",
    "SourceTimeout",
    "StoreBusy",
    "StoreError",
    "TurnConflict",
    "UnknownSource",
]


class RagError(Exception):
    """The root: catch it to catch whatever the framework raises."""


class ConfigError(RagError, ValueError):
    """A setting or a combination of arguments cannot work."""


class InputError(RagError, ValueError):
    """What was asked cannot be answered as it stands: an empty question, or one far too long."""


class RetrievalError(RagError):
    """An index could not be read, written or searched."""


class IndexNotFound(RetrievalError, LookupError):
    """No index is stored at the path."""


class DimensionMismatch(RetrievalError, ValueError):
    """Vectors of one size were met by an index of another."""


class ModelError(RagError):
    """A model call failed.

    Attributes:
        model: the model's name.
        request_id: the endpoint's id of the call, if it gave one.
        retry_after: seconds to wait before another try, if the endpoint said so.
        retryable: whether the same call may go through later.
    """

    def __init__(
        self,
        message: str,
        *,
        model: str = "",
        request_id: str | None = None,
        retry_after: float | None = None,
        retryable: bool = False,
    ) -> None:
        super().__init__(message)
        self.model = model
        self.request_id = request_id
        self.retry_after = retry_after
        self.retryable = retryable


class ModelTimeout(ModelError, TimeoutError):
    """The model did not answer in time."""


class RateLimited(ModelError):
    """The endpoint refused for now: too many requests or tokens."""


class ContextTooLong(ModelError):
    """The prompt does not fit the model's context.

    Attributes:
        tokens: the prompt's size in tokens, if known.
        limit: the context's size in tokens, if known.
    """

    def __init__(self, message: str, *, model: str = "", tokens: int | None = None, limit: int | None = None) -> None:
        super().__init__(message, model=model)
        self.tokens = tokens
        self.limit = limit


class BadModelOutput(ModelError):
    """The model answered with something other than what was asked for.

    Attributes:
        raw: what the model wrote.
        usage: what that cost, if it is known.
    """

    def __init__(self, message: str, *, model: str = "", raw: str = "", usage: Usage | None = None) -> None:
        super().__init__(message, model=model)
        self.raw = raw
        self.usage = usage


class PlanError(RagError):
    """A plan cannot be read, validated or repaired."""


class UnknownSource(PlanError):
    """A step names a source that the assistant does not have."""


class BadReference(PlanError):
    """A reference cannot be read, or points at a step or field that is not there."""


class PlanCycle(PlanError):
    """Steps wait for each other in a ring."""


class SourceError(RagError):
    """A source failed.

    Attributes:
        source: the source's name.
        step_id: the plan's step that called it, if one did.
        retry_after: seconds to wait before another try, if the source said so.
        retryable: whether the same call may go through later.
    """

    def __init__(
        self,
        message: str,
        *,
        source: str = "",
        step_id: str | None = None,
        retry_after: float | None = None,
        retryable: bool = False,
    ) -> None:
        super().__init__(message)
        self.source = source
        self.step_id = step_id
        self.retry_after = retry_after
        self.retryable = retryable


class ScopeError(SourceError):
    """A source cannot keep to the scope that the question was asked in."""


class SourceTimeout(SourceError, TimeoutError):
    """A source did not answer in time."""


class StoreError(RagError):
    """Stored data could not be read or written."""


class StoreBusy(StoreError):
    """Another process holds the store for writing."""


class TurnConflict(StoreError):
    """A turn of the same id with another text is already stored."""


class LoadError(RagError):
    """A document could not be read.

    Attributes:
        path: the file or folder.
    """

    def __init__(self, message: str, *, path: str = "") -> None:
        super().__init__(message)
        self.path = path


class BudgetExceeded(RagError):
    """A limit of the budget was reached.

    Attributes:
        limit: the limit's name, as in `Budget`.
        spent: what had been spent of it.
        partial: the best answer so far, if there was one.
    """

    def __init__(self, message: str, *, limit: str = "", spent: float = 0.0, partial: Answer | None = None) -> None:
        super().__init__(message)
        self.limit = limit
        self.spent = spent
        self.partial = partial


class PromptError(RagError):
    """A prompt is missing, malformed or cannot be filled."""


class MissingVariable(PromptError, KeyError):
    """A prompt was rendered without one of its inputs."""

    def __str__(self) -> str:
        # KeyError prints the repr of its argument, which would put the message in quotes.
        return Exception.__str__(self)
