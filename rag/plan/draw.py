"""Plans as text, as a Mermaid flow chart, and as HTML for notebooks, where `rag.plan.svg` draws the graph."""

from __future__ import annotations

import json
import re
from html import escape
from typing import TYPE_CHECKING, Final

from rag.errors import PlanError
from rag.plan.refs import unparse_value
from rag.plan.words import cells, cut, padded, visible

if TYPE_CHECKING:
    from rag.plan.value import Plan, Step

__all__ = ["call", "change", "fate", "html", "line", "lines", "mermaid"]

_COLUMN: Final = 88
"""Where the column of outcomes stands at most, in cells; a longer line pushes its own to the right."""

# Words that would be read as Mermaid's own where a node is named.
_KEYWORDS: Final = frozenset(
    (
        "end",
        "graph",
        "flowchart",
        "subgraph",
        "direction",
        "style",
        "class",
        "classdef",
        "click",
        "default",
        "linkstyle",
    )
)
_CLASSES: Final = {"ok": "#16a34a", "error": "#dc2626", "skipped": "#808080", "stopped": "#d97706"}


def call(step: Step) -> str:
    """The step's call: `source(argument="value", …)`."""
    args = ", ".join(f"{k}={json.dumps(unparse_value(v), ensure_ascii=False)}" for k, v in step.args.items())
    return visible(f"{step.source}({args})")


def line(step: Step) -> str:
    """The step in one line: its id, its call, what it waits for, and when it runs."""
    waits = sorted(step.waits_for - ({step.if_empty} if step.if_empty else set()))
    tail = f"  ← {', '.join(waits)}" if waits else ""
    tail += f"  if {step.if_empty} finds nothing" if step.if_empty else ""
    return f"{step.id}  {call(step)}{tail}"


def lines(plan: Plan) -> str:
    """The plan, one line a step; after a run, with a column of what became of each."""
    told = [line(step) for step in plan.steps]
    if not plan.ran:
        return "\n".join(told) or "(no retrieval)"
    column = max((cells(text) for text in told if cells(text) <= _COLUMN), default=0)
    return "\n".join(f"{padded(text, column)}  {fate(plan, step)}" for text, step in zip(told, plan.steps, strict=True))


def fate(plan: Plan, step: Step) -> str:
    """What became of the step when the plan was run, in one line."""
    # A reason is in the words of a source, which may be many.
    return cut(visible(str(plan.ran[step.id])), _COLUMN) if step.id in plan.ran else "– did not start"


def change(before: Step, after: Step) -> str:
    """What changed in a step, in one line: its call, and what it waits for where that is another."""
    sides = []
    for step in (before, after):
        told = call(step)
        if before.after != after.after:
            told += f"  after {', '.join(step.after) or 'nothing'}"
        if before.if_empty != after.if_empty:
            told += f"  if {step.if_empty} finds nothing" if step.if_empty else "  in any case"
        sides.append(told)
    return f"~ {before.id}  {'  →  '.join(sides)}"


def mermaid(plan: Plan) -> str:
    """The plan as a Mermaid flow chart; after a run, each step has the class of its status."""
    out = ["flowchart LR"]
    for step in plan.steps:
        told = _label(f"{step.id}: {call(step)}") + (f"<br/>{_label(fate(plan, step))}" if plan.ran else "")
        out.append(f'    {_node(step.id)}["{told}"]')
    for step in plan.steps:
        for needed in sorted(step.waits_for):
            arrow = "-. if empty .->" if needed == step.if_empty else "-->"
            out.append(f"    {_node(needed)} {arrow} {_node(step.id)}")
    for status, hue in _CLASSES.items():
        if nodes := [
            _node(step.id) for step in plan.steps if step.id in plan.ran and plan.ran[step.id].status == status
        ]:
            out += [f"    classDef {status} stroke:{hue},stroke-width:2px", f"    class {','.join(nodes)} {status}"]
    return "\n".join(out)


def _node(step_id: str) -> str:
    # A hyphen stands in no id, so that no other step has this name.
    return f"step-{step_id}" if step_id.lower() in _KEYWORDS else step_id


def _label(text: str) -> str:
    # Mermaid reads HTML, its own entities, and directives wherever they stand.
    return re.sub(r'["<>&#%`]', lambda sign: f"#{ord(sign[0])};", text)


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
