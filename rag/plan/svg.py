"""Plans as a picture: an SVG that stands alone, with no script, style sheet or download.

Columns are what can run at once: a step stands right of the steps that it waits for. Colours follow
the page's text, so that light and dark pages both read well. After a run each step tells how it went,
over a bar that shows when within the run it was at work.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Final, TypeAlias

from rag.errors import PlanError
from rag.plan.draw import fate, line
from rag.plan.refs import references, unparse_value
from rag.plan.words import cells, cut, visible

if TYPE_CHECKING:
    from rag.plan.value import Plan, Step

__all__ = ["svg"]

# All in pixels; widths are counted in cells, as the font is monospaced.
_CELL: Final = 7.25
_LINE: Final = 18
_PAD: Final = 10
_THIN: Final = (0.0, 10.0)  # of a lane
_GAP_X: Final = 68
_GAP_Y: Final = 14
_MOST_CELLS: Final = 40
_TAIL: Final = 18
_MOST_ARGS: Final = 4
_FONT: Final = "ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace"
_FATES: Final = {"ok": "#16a34a", "error": "#dc2626", "skipped": "currentColor", "stopped": "#d97706"}
_HUES: Final = ("#3b82f6", "#c2660a", "#0d9488", "#a855f7", "#db2777", "#15803d")

_Node: TypeAlias = "str | tuple[str, str, int]"
"""A step's id; or the lane in which the arrow between two steps passes a column."""


@dataclass(frozen=True, slots=True)
class _Box:
    """A step's place, or that of a lane."""

    x: float
    y: float
    width: float
    height: float

    @property
    def middle(self) -> float:
        return self.y + self.height / 2


def svg(plan: Plan) -> str:
    """The plan's graph; long arguments are cut, and stand in full in each step's tooltip."""
    hues = {source: _HUES[n % len(_HUES)] for n, source in enumerate(dict.fromkeys(s.source for s in plan.steps))}
    columns = _columns(plan)
    boxes = _placed(columns, {step.id: _size(plan, step) for step in plan.steps})
    width = max((box.x + box.width for box in boxes.values()), default=0) + 1
    height = max((box.y + box.height for box in boxes.values()), default=0) + 1
    hue_of = {step.id: hues[step.source] for step in plan.steps}
    parts = [_arrow(nodes, boxes, dashed=dashed) for nodes, dashed in _arrows(plan, columns)]
    parts += [_step(step, boxes[step.id], hue_of) for step in plan.steps]
    parts += [_outcome(plan, step, boxes[step.id]) for step in plan.steps if plan.ran]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="plan of {len(plan.steps)} steps" '
        f'width="{width:.0f}" height="{height:.0f}" viewBox="-.5 -.5 {width:.0f} {height:.0f}" '
        f'font-family="{_FONT}" font-size="12" fill="currentColor">{"".join(parts)}</svg>'
    )


def _depths(plan: Plan) -> dict[str, int]:
    """Each step's column."""
    try:
        order = plan.order
    except PlanError:  # it cannot run as it is, but it can be looked at, to be mended
        return {step.id: n for n, step in enumerate(plan.steps)}
    steps, depths = {step.id: step for step in plan.steps}, dict[str, int]()
    for step_id in order:
        depths[step_id] = 1 + max((depths[needed] for needed in steps[step_id].waits_for), default=-1)
    return depths


def _columns(plan: Plan) -> list[list[_Node]]:
    """What stands in each column, top down: steps, and lanes for arrows that pass."""
    depths = _depths(plan)
    columns: list[list[_Node]] = [[] for _ in range(max(depths.values(), default=-1) + 1)]
    before: dict[_Node, list[_Node]] = {}
    for step in plan.steps:
        columns[depths[step.id]].append(step.id)
        for needed in sorted(step.waits_for & depths.keys()):
            nodes = _way(needed, step.id, depths)
            for n, lane in enumerate(nodes[1:-1], start=depths[needed] + 1):
                columns[n].append(lane)
            for left, right in itertools.pairwise(nodes):
                before.setdefault(right, []).append(left)
    for left_column, column in itertools.pairwise(columns):
        # Next to what they come from, so that few arrows cross.
        rows = {node: row for row, node in enumerate(left_column)}
        column.sort(key=lambda node: _mean([rows[n] for n in before.get(node, ()) if n in rows]))
    return columns


def _way(needed: str, step_id: str, depths: Mapping[str, int]) -> list[_Node]:
    return [needed, *((needed, step_id, n) for n in range(depths[needed] + 1, depths[step_id])), step_id]


def _mean(numbers: list[int]) -> float:
    return sum(numbers) / len(numbers) if numbers else 0.0


def _placed(columns: list[list[_Node]], sizes: Mapping[_Node, tuple[float, float]]) -> dict[_Node, _Box]:
    totals = [sum(sizes.get(node, _THIN)[1] + _GAP_Y for node in column) for column in columns]
    boxes: dict[_Node, _Box] = {}
    x = 0.0
    for column, total in zip(columns, totals, strict=True):
        width = max(sizes.get(node, _THIN)[0] for node in column)
        y = (max(totals) - total) / 2
        for node in column:
            boxes[node] = _Box(x, y, width, sizes.get(node, _THIN)[1])
            y += boxes[node].height + _GAP_Y
        x += width + _GAP_X
    return boxes


