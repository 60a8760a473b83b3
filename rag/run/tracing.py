"""What happened when, and within what: spans with their parents, right also where work runs at once."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Literal

from pydantic import JsonValue

from rag.trace import Span, SpanKind, Trace

__all__ = ["OpenSpan", "Tracer"]


class OpenSpan:
    """A span while it lasts: status and attributes may still be set."""

    def __init__(self, tracer: Tracer, span_id: str) -> None:
        self.tracer = tracer
        self.span_id = span_id
        self.status: Literal["ok", "error", "skipped"] = "ok"
        self.attributes: dict[str, JsonValue] = {}
        self._retries: list[JsonValue] = []

    def retried(self, error: BaseException, wait: float) -> None:
        """Note that the work is done again after an error, and after how many seconds."""
        self._retries.append({"after": str(error), "waited": wait})
        self.attributes["retries"] = self._retries


# A task starts with a copy of its maker's context, so a span's parent is the one it was made under.
_current: ContextVar[OpenSpan | None] = ContextVar("rag_span", default=None)


class Tracer:
    """Records the spans of one question; times are seconds since it was made.

    Example:
        >>> tracer = Tracer()
        >>> with tracer.span("ask", "question"):
        ...     with tracer.span("s1", "step") as step:
        ...         step.attributes["rows"] = 3
        >>> [(s.name, s.parent) for s in tracer.spans]
        [('ask', None), ('s1', '1')]
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._start = clock()
        self._ids = itertools.count(1)
        self._ended: list[Span] = []

    @property
    def seconds(self) -> float:
        """How long ago the tracer was made."""
        return self._clock() - self._start

    @property
    def spans(self) -> Trace:
        """The spans that have ended, in the order in which they started."""
        return Trace(tuple(sorted(self._ended, key=lambda span: int(span.span_id))))

    @property
    def current(self) -> OpenSpan | None:
        """The span of this tracer that the caller runs in."""
        span = _current.get()
        return span if span is not None and span.tracer is self else None

    @contextmanager
    def span(self, name: str, kind: SpanKind, **attributes: JsonValue) -> Iterator[OpenSpan]:
        """Record a piece of work; its status is "error" when an exception leaves it."""
        parent = self.current
        span = OpenSpan(self, str(next(self._ids)))
        span.attributes.update(attributes)
        token = _current.set(span)
        started = self.seconds
        try:
            yield span
        except BaseException as error:
            span.status = "error"
            kind_of_error = type(error).__name__
            span.attributes["error"] = f"{kind_of_error}: {error}" if isinstance(error, Exception) else kind_of_error
            raise
        finally:
            _current.reset(token)
            self._ended.append(
                Span(
                    span_id=span.span_id,
                    parent=parent.span_id if parent else None,
                    name=name,
                    kind=kind,
                    started=started,
                    ended=self.seconds,
                    status=span.status,
                    attributes=span.attributes,
                )
            )
