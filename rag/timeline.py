"""Traces as a tree with a timeline: text for terminals, a table for notebooks."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator
from html import escape
from typing import TYPE_CHECKING, Final, NamedTuple

from rag.shown import on_a_line

if TYPE_CHECKING:
    from rag.trace import Span, Trace

__all__ = ["html", "money", "text"]

# All in columns of a terminal; together, with the blanks between them, they make 100.
_LABEL: Final = 54
_TIME: Final = 8
_BAR: Final = 35

_HALVES: Final = {(False, False): " ", (True, False): "▌", (False, True): "▐", (True, True): "█"}
_PLAIN: Final = str.maketrans({"├": "|", "└": "`", "│": "|", "▌": "=", "▐": "=", "█": "=", "…": ".", "→": ">"})
# Half-transparent, so that they show on light pages and on dark ones.
_HUES: Final = {"ok": "rgba(59,130,246,.65)", "error": "rgba(220,38,38,.7)", "skipped": "rgba(128,128,128,.4)"}


class _Place(NamedTuple):
    """A span's place in the tree: whether each of its ancestors, and itself, is the last of its siblings."""

    span: Span
    last: tuple[bool, ...]


def text(trace: Trace, *, plain: bool = False) -> str:
    """One line a span, at most 100 columns wide: name, what matters, time, and a bar that shows when it ran.

    Args:
        trace: what is drawn.
        plain: draw in ASCII; letters of names stay as they are.
    """
    from rich.cells import set_cell_size

    end = _end(trace)
    lines = []
    for span, last in _tree(trace):
        label = set_cell_size(_cut(f"{_branch(last)}{_name(span)}  {' · '.join(_facts(span))}".rstrip()), _LABEL)
        lines.append(f"{label} {_time(span.seconds):>{_TIME}}  {_bar(span, end)}".rstrip())
    drawn = "\n".join(lines) or "(nothing was traced)"
    return drawn.translate(_PLAIN) if plain else drawn


def html(trace: Trace) -> str:
    """The same as a table, with no script; every text is escaped."""
    end = _end(trace)
    rows = "".join(_row(span, len(last) - 1, end) for span, last in _tree(trace))
    return f'<table style="border-collapse:collapse;font-size:90%;text-align:left">{rows}</table>'


def money(usd: float) -> str:
    """The amount with four places, or as many as its first two digits take.

    Example:
        >>> money(0.0123), money(0.0000314)
        ('0.0123 USD', '0.000031 USD')
    """
    places = 4 if usd <= 0 else max(4, 1 - math.floor(math.log10(usd)))
    return f"{usd:.{places}f} USD"


def _row(span: Span, depth: int, end: float) -> str:
    facts = " · ".join(_facts(span))
    left, width = 100 * span.started / end, 100 * span.seconds / end
    bar = f"margin-left:{left:.2f}%;width:max(2px,{width:.2f}%);height:.8em;background:{_HUES[span.status]}"
    cell = "padding:1px .6em;text-align:left;vertical-align:baseline"
    return (
        f'<tr style="background:none"><td style="{cell};padding-left:{0.6 + 1.1 * depth:.1f}em">{escape(_name(span))}'
        f' <span style="opacity:.7">{escape(facts)}</span></td>'
        f'<td style="{cell};text-align:right;white-space:nowrap">{_time(span.seconds)}</td>'
        f'<td style="{cell};width:18em;min-width:12em"><div style="{bar}"></div></td></tr>'
    )


def _tree(trace: Iterable[Span]) -> Iterator[_Place]:
    """The spans, each after its parent; those whose parent is not there stand at the top."""
    spans = list(trace)
    known = {span.span_id for span in spans}
    children: dict[str | None, list[Span]] = defaultdict(list)
    for span in sorted(spans, key=lambda span: span.started):
        children[span.parent if span.parent in known else None].append(span)
    pending = [_Place(span, (span is children[None][-1],)) for span in reversed(children[None])]
    while pending:
        place = pending.pop()
        yield place
        below = children.get(place.span.span_id, [])
        pending += [_Place(span, (*place.last, span is below[-1])) for span in reversed(below)]


def _branch(last: tuple[bool, ...]) -> str:
    if len(last) == 1:
        return ""
    return "".join("  " if ended else "│ " for ended in last[1:-1]) + ("└ " if last[-1] else "├ ")


def _name(span: Span) -> str:
    return _clean(f"{span.kind} {span.name}" if span.kind in ("plan", "read", "assess") else span.name)


def _facts(span: Span) -> Iterator[str]:
    """What matters of a span, each in a few words; why something went wrong comes last, being long."""
    told = span.attributes
    for key in ("planner", "source"):
        if key in told:
            yield _clean(told[key])
    if prompt := told.get("prompt"):
        yield _clean(prompt).split("#")[0]
    for key, what in (("sources", "source"), ("rows", "row"), ("evidence", "passage")):
        if isinstance(count := told.get(key), int):
            yield f"{count:,} {what}{'' if count == 1 else 's'}"
    yield from (name for name in ("cached", "ahead") if told.get(name) is True)
    if isinstance(retries := told.get("retries"), list):
        yield f"{len(retries)} {'retry' if len(retries) == 1 else 'retries'}"
    if told.get("finish") == "length":
        yield "cut short"
    yield from _costs(span)
    yield from _reasons(span)


def _costs(span: Span) -> Iterator[str]:
    told = span.attributes
    read, written, cached = (told.get(key) for key in ("prompt_tokens", "completion_tokens", "cached_tokens"))
    if isinstance(read, int) and isinstance(written, int) and read + written:
        about = "about " if told.get("estimated") else ""
        kept = f" ({cached:,} cached)" if isinstance(cached, int) and cached else ""
        yield f"{about}{read:,}{kept} → {written:,} tokens"
    if isinstance(usd := told.get("usd"), float):
        yield money(usd)


def _reasons(span: Span) -> Iterator[str]:
    told = span.attributes
    if told.get("error") == "CancelledError":
        yield "stopped"
    elif why := told.get("reason") or told.get("error"):
        yield f"{span.status}: {_clean(why)}"
    elif span.status != "ok":
        yield span.status
    if why := told.get("fallback"):
        yield f"fell back: {_clean(why)}"


def _clean(value: object) -> str:
    return on_a_line(str(value))  # much of a trace comes from elsewhere


def _cut(label: str) -> str:
    from rich.cells import cell_len, set_cell_size

    return label if cell_len(label) <= _LABEL else set_cell_size(label, _LABEL - 1) + "…"


def _time(seconds: float) -> str:
    if seconds < 0.9995:
        return f"{seconds * 1000:.{1 if seconds < 0.00995 else 0}f} ms"
    return f"{seconds:.{2 if seconds < 100 else 0}f} s"


def _end(trace: Iterable[Span]) -> float:
    return max((span.ended for span in trace), default=0.0) or 1.0


def _bar(span: Span, end: float) -> str:
    """The span's place in the whole, drawn in half columns; however short, it is seen."""
    halves = 2 * _BAR
    start = min(math.floor(span.started / end * halves), halves - 1)
    stop = max(math.ceil(span.ended / end * halves), start + 1)
    on = [start <= half < stop for half in range(halves)]
    return "".join(_HALVES[pair] for pair in zip(on[::2], on[1::2], strict=True))
