"""What happened when, and within what: spans with their parents, right also where work runs at once."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from contextvars import ContextVar
from types import TracebackType
from typing import Any, Final, Literal, Self, TypeAlias

from pydantic import JsonValue

from rag.trace import Span, SpanKind, Trace
from rag.types import Usage

__all__ = ["Forward", "OpenSpan", "Tracer", "current_span", "nowhere"]


class OpenSpan:
    """A span while it lasts, which is a `with` block: status and attributes may still be set.

    `details` are what is forwarded beside the attributes; they are no part of an answer's trace.
    """

    def __init__(self, tracer: Tracer, span_id: str, name: str, kind: SpanKind) -> None:
        self.tracer = tracer
        self.span_id = span_id
        self.parent = tracer.current
        self.name = name
        self.kind: SpanKind = kind
        self.status: Literal["ok", "error", "skipped"] = "ok"
        self.error_type = ""
        self.attributes: dict[str, JsonValue] = {}
        self.details: dict[str, Any] = {}
        self._retries: list[JsonValue] = []
        self._used = _UNUSED

    def __enter__(self) -> Self:
        self.started = self.tracer.seconds
        self._elsewhere = self.tracer.forward(self)
        self._elsewhere.__enter__()
        self._token = _current.set(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, where: TracebackType | None
    ) -> None:
        _current.reset(self._token)
        if error is not None:
            self.failed(error)
        try:
            self._elsewhere.__exit__(kind, error, where)
        finally:
            self.tracer.ended(self)

    def used(self, usage: Usage) -> None:
        """Add what an attempt used; those that were lost count as well."""
        told, total = self.attributes, self._used + usage
        self._used = total
        told |= {"prompt_tokens": total.prompt_tokens, "completion_tokens": total.completion_tokens}
        told |= {"estimated": total.estimated}
        for name in ("cached_tokens", "reasoning_tokens", "usd"):
            if value := getattr(total, name):
                told[name] = value

    def failed(self, error: BaseException) -> None:
        """Note that the work ended in an error."""
        self.status, self.error_type = "error", type(error).__name__
        why = f"{self.error_type}: {error}" if isinstance(error, Exception) else self.error_type
        self.attributes["error"] = why

    def retried(self, error: BaseException, wait: float) -> None:
        """Note that the work is done again after an error, and after how many seconds."""
        self._retries.append({"after": str(error), "waited": wait})
        self.attributes["retries"] = self._retries


Forward: TypeAlias = Callable[[OpenSpan], AbstractContextManager[object]]
"""Opens a span elsewhere for as long as one of ours is open."""

_NOTHING: Final = nullcontext()
_UNUSED: Final = Usage()  # made once, as it is needed by every span


def nowhere(_: OpenSpan) -> AbstractContextManager[object]:
    """Opens nothing."""
    return _NOTHING


# A task starts with a copy of its maker's context, so a span's parent is the one it was made under.
_current: ContextVar[OpenSpan | None] = ContextVar("rag_span", default=None)


def current_span() -> OpenSpan | None:
    """The span that the caller runs in, of whichever question; None outside of all."""
    return _current.get()


class Tracer:
    """Records the spans of one question; times are seconds since it was made.

    Args:
        clock: what tells the seconds.
        forward: opens each span elsewhere too; see `rag.run.otel`.

    Example:
        >>> tracer = Tracer()
        >>> with tracer.span("ask", "question"):
        ...     with tracer.span("s1", "step") as step:
        ...         step.attributes["rows"] = 3
        >>> [(s.name, s.parent) for s in tracer.spans]
        [('ask', None), ('s1', '1')]
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic, forward: Forward = nowhere) -> None:
        self._clock = clock
        self.forward = forward
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

    def span(
        self, name: str, kind: SpanKind, *, details: Mapping[str, Any] | None = None, **attributes: JsonValue
    ) -> OpenSpan:
        """Record the piece of work of a `with` block; its status is "error" when an exception leaves it."""
        # No generator: there are a dozen spans a question, and each would cost twice as much.
        span = OpenSpan(self, str(next(self._ids)), name, kind)
        span.attributes.update(attributes)
        span.details.update(details or {})
        return span

    def ended(self, span: OpenSpan) -> None:
        """Keep what has become of a span."""
        self._ended.append(
            Span(
                span_id=span.span_id,
                parent=span.parent.span_id if span.parent else None,
                name=span.name,
                kind=span.kind,
                started=span.started,
                ended=self.seconds,
                status=span.status,
                attributes=span.attributes,
            )
        )
