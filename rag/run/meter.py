"""What is used on behalf of a question where nobody passes its ledger along: in embedders and rerankers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeAlias

from rag.types import Usage

__all__ = ["Meter", "metered", "used"]

Meter: TypeAlias = Callable[[str, Usage], None]
"""Is told a model's name and what a call of it used; from any thread."""

# Threads and tasks that work for a question run in copies of its context.
_meter: ContextVar[Meter | None] = ContextVar("rag_meter", default=None)


@contextmanager
def metered(meter: Meter) -> Iterator[None]:
    """Have the meter told of what is used meanwhile.

    Example:
        >>> with metered(lambda model, usage: print(model, usage.embedding_tokens)):
        ...     used("embedder", Usage(embedding_tokens=7))
        embedder 7
    """
    token = _meter.set(meter)
    try:
        yield
    finally:
        _meter.reset(token)


def used(model: str, usage: Usage) -> None:
    """Tell of what a call used; outside of a question nobody counts it."""
    if meter := _meter.get():
        meter(model, usage)
