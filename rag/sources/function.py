"""Python functions as sources."""

from __future__ import annotations

import inspect
from collections.abc import AsyncIterable, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, Final

from pydantic import BaseModel

from rag.blot import blotted
from rag.card import Schema, ScopeField, SourceCard
from rag.errors import ConfigError, RagError, SourceError, SourceTimeout
from rag.protocols import Row
from rag.sources.arguments import admit, given, make_card, read_arguments
from rag.sources.rows import rows_of
from rag.sources.signature import output_schema, read_signature
from rag.sources.threads import Threads
from rag.types import Scope

__all__ = ["EVERY_FIELD", "FunctionSource", "is_async", "named", "source"]

EVERY_FIELD: Final[frozenset[ScopeField]] = frozenset({"tenant", "user", "as_of", "labels"})


class FunctionSource:
    """Calls a function with checked arguments, and takes what it returns as rows.

    What the function returns may be a dictionary, a pydantic model, a dataclass, a string (a row of
    `text`), a number, date or other scalar (a row of one field, called as the source is), or several
    of these.
    """

    def __init__(self, card: SourceCard, function: Callable[..., Any], scope_parameter: str | None) -> None:
        self._card = card
        self._function = function
        self._scope_parameter = scope_parameter
        self._is_async = is_async(function)
        self._threads = Threads(card.concurrency)

    @property
    def card(self) -> SourceCard:
        """The function's parameters as arguments, less the scope's."""
        return self._card

    async def call(self, args: Mapping[str, Any], scope: Scope) -> Sequence[Row]:
        """The rows that the function returns; a plain function runs in a thread.

        Raises:
            ScopeError: the scope sets a field that the function is not said to keep to.
            SourceTimeout: the function raised a TimeoutError.
            SourceError: an argument does not fit, or the function raised; retryable for connection errors.
        """
        admit(self._card, scope)
        values = given(read_arguments(self._card, args))
        if self._scope_parameter:
            values[self._scope_parameter] = scope
        with _translated(self._card.name):
            result = await (self._function(**values) if self._is_async else self._threads.run(self._run, values))
            if inspect.isawaitable(result):
                result = await result
            if isinstance(result, AsyncIterable):
                result = [item async for item in result]
            return rows_of(result, self._card.name)

    def _run(self, values: Mapping[str, Any]) -> Any:
        # Translated here too: a StopIteration cannot leave a thread through a future.
        with _translated(self._card.name):
            result = self._function(**values)
            return list(result) if isinstance(result, Iterator) else result


def source(
    name: str,
    function: Callable[..., Any],
    *,
    about: str = "",
    enforces: Collection[ScopeField] | None = None,
    shared: bool = False,
    output: type[BaseModel] | Schema | None = None,
    timeout: float = 30.0,
    cacheable: bool = False,
    ttl: float | None = None,
    concurrency: int = 100,
    idempotent: bool = True,
    cost: Mapping[str, float] | None = None,
    identity: str | None = None,
) -> FunctionSource:
    """A Python function, plain or async, as a source.

    Its parameters become arguments, by their type hints and defaults; descriptions come from
    `Annotated[…, Field(description=…)]` or the docstring's Args section. A parameter annotated
    `rag.Scope` is given the question's scope, and is hidden from planners.

    Args:
        name: the source's name.
        function: a function, method, partial or callable object with named, annotated parameters.
        about: what the source knows, for planners; by default the docstring's first paragraph.
        enforces: the scope's fields that the function keeps to; by default every one if it takes
            a `rag.Scope` and is not shared, else none.
        shared: the data is for everyone, whatever the scope.
        output: the model or JSON schema of a row; by default from the return annotation, if it tells.
        timeout: seconds that a call may take.
        cacheable: the same call brings the same rows, so that they may be kept.
        ttl: seconds that rows may be kept.
        concurrency: calls that may run at once, of all questions together.
        idempotent: a call may be made again, or in vain, without harm. One that is not is never retried,
            and never begun before its plan is whole.
        cost: what one call takes of "seconds", "usd" and "tokens" (of what it brings), for estimates and budgets.
        identity: which data is behind the function, where it is kept from other functions' in a shared cache
            file; by default the function's own name, which does for all but closures and methods.

    Raises:
        ConfigError: a parameter has no type hint or cannot be given by name, or the options do not go together.

    Example:
        >>> def stock(product: str, city: str = "Ghent") -> dict[str, int]:
        ...     "How many of a product a shop has."
        ...     return {"stock": 3}
        >>> print(source("stock", stock).card.signature)
        stock(product: string, city?: string)
    """
    if enforces and shared:
        raise ConfigError(f"source {name!r}: data that is for everyone is not kept apart; leave out shared or enforces")
    signature = read_signature(function, name)
    if enforces and not signature.scope:
        raise ConfigError(
            f"source {name!r}: the function cannot keep to {', '.join(sorted(enforces))} without knowing the scope;"
            " give it a parameter annotated rag.Scope"
        )
    if enforces is None:
        enforces = EVERY_FIELD if signature.scope and not shared else ()
    card = make_card(
        name,
        about=about or signature.about,
        arguments=signature.arguments,
        output=signature.output
        if output is None
        else output
        if isinstance(output, Mapping)
        else output_schema(output, name),
        enforces=frozenset(enforces),
        shared=shared,
        cacheable=cacheable,
        ttl=ttl,
        concurrency=concurrency,
        timeout=timeout,
        idempotent=idempotent,
        cost=dict(cost or {}),
        identity=named(function) if identity is None else identity,
    )
    return FunctionSource(card, function, signature.scope)


def is_async(function: Callable[..., Any]) -> bool:
    """Whether calling the function or callable object gives something to await."""
    call = function if inspect.isroutine(function) else getattr(function, "__call__", function)  # noqa: B004
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(call)


def named(function: Callable[..., Any]) -> str:
    """The full name of a function, or of the class of a callable object.

    Example:
        >>> named(named)
        'rag.sources.function.named'
    """
    told = function.func if isinstance(function, partial) else function
    told = told if hasattr(told, "__qualname__") else type(told)
    return f"{told.__module__}.{told.__qualname__}"


@contextmanager
def _translated(name: str) -> Iterator[None]:
    try:
        yield
    except RagError:
        raise
    except TimeoutError as error:
        raise SourceTimeout(_told(name, error), source=name, retryable=True) from error
    except Exception as error:  # a user's function may raise anything, and must fail itself alone
        raise SourceError(_told(name, error), source=name, retryable=isinstance(error, ConnectionError)) from error


def _told(name: str, error: Exception) -> str:
    said = f": {blotted(str(error))}" if str(error) else ""
    return f"source {name!r}: {type(error).__name__}{said}"
