"""Plans as text, as a Mermaid flow chart, and as HTML for notebooks, where `rag.plan.svg` draws the graph."""

from __future__ import annotations

import json
from html import escape
from typing import TYPE_CHECKING

from rag.errors import PlanError
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
    """The plan as a graph, its notes, and its text folded away; no script and no download."""
    from rag.plan.svg import svg  # only notebooks draw

    question = (
        f"<div><strong>Plan</strong> for: {escape(plan.question)}</div>"
        if plan.question
        else "<div><strong>Plan</strong></div>"
    )
    graph = svg(plan) if plan.steps else "<i>no retrieval: no source is asked</i>"
    notes = "".join(f"<li>{escape(note)}</li>" for note in (*plan.notes, *_obstacles(plan)))
    return (
        f'<div style="max-width:100%">{question}<div style="overflow-x:auto;padding:6px 0">{graph}</div>'
        + (f'<ul style="margin:0;font-size:90%;opacity:.8">{notes}</ul>' if notes else "")
        + (f"<details><summary>as text</summary><pre>{escape(lines(plan))}</pre></details>" if plan.steps else "")
        + "</div>"
    )


def _obstacles(plan: Plan) -> tuple[str, ...]:
    """Why the plan cannot run as it stands, if its shape says so."""
    try:
        _ = plan.order
    except PlanError as error:
        return (f"this plan cannot run: {error}",)
    return ()
