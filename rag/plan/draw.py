"""Plans as text, as a Mermaid flow chart, and as HTML for notebooks."""

from __future__ import annotations

import html as escape
import json
from typing import TYPE_CHECKING

from rag.plan.refs import unparse_value

if TYPE_CHECKING:
    from rag.plan.value import Plan, Step

__all__ = ["call", "html", "line", "lines", "mermaid"]


def call(step: Step) -> str:
    """The step's call: `source(argument="value", …)`."""
    args = ", ".join(f"{k}={json.dumps(unparse_value(v), ensure_ascii=False)}" for k, v in step.args.items())
    return f"{step.source}({args})"


def line(step: Step) -> str:
    """The step in one line: its id, its call, what it waits for, and when it runs."""
    waits = sorted(step.waits_for - ({step.if_empty} if step.if_empty else set()))
    tail = f"  ← {', '.join(waits)}" if waits else ""
    tail += f"  if {step.if_empty} finds nothing" if step.if_empty else ""
    return f"{step.id}  {call(step)}{tail}"


def lines(plan: Plan) -> str:
    """The plan, one line a step."""
    return "\n".join(line(step) for step in plan.steps) or "(no retrieval)"


def mermaid(plan: Plan) -> str:
    """The plan as a Mermaid flow chart."""
    out = ["flowchart LR"]
    for step in plan.steps:
        label = call(step).replace('"', "#quot;").replace("<", "#lt;").replace("\n", " ")
        out.append(f'    {step.id}["{step.id}: {label}"]')
    for step in plan.steps:
        for needed in sorted(step.waits_for):
            out.append(f"    {needed} {'-. if empty .->' if needed == step.if_empty else '-->'} {step.id}")
    return "\n".join(out)


def html(plan: Plan) -> str:
    """The plan as an HTML table, with no script and no download."""
    rows = "".join(f"<tr><td><code>{escape.escape(line(step))}</code></td></tr>" for step in plan.steps)
    notes = "".join(f"<li>{escape.escape(note)}</li>" for note in plan.notes)
    body = rows or "<tr><td>no retrieval</td></tr>"
    return f"<table><caption>Plan</caption>{body}</table>" + (f"<ul>{notes}</ul>" if notes else "")
