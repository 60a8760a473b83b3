"""The tables that `rag eval` prints."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from rag.evaluate.summary import compared, figure, named, rows, signed

if TYPE_CHECKING:
    from rich.table import Table

    from rag.evaluate.results import Report

__all__ = ["compared_table", "measured_table"]

_WIDTH = 100


def measured_table(report: Report) -> str:
    """A line a measure: value, 95 % interval over questions, deviation over seeds, number of questions."""
    several = len(report.runs) > 1
    names = ("value", "95 % interval", *(("over seeds",) if several else ()), "questions")
    table = _table(f"{report.task}: {len(report.runs[0].results):,} questions", names)
    group = None
    for row in rows(report):
        if group not in (None, row.group):
            table.add_section()
        group = row.group
        noise = [row.noise] if several else []
        table.add_row(row.name, figure(row.value), row.span, *noise, f"{row.count:,}")
    return _drawn(table)


def compared_table(report: Report, other: Report) -> str:
    """A line a measure of both: this, the other, the difference with its interval and p, and whether it may be none."""
    found = compared(report, other)
    table = _table(f"compared with {named(other)}", ("this", "other", "difference", "95 % interval", "p", ""))
    for row in found:
        gain = row.gain
        figures = (figure(row.here), figure(row.there), signed(gain.mean), row.span, f"{gain.p:.2g}")
        table.add_row(row.name, *figures, row.warning or "")
    return _drawn(table)


def _table(title: str, names: tuple[str, ...]) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(title=title, box=box.SIMPLE_HEAD, title_justify="left", pad_edge=False)
    table.add_column("measure", no_wrap=True)
    for name in names:
        table.add_column(name, justify="right" if name else "left", no_wrap=bool(name))
    return table


def _drawn(table: Table) -> str:
    from rich.console import Console

    # Written by `show.write`, which minds the encoding of stdout.
    text = io.StringIO()
    Console(file=text, width=_WIDTH, no_color=True, highlight=False).print(table)
    return "\n".join(line.rstrip() for line in text.getvalue().splitlines())
