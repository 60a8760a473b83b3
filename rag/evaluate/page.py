"""A report as one page: figures, plots, what they depend on, and every question; it loads nothing, runs no script."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html import escape
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Final

from rag.evaluate.plots import difference_bar, histogram, interval_bar
from rag.evaluate.summary import Compared, Row, compared, figure, named, rows, signed

if TYPE_CHECKING:
    from pydantic import JsonValue

    from rag.evaluate.results import Report, Result

__all__ = ["page"]

_MOST: Final = 2000  # questions that a page shows; the JSON has them all


def page(report: Report, other: Report | None = None) -> str:
    """The whole page; every text is escaped."""
    body = "".join(_parts(report, other))
    style = Path(__file__).with_name("page.css").read_text(encoding="utf-8")
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(report.task)}</title><style>{style}</style></head><body>{body}</body></html>\n"
    )


def _parts(report: Report, other: Report | None) -> Iterator[str]:
    found = rows(report)
    yield f"<h1>{escape(report.task)}</h1>"
    yield f'<div class="chips">{"".join(_chips(report))}</div>'
    yield "".join(f'<p class="warn">{escape(line)}</p>' for line in report.stale)
    yield f"<h2>Measures</h2>{_measures(report, found)}"
    if other is not None:
        yield f"<h2>Compared with {escape(named(other))}</h2>{_comparison(compared(report, other))}"
    yield f'<h2>Distributions</h2><div class="plots">{"".join(_plots(report, found))}</div>'
    yield f"<h2>What the figures depend on</h2>{_about(report)}"
    yield f"<h2>Questions</h2>{''.join(_questions(report, found))}"


def _chips(report: Report) -> Iterator[str]:
    yield f"<span>{escape(named(report))}</span>"
    for name in ("planners", "models"):
        yield from (f"<span>{escape(str(told))}</span>" for told in _listed(report.about.get(name)))
    yield f"<span>{len(report.runs[0].results):,} questions</span>"
    if len(report.runs) > 1:
        yield f"<span>{len(report.runs)} seeds</span>"
    if report.about.get("replayed"):
        yield "<span>replayed: seconds are those of the replay</span>"
    if report.errors:
        yield f'<span class="bad">{len(report.errors)} failed</span>'


def _listed(value: JsonValue) -> list[JsonValue]:
    return value if isinstance(value, list) else []


def _measures(report: Report, found: list[Row]) -> str:
    several = len(report.runs) > 1
    head = ["measure", "", "value", "95 % interval", *(["over seeds"] if several else []), "questions"]
    parts = [f"<table><tr>{''.join(f'<th{_right(place)}>{name}</th>' for place, name in enumerate(head))}</tr>"]
    for group, members in groupby(found, key=lambda row: row.group):
        parts.append(f'<tr class="group"><td colspan="{len(head)}">{group}</td></tr>')
        parts += [_measure(row, several) for row in members]
    return f"{''.join(parts)}</table>"


def _number(cell: str) -> str:
    return f'<td class="n">{cell}</td>'


def _right(place: int) -> str:
    return ' class="n"' if place > 1 else ""


def _measure(row: Row, several: bool) -> str:
    share = row.group != "cost"
    bar = interval_bar(row.value, row.low, row.high) if share else ""
    told = f'{escape(row.name)}<br><span class="faint">{escape(row.about)}</span>'
    cells = [f"<b>{figure(row.value)}</b>", row.span, *([row.noise] if several else []), f"{row.count:,}"]
    return f"<tr><td>{told}</td><td>{bar}</td>{''.join(map(_number, cells))}</tr>"


def _comparison(found: list[Compared]) -> str:
    head = "".join(f'<th class="n">{name}</th>' for name in ("this", "other", "difference", "95 % interval", "p"))
    parts = [f"<table><tr><th>measure</th><th>worse · better</th>{head}<th>questions</th></tr>"]
    for row in found:
        gain = row.gain
        warning = f'<br><span class="faint warn">{escape(row.warning)}</span>' if row.warning else ""
        cells = [
            figure(row.here),
            figure(row.there),
            f"<b>{signed(gain.mean)}</b>",
            row.span,
            f"{gain.p:.2g}",
            f"{row.count:,}",
        ]
        figures = "".join(map(_number, cells))
        parts.append(f"<tr><td>{escape(row.name)}{warning}</td><td>{difference_bar(row)}</td>{figures}</tr>")
    return f'{"".join(parts)}</table><p class="faint">Over the questions that both have; paired bootstrap.</p>'


def _plots(report: Report, found: list[Row]) -> Iterator[str]:
    if main := _main(found):
        yield histogram(list(report.values(main.name).values()), main.name)
    if seconds := report.values("seconds"):
        yield histogram(list(seconds.values()), "time of a question", " seconds")


def _main(found: list[Row]) -> Row | None:
    """The measure that questions are ordered by: `judged` or F1, else the first one of the group that tells most."""
    order = ("answers", "claims", "plans", "ranking", "citations")
    best = (row for name in ("judged", "F1") for row in found if row.name == name)
    return next(best, None) or next((row for group in order for row in found if row.group == group), None)


def _about(report: Report) -> str:
    told = {"task": report.task, "data": report.data_hash, **report.about}
    if report.judging.model_calls:
        told["judging"] = f"{report.judging}"
    parts = (f"<dt>{escape(name)}</dt><dd>{escape(_said(value))}</dd>" for name, value in told.items() if value)
    return f"<dl>{''.join(parts)}</dl>"


def _said(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_said(item)}" for name, item in value.items() if item is not None)
    return ", ".join(map(_said, value)) if isinstance(value, list) else str(value)


def _questions(report: Report, found: list[Row]) -> Iterator[str]:
    main = _main(found)
    several = len(report.runs) > 1
    results = [(result, run.seed if several else None) for run in report.runs for result in run.results]
    if main:
        results.sort(key=lambda r: (r[0].error is None, r[0].values.get(main.name, float("inf")), r[0].case_id))
        yield f'<p class="faint">Those that failed first, then by {escape(main.name)}, the lowest first.</p>'
    yield from (_question(result, seed, main) for result, seed in results[:_MOST])
    if len(results) > _MOST:
        yield f'<p class="faint">and {len(results) - _MOST:,} more, which the JSON has.</p>'


def _question(result: Result, seed: int | None, main: Row | None) -> str:
    value = figure(result.values[main.name]) if main and main.name in result.values else ""
    mark = '<span class="error">failed</span>' if result.error else f'<span class="n">{value}</span>'
    told = {
        "id": result.case_id,
        "seed": "" if seed is None else str(seed),
        "error": result.error or "",
        "right": " / ".join(result.gold) or result.gold_label or "",
        "answer": result.text,
        "label": result.label,
        "found": ", ".join(result.found),
        "plan": _planned(result),
        "notes": "\n".join(result.notes),
        "values": ", ".join(f"{name} {figure(number)}" for name, number in result.values.items()),
    }
    parts = "".join(f"<dt>{name}</dt><dd>{escape(text)}</dd>" for name, text in told.items() if text)
    return (
        f'<details><summary><span class="q">{escape(result.question)}</span>{mark}</summary>'
        f"<div><dl>{parts}</dl></div></details>"
    )


def _planned(result: Result) -> str:
    from rag.plan import Plan

    return str(Plan.model_validate(result.plan)) if result.plan and result.plan.get("steps") else ""