def _size(plan: Plan, step: Step) -> tuple[float, float]:
    texts = [text for text, _ in _lines(step)] + ([_shown(fate(plan, step))] if plan.ran else [])
    longest = max([cells(step.id) + 2 + cells(_shown(step.source)), *map(cells, texts)])
    return longest * _CELL + 2 * _PAD, _LINE * (1 + len(texts)) + _PAD


def _lines(step: Step) -> list[tuple[str, str | None]]:
    """What stands below the source's name, each with the step it refers to: the arguments, and a condition."""
    shown = []
    for name, value in step.args.items():
        referred = next(references(value), None)
        text = f"{name}: {json.dumps(unparse_value(value), ensure_ascii=False)}"
        # A reference often comes last, and says more of the plan than what is before it.
        shown.append((_shown(text, tail=_TAIL if referred else 0), referred.step if referred else None))
    if len(shown) > _MOST_ARGS:
        shown[_MOST_ARGS - 1 :] = [(f"… {len(shown) - _MOST_ARGS + 1} more", None)]
    return shown + ([(f"only if {step.if_empty} finds nothing", step.if_empty)] if step.if_empty else [])


def _step(step: Step, box: _Box, hue_of: Mapping[str, str]) -> str:
    x, y = box.x + _PAD, box.y + _LINE - 2
    parts = [
        f"<title>{escape(line(step))}</title>",
        f'<rect x="{box.x:.1f}" y="{box.y:.1f}" width="{box.width:.1f}" height="{box.height:.1f}" rx="5" '
        'fill="#808080" fill-opacity=".09" stroke="currentColor" stroke-opacity=".3"/>',
        f'<rect x="{box.x:.1f}" y="{box.y:.1f}" width="4" height="{box.height:.1f}" rx="2" fill="{hue_of[step.id]}"/>',
        f'<text x="{x:.1f}" y="{y:.1f}" xml:space="preserve"><tspan opacity=".6">{escape(step.id)}</tspan>  '
        f'<tspan font-weight="bold">{escape(_shown(step.source))}</tspan></text>',
    ]
    for row, (text, referred) in enumerate(_lines(step), start=1):
        # What refers to another step has that step's colour.
        hue = hue_of.get(referred or "", "currentColor")
        parts.append(f'<text x="{x:.1f}" y="{y + row * _LINE:.1f}" fill="{hue}">{escape(text)}</text>')
    return f"<g>{''.join(parts)}</g>"


def _outcome(plan: Plan, step: Step, box: _Box) -> str:
    """How the step went, and under it a bar from when it started to when it ended, the box being the whole run."""
    ran, text = plan.ran.get(step.id), fate(plan, step)
    hue = _FATES[ran.status if ran else "skipped"]
    y = box.y + box.height - _PAD - 1
    told = (
        f'<text x="{box.x + _PAD:.1f}" y="{y:.1f}" font-size="11" fill="{hue}">'
        f"<title>{escape(text)}</title>{escape(_shown(text))}</text>"
    )
    begun = min(r.started for r in plan.ran.values())
    whole = max(r.started + r.seconds for r in plan.ran.values()) - begun
    if ran is None or ran.status == "skipped" or whole <= 0:
        return told
    room = box.width - 2 * _PAD
    x, width = box.x + _PAD + room * (ran.started - begun) / whole, max(1.5, room * ran.seconds / whole)
    return (
        f'{told}<rect x="{box.x + _PAD:.1f}" y="{y + 5:.1f}" width="{room:.1f}" height="2" fill="currentColor" '
        f'opacity=".15"/><rect x="{min(x, box.x + _PAD + room - 1.5):.1f}" y="{y + 5:.1f}" width="{width:.1f}" '
        f'height="2" fill="{hue}"/>'
    )


def _arrows(plan: Plan, columns: list[list[_Node]]) -> Iterator[tuple[list[_Node], bool]]:
    """The nodes that each arrow passes, and whether it is one of `if_empty`."""
    depths = {node: n for n, column in enumerate(columns) for node in column if isinstance(node, str)}
    for step in plan.steps:
        # Of a ring, which cannot run, the arrows that would go back are left out.
        for needed in sorted(n for n in step.waits_for & depths.keys() if depths[n] < depths[step.id]):
            yield _way(needed, step.id, depths), needed == step.if_empty


def _arrow(nodes: list[_Node], boxes: Mapping[_Node, _Box], *, dashed: bool) -> str:
    start, *lanes, end = [boxes[node] for node in nodes]
    x, y = start.x + start.width, start.middle
    path = [f"M{x:.1f} {y:.1f}"]
    for box in (*lanes, end):
        to = box.x - (7 if box is end else 0)
        bend = (x + to) / 2
        path.append(f"C{bend:.1f} {y:.1f} {bend:.1f} {box.middle:.1f} {to:.1f} {box.middle:.1f}")
        x, y = box.x + box.width, box.middle
        path += [f"H{x:.1f}"] if box is not end else []
    tip = f"M{end.x - 8:.1f} {end.middle - 4:.1f}l7 4l-7 4z"
    style = 'fill="none" stroke="currentColor" stroke-width="1.3"' + (' stroke-dasharray="4 3"' if dashed else "")
    return f'<g opacity=".65"><path d="{"".join(path)}" {style}/><path d="{tip}"/></g>'


def _shown(text: str, tail: int = 0) -> str:
    return cut(visible(" ".join(text.split())), _MOST_CELLS, tail)
