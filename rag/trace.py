"""What happened while a question was answered: spans, and the tree that they make."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal, TypeAlias, overload

from pydantic import BaseModel, ConfigDict, JsonValue, RootModel

__all__ = ["Span", "SpanKind", "Trace"]

SpanKind: TypeAlias = Literal["question", "plan", "step", "source", "model", "read", "assess"]


class Span(BaseModel):
    """One timed piece of work; `parent` is the id of the span it belongs to.

    `started` and `ended` are seconds since the question was asked.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    span_id: str
    parent: str | None = None
    name: str
    kind: SpanKind
    started: float
    ended: float
    status: Literal["ok", "error", "skipped"] = "ok"
    attributes: dict[str, JsonValue] = {}

    @property
    def seconds(self) -> float:
        """How long it took."""
        return self.ended - self.started


class Trace(RootModel[tuple[Span, ...]]):
    """The spans of one question, in the order in which they started; printed, a tree with a timeline.

    Example:
        >>> trace = Trace((Span(span_id="1", name="question", kind="question", started=0.0, ended=0.5),))
        >>> len(trace), trace[0].seconds
        (1, 0.5)
        >>> print(trace)
        question                                                 500 ms  ███████████████████████████████████
    """

    model_config = ConfigDict(frozen=True)

    root: tuple[Span, ...] = ()

    def __iter__(self) -> Iterator[Span]:  # type: ignore[override]  # a trace is its spans, not its fields
        return iter(self.root)

    def __len__(self) -> int:
        return len(self.root)

    @overload
    def __getitem__(self, place: int) -> Span: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[Span, ...]: ...
    def __getitem__(self, place: int | slice) -> Span | tuple[Span, ...]:
        return self.root[place]

    def __str__(self) -> str:
        """One line a span, at most 100 columns wide: name, what matters, time, and when it ran."""
        from rag.timeline import text

        return text(self)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        from rag.timeline import html

        return {"text/plain": str(self), "text/html": html(self)}
