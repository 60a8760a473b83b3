"""What the commands print."""

from __future__ import annotations

import json
import sys
import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING

from rag.shown import on_a_line, printable

if TYPE_CHECKING:
    from rag.plan import Plan
    from rag.trace import Trace
    from rag.types import Answer

__all__ = ["answer_text", "json_text", "model_failure", "one_line", "plan_text", "trace_text", "write"]


def one_line(message: str) -> str:
    """The message on one line, without control characters, at most 500 characters long."""
    line = on_a_line(message)
    return line if len(line) <= 500 else line[:499] + "…"


def write(text: str) -> None:
    """Print to stdout, whatever its encoding can show."""
    encoding = sys.stdout.encoding or "utf-8"
    safe = printable(text).encode(encoding, "replace").decode(encoding)
    sys.stdout.write(safe + "\n")


def json_text(value: Answer | Plan) -> str:
    """The value's JSON, in ASCII, so that any terminal and any pipe takes it as it is."""
    return json.dumps(value.model_dump(mode="json"))


def plan_text(plan: Plan) -> str:
    """The plan under its heading: which sources, and which steps."""
    used = list(dict.fromkeys(step.source for step in plan.steps))
    count = f"{len(plan.steps)} step{'s' if len(plan.steps) > 1 else ''}"
    lines = [f"Plan: {count} over {', '.join(used)}" if used else "Plan: no retrieval"]
    lines += [f"  {line}" for line in str(plan).splitlines() if plan.steps]
    return "\n".join(lines)


def answer_text(answer: Answer) -> str:
    """Plan, answer, numbered sources and notes."""
    return "\n".join(_answer_lines(answer))


def trace_text(trace: Trace) -> str:
    """The trace under its heading, drawn in ASCII where stdout cannot show more."""
    from rag.timeline import text

    try:
        "├└│▌▐█→…".encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        return f"\nTrace\n{text(trace, plain=True)}"
    return f"\nTrace\n{text(trace)}"


def model_failure(answer: Answer) -> str | None:
    """Why the model gave nothing, when it was asked and every call of it failed."""
    calls = [span for span in answer.trace if span.kind == "model"]
    if not calls or any(span.status == "ok" for span in calls):
        return None
    return str(calls[-1].attributes.get("error", "the model failed"))


def _answer_lines(answer: Answer) -> Iterator[str]:
    yield plan_text(answer.plan)
    yield ""
    yield "Answer" + (" (partial)" if answer.partial else "")
    for paragraph in answer.text.splitlines() or [""]:
        yield textwrap.fill(paragraph, 100, initial_indent="  ", subsequent_indent="  ", break_long_words=False)
    if answer.cited:
        yield ""
        yield "Sources"
    for citation in answer.cited:
        passage = citation.passage
        title = f"{passage.title} — " if passage.title else ""
        yield f"  [{citation.n}] " + one_line(f"{title}{passage.source}: {passage.doc_id}")
    if answer.notes:
        yield ""
        yield "Notes"
    for note in answer.notes:
        yield textwrap.fill(note, 100, initial_indent="  - ", subsequent_indent="    ", break_long_words=False)
