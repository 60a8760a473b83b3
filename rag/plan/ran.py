"""What came of a plan's steps: how long each took, what it brought, and what went wrong."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from pydantic import BaseModel, ConfigDict

from rag.trace import Span

__all__ = ["Ran", "ran_of"]


class Ran(BaseModel):
    """What came of one step: `hits` are the rows of its `calls`, of which `cached` needed none to be made.

    `started` and `seconds` are in seconds, `started` from the moment when the question was asked.
    """

    model_config = ConfigDict(frozen=True)

    status: Literal["ok", "error", "skipped", "stopped"] = "ok"
    started: float = 0.0
    seconds: float = 0.0
    hits: int = 0
    calls: int = 0
    retries: int = 0
    cached: int = 0
    reason: str = ""


def ran_of(trace: Iterable[Span]) -> dict[str, Ran]:
    """What came of each step by its id, as the spans of a run tell; of several rounds the last one counts."""
    spans = list(trace)
    ran: dict[str, Ran] = {}
    for step in (span for span in spans if span.kind == "step"):
        calls = [span for span in spans if span.kind == "source" and span.parent == step.span_id]
        ran[step.name] = Ran(
            status=step.status if "reason" in step.attributes or step.status != "error" else "stopped",
            started=step.started,
            seconds=step.seconds,
            hits=sum(_whole(call.attributes.get("rows")) for call in calls),
            calls=len(calls),
            retries=sum(len(_listed(call.attributes.get("retries"))) for call in calls),
            cached=sum(bool(call.attributes.get("cached")) for call in calls),
            reason=str(step.attributes.get("reason", "")),
        )
    return ran


def _whole(value: object) -> int:
    return value if isinstance(value, int) else 0


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else []
