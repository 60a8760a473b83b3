"""Reports summed up: a row a measure, and a row a measure of two reports compared."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Final, Literal

from rag.errors import ConfigError
from rag.evaluate.bootstrap import Gain, interval, paired
from rag.evaluate.measures.claims import LABELS, macro_f1
from rag.evaluate.measures.table import MEASURES, Group, Measure

if TYPE_CHECKING:
    from rag.evaluate.results import Report
    from rag.evaluate.tasks import Task

__all__ = ["Compared", "Row", "comparable", "compared", "figure", "named", "rows", "signed", "text", "ungiven", "value"]

_LABELS: Final = "label accuracy"
_MACRO: Final = "label macro-F1"
_CHANCE: Final = 0.05
"""The p from which on a difference is told to be within chance."""


@dataclass(frozen=True, slots=True)
class Row:
    """A measure of a report: its value, the 95 % interval over questions, and the deviation over seeds.

    `count` is the number of questions that it applies to.
    """

    name: str
    group: Group
    about: str
    better: Literal["more", "less"]
    value: float
    count: int
    low: float | None = None
    high: float | None = None
    deviation: float | None = None

    @property
    def span(self) -> str:
        """The interval as tables have it; "" where there is none."""
        return f"{figure(self.low)} – {figure(self.high)}" if self.low is not None and self.high is not None else ""

    @property
    def noise(self) -> str:
        """The deviation as tables have it; "" where there is none."""
        return f"± {figure(self.deviation)}" if self.deviation is not None else ""


@dataclass(frozen=True, slots=True)
class Compared:
    """A measure of two reports over the questions that both have; `gain` is this one less the other."""

    name: str
    group: Group
    better: Literal["more", "less"]
    here: float
    there: float
    gain: Gain
    count: int
    noise: float | None = None
    """The deviation of the difference over seeds, where there are several."""

    @property
    def span(self) -> str:
        """The interval of the difference as tables have it."""
        return f"{signed(self.gain.low)} – {signed(self.gain.high)}"

    @property
    def warning(self) -> str | None:
        """Why the difference may be none, if so."""
        if self.gain.mean == 0:
            return None
        if self.noise is not None and abs(self.gain.mean) < self.noise:
            return f"smaller than the noise of the seeds, {figure(self.noise)}"
        if self.gain.low <= 0 <= self.gain.high or self.gain.p > _CHANCE:
            return "within chance"
        return None


def rows(report: Report) -> list[Row]:
    """The measures that apply, in the order of their table; macro-F1 of labels after their accuracy."""
    found = [row for measure in MEASURES if (row := _row(report, measure))]
    places = [place for place, row in enumerate(found) if row.name == _LABELS]
    if places:
        found.insert(places[0] + 1, _macro(report))
    return found


def value(report: Report, name: str) -> float | None:
    """The value of a measure, by its name in the table; None where it does not apply."""
    if name == _MACRO:
        return fmean(map(macro_f1, report.label_pairs)) if any(report.label_pairs) else None
    measure = next((measure for measure in MEASURES if measure.name == name), None)
    sums = _sums(report, measure) if measure else []
    return fmean(sums) if sums else None


def compared(here: Report, there: Report) -> list[Compared]:
    """The measures that both reports have, question by question.

    Raises:
        ConfigError: they are of different data, or share no question.
    """
    comparable(here, there)
    names = dict.fromkeys(measure.of for measure in MEASURES)
    found = [row for name in names if (row := _compared(here, there, name))]
    if not found:
        raise ConfigError("the reports share no measured question; run both on the same questions")
    return found


def comparable(here: Report | Task, there: Report) -> None:
    """See that a report, or what will come of a task, can be compared with a report.

    Raises:
        ConfigError: they are of different data.
    """
    if here.data_hash != there.data_hash:
        raise ConfigError(
            f"the report to compare with is of other data: {there.task} ({there.data_hash}), and this is of"
            f" {here.data_hash}; run both on the same files"
        )


def text(report: Report) -> str:
    """A line a measure: its value, interval, deviation over seeds, and number of questions."""
    return "\n".join(_lines(report))


def ungiven(report: Report) -> str:
    """A line that names the gold labels of claims which no answer can give, and so count as wrong; "" for none."""
    names = sorted({gold for pairs in report.label_pairs for gold, _ in pairs} - LABELS)
    return f"no answer can give the labels {', '.join(names)}: each claim of them counts as wrong" if names else ""


def figure(value: float) -> str:
    """A value as tables have it: three places where it is small, none where it is large.

    Example:
        >>> figure(0.73801), figure(12.345), figure(1234.5), figure(0.000123)
        ('0.738', '12.3', '1,234', '0.00012')
    """
    size = abs(value)
    if size >= 100:
        return f"{value:,.0f}"
    if size >= 10:
        return f"{value:.1f}"
    return f"{value:.3f}" if size >= 0.001 or not size else f"{value:.2g}"


def signed(value: float) -> str:
    """A difference as tables have it.

    Example:
        >>> signed(0.0312), signed(-2), signed(0)
        ('+0.031', '-2.000', '0')
    """
    return f"{'+' if value > 0 else '-'}{figure(abs(value))}" if value else "0"


def named(report: Report) -> str:
    """What a report is of, and of when.

    Example:
        >>> from rag.evaluate.results import Report
        >>> about = {"assistant": "mine.py", "date": "2026-11-24T18:29:48"}
        >>> named(Report(task="faq", data_hash="", about=about, runs=()))
        'mine.py, 2026-11-24 18:29'
    """
    subject = report.about.get("subject")
    kind = subject.get("kind") if isinstance(subject, dict) else None
    date = str(report.about.get("date", ""))[:16].replace("T", " ")
    return ", ".join(str(told) for told in (report.about.get("assistant") or kind or report.task, date) if told)


def _row(report: Report, measure: Measure) -> Row | None:
    runs, sums = report.matrix(measure.of), _sums(report, measure)
    if not sums:
        return None
    # Of one question nothing can be drawn.
    low, high = interval(runs, measure.fold) if len(runs[0]) > 1 else (None, None)
    return Row(
        measure.name,
        measure.group,
        measure.about,
        measure.better,
        fmean(sums),
        len(runs[0]),
        low,
        high,
        stdev(sums) if len(sums) > 1 else None,
    )


def _sums(report: Report, measure: Measure) -> list[float]:
    """The measure of each run; empty where it does not apply."""
    import numpy as np

    runs = report.matrix(measure.of)
    return [float(total) for total in measure.summed(np.asarray(runs))] if runs else []


def _macro(report: Report) -> Row:
    values = [macro_f1(pairs) for pairs in report.label_pairs]
    deviation = stdev(values) if len(values) > 1 else None
    about = "the mean over the gold labels of the F1 of each"
    count = len(report.label_pairs[0])
    return Row(_MACRO, "claims", about, "more", fmean(values), count, deviation=deviation)


def _compared(here: Report, there: Report, name: str) -> Compared | None:
    ours, theirs = here.values(name), there.values(name)
    both = [case_id for case_id in ours if case_id in theirs]
    if not both:
        return None
    measure = next(measure for measure in MEASURES if measure.of == name)
    mine, other = [ours[case_id] for case_id in both], [theirs[case_id] for case_id in both]
    return Compared(
        name,
        measure.group,
        measure.better,
        fmean(mine),
        fmean(other),
        paired(mine, other),
        len(both),
        _noise(here, there, name),
    )


def _noise(here: Report, there: Report, name: str) -> float | None:
    """The deviation of the difference of two runs' means, from the reports that have several seeds."""
    squares = []
    for report in (here, there):
        means = [fmean(v) for run in report.runs if (v := [r.values[name] for r in run.results if name in r.values])]
        if len(means) > 1:
            squares.append(stdev(means) ** 2)
    return sum(squares) ** 0.5 if squares else None


def _lines(report: Report) -> Iterator[str]:
    found = rows(report)
    width = max((len(row.name) for row in found), default=0)
    for row in found:
        line = f"{row.name:<{width}}  {figure(row.value):>7}"
        if row.low is not None and row.high is not None:
            line += f"  [{figure(row.low)}, {figure(row.high)}]"
        if row.deviation is not None:
            line += f"  {row.noise} over {len(report.runs)} seeds"
        yield f"{line}  {row.count} question{'' if row.count == 1 else 's'}"
    if errors := len(report.errors):
        yield f"{errors} question{'' if errors == 1 else 's'} failed, and count as 0"
    if unjudged := len(report.unjudged):
        yield f"{unjudged} answer{'' if unjudged == 1 else 's'} got no verdict of the judge, and count for nothing"
    if told := ungiven(report):
        yield told
    yield from report.stale
