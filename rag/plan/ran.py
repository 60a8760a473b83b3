"""What became of a plan's steps when it was run, and how that is told in one line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final, Literal

from pydantic import BaseModel, ConfigDict

from rag.plan.words import counted, duration

if TYPE_CHECKING:
    from rag.trace import Span

__all__ = ["Ran", "ran_of"]

_STOPPED: Final = "it was stopped before it had ended"
_MARKS: Final = {"ok": "✓", "error": "✗", "skipped": "–", "stopped": "◌"}


class Ran(BaseModel):
    """How one step went.

    `started` and `seconds` count from when the question was asked, and since the step started. `hits`
    is the number of rows that it brought, `calls` that of the calls it came to, `cached` how many of
    these were answered without asking the source, and `retries` how often one was made again. `reason`
    says why a step brought nothing. A step that was "stopped" had not ended when the work had to.

    Example:
        >>> print(Ran(seconds=0.12, hits=5))
        ✓ 0.12 s, 5 rows
        >>> print(Ran(seconds=2.5, retries=2, status="error", reason="shop timed out"))
        ✗ 2.5 s, 2 retries: shop timed out
        >>> print(Ran(status="skipped", reason="s1 found something"))
        – skipped: s1 found something
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    seconds: float = 0.0
    started: float = 0.0
    hits: int = 0
    calls: int = 1
    retries: int = 0
    cached: int = 0
    status: Literal["ok", "error", "skipped", "stopped"] = "ok"
    reason: str = ""

    def __str__(self) -> str:
        """The step's fate in one line: a mark, the time, the rows, and what was out of the ordinary."""
        if self.status == "skipped":
            return f"{_MARKS['skipped']} skipped" + (f": {self.reason}" if self.reason else "")
        told = [f"{_MARKS[self.status]} {duration(self.seconds)}"]
        if self.status == "ok":
            told.append(
                counted(self.hits, "row") + (" from the cache" if self.calls and self.cached == self.calls else "")
            )
        if self.calls > 1:
            told.append(counted(self.calls, "call"))
        if self.retries:
            told.append(counted(self.retries, "retry", "retries"))
        return ", ".join(told) + (f": {self.reason}" if self.reason else "")


def ran_of(spans: Iterable[Span]) -> dict[str, Ran]:
    """What the spans of a question say of each step, by its id; of a step that ran more than once, the last time.

    Example:
        >>> from rag.trace import Span
        >>> step = Span(span_id="1", name="s1", kind="step", started=0.5, ended=1.0)
        >>> call = Span(span_id="2", parent="1", name="docs", kind="source", started=0.5, ended=1.0,
        ...             attributes={"step_id": "s1", "rows": 3})
        >>> print(ran_of([step, call])["s1"])
        ✓ 0.50 s, 3 rows
    """
    steps: dict[str, Span] = {}
    begun: dict[str, Span] = {}
    calls: dict[str | None, list[Span]] = {}
    for span in spans:
        if span.kind == "step":
            # What is begun while a plan is still being written has a span of its own, before that of the step.
            (begun if span.attributes.get("ahead") else steps)[span.name] = span
        elif span.kind == "source":
            calls.setdefault(span.parent, []).append(span)
    return {
        step_id: _ran(step, calls.get(step.span_id, []), begun.get(step_id), calls) for step_id, step in steps.items()
    }


def _ran(step: Span, calls: list[Span], begun: Span | None, all_calls: Mapping[str | None, list[Span]]) -> Ran:
    reason = str(step.attributes.get("reason", ""))
    # Work that is cancelled leaves its span by an exception, and has no time to say why.
    stopped = step.status == "error" and not reason
    ahead = begun if begun and any(call.attributes.get("ahead") for call in calls) else None
    started = ahead.started if ahead else step.started
    tried = [*calls, *(all_calls.get(ahead.span_id, []) if ahead else [])]
    return Ran(
        seconds=step.ended - started,
        started=started,
        hits=sum(_number(call, "rows") for call in calls),
        calls=len(calls),
        retries=sum(len(tries) for call in tried if isinstance(tries := call.attributes.get("retries"), list)),
        cached=sum(bool(call.attributes.get("cached")) for call in calls),
        status="stopped" if stopped else step.status,
        reason=_STOPPED if stopped else reason,
    )


def _number(span: Span, name: str) -> int:
    value = span.attributes.get(name, 0)
    return value if isinstance(value, int) else 0
