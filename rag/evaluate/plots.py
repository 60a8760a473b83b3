"""Plots of a report as inline SVG, with no script; colours are the page's own variables."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from html import escape
from typing import Final

from rag.evaluate.summary import Compared, figure, signed

__all__ = ["difference_bar", "histogram", "interval_bar"]

_BAR: Final = (160, 18)
_PLOT: Final = (420, 190)
_LEFT, _RIGHT, _TOP, _BOTTOM = 44, 12, 12, 38
_BINS: Final = 20


def interval_bar(value: float, low: float | None, high: float | None) -> str:
    """A dot at a value from 0 to 1, on the line of its interval."""
    width, height = _BAR
    middle = height / 2

    def at(share: float) -> float:
        return 4 + (width - 8) * min(1.0, max(0.0, share))

    parts = [f'<line x1="4" x2="{width - 4}" y1="{middle}" y2="{middle}" class="axis"/>']
    if low is not None and high is not None:
        parts.append(f'<line x1="{at(low):.1f}" x2="{at(high):.1f}" y1="{middle}" y2="{middle}" class="span"/>')
    parts.append(f'<circle cx="{at(value):.1f}" cy="{middle}" r="4" class="dot"/>')
    return _svg(width, height, parts, f"{figure(value)}, on a line from 0 to 1")


def histogram(values: Sequence[float], title: str, unit: str = "") -> str:
    """How many questions have which value, with a line at the median."""
    width, height = _PLOT
    low, high, step = _bins(values)
    counts = [0] * max(1, round((high - low) / step))
    for value in values:
        counts[min(len(counts) - 1, int((value - low) / step))] += 1
    most, inner, floor = max(counts), width - _LEFT - _RIGHT, height - _BOTTOM
    parts = list(_counts_axis(most, width, floor))
    for place, count in enumerate(counts):
        tall = (floor - _TOP) * count / most
        left, wide = _LEFT + inner * place / len(counts), inner / len(counts) - 1
        told = f"{figure(low + place * step)} to {figure(low + (place + 1) * step)}{unit}: {count}"
        parts.append(
            f'<rect x="{left:.1f}" y="{floor - tall:.1f}" width="{wide:.1f}" height="{tall:.1f}" class="column">'
            f"<title>{told}</title></rect>"
        )
    for share in (0, 0.25, 0.5, 0.75, 1):
        anchor = "start" if share == 0 else "end" if share == 1 else "middle"
        written = f"{low + share * (high - low):.3g}"
        parts.append(f'<text x="{_LEFT + inner * share:.1f}" y="{floor + 16}" text-anchor="{anchor}">{written}</text>')
    median = sorted(values)[len(values) // 2]
    at = _LEFT + inner * (median - low) / (high - low)
    parts.append(f'<line x1="{at:.1f}" x2="{at:.1f}" y1="{_TOP}" y2="{floor}" class="mark"/>')
    parts.append(
        f'<text x="{_LEFT + inner / 2}" y="{height - 4}" text-anchor="middle">'
        f"{escape(title)}{unit and f',{unit}'} (line: median {figure(median)})</text>"
    )
    return _svg(width, height, parts, f"histogram of {title}")


def difference_bar(row: Compared) -> str:
    """A difference on the line of its interval, around the line of no difference; what is better lies to the right.

    Each is drawn to its own size, since measures have units of their own.
    """
    width, height = _BAR
    middle, zero, half = height / 2, width / 2, width / 2 - 6
    sign, gain = (1 if row.better == "more" else -1), row.gain
    reach = max(abs(gain.low), abs(gain.high), abs(gain.mean)) or 1.0

    def at(value: float) -> str:
        return f"{zero + sign * value / reach * half:.1f}"

    kind = "doubt" if row.warning or not gain.mean else ("win" if sign * gain.mean > 0 else "loss")
    parts = (
        f'<line x1="{zero}" x2="{zero}" y1="0" y2="{height}" class="axis"/>',
        f'<line x1="{at(gain.low)}" x2="{at(gain.high)}" y1="{middle}" y2="{middle}" class="span {kind}"/>',
        f'<circle cx="{at(gain.mean)}" cy="{middle}" r="4" class="dot {kind}"/>',
    )
    return _svg(width, height, parts, f"{signed(gain.mean)}, worse to the left, better to the right")


def _bins(values: Sequence[float]) -> tuple[float, float, float]:
    """Where the columns of a histogram begin and end, and how wide one is."""
    low, high = min(values), max(values)
    if low >= 0 and high <= 1 and high - low > 0.25:
        return 0.0, 1.0, 1 / _BINS
    if high == low:
        return low - 0.5, high + 0.5, 1 / _BINS
    size = 10 ** math.floor(math.log10((high - low) / _BINS))
    step = next(s for s in (size, 2 * size, 5 * size, 10 * size) if (high - low) / s <= _BINS)
    begin = math.floor(low / step) * step
    return begin, begin + step * max(1, math.ceil((high - begin) / step + 1e-9)), step


def _counts_axis(most: int, width: int, floor: int) -> Iterator[str]:
    for count in sorted({0, most // 2, most}):
        y = floor - (floor - _TOP) * count / most
        yield f'<line x1="{_LEFT}" x2="{width - _RIGHT}" y1="{y:.1f}" y2="{y:.1f}" class="axis"/>'
        yield f'<text x="{_LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{count}</text>'


def _svg(width: float, height: float, parts: Sequence[str], told: str) -> str:
    return (
        f'<svg viewBox="0 0 {width:g} {height:g}" width="{width:g}" height="{height:g}" role="img" '
        f'aria-label="{escape(told)}">{"".join(parts)}</svg>'
    )
