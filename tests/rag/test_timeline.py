"""Traces as a tree with a timeline, in text and in HTML."""

from __future__ import annotations

import pytest
from rich.cells import cell_len

from rag.timeline import html, text
from rag.trace import Span, Trace
from rag.types import Answer

EVIL = "<script>alert(1)</script>"


def _span(span_id, started, ended, parent=None, **fields):
    told = {"name": f"n{span_id}", "kind": "step", "status": "ok", **fields}
    return Span(span_id=span_id, parent=parent, started=started, ended=ended, **told)


def _trace(**last):
    return Trace(
        (
            _span("1", 0, 2, name="question", kind="question", attributes={"planner": "Rules"}),
            _span("2", 0, 1, "1", name="s1", attributes={"source": "orders"}),
            _span("3", 0.25, 1, "2", name="orders", kind="source", attributes={"rows": 3}),
            _span(**{"span_id": "4", "parent": "1", "started": 1, "ended": 2, "name": "cited", "kind": "read", **last}),
        )
    )


def _told(**fields):
    """The line of a span with these fields."""
    return str(_trace(**fields)).splitlines()[-1]


def test_children_stand_below_their_parents():
    assert [line.split("  ")[0] for line in str(_trace()).splitlines()] == [
        "question",
        "├ s1",
        "│ └ orders",
        "└ read cited",
    ]


def test_bars_show_when_each_ran():
    bars = [line[65:].rstrip() for line in str(_trace()).splitlines()]
    assert bars[0] == "█" * 35
    assert bars[1] == "█" * 17 + "▌"
    assert bars[2] == " " * 4 + "█" * 13 + "▌"
    assert bars[3] == " " * 17 + "▐" + "█" * 17


def test_a_moment_is_seen_too():
    assert _told(started=2, ended=2)[65:].strip() == "▐"


def test_times_are_told_in_a_unit_that_fits():
    times = [_told(started=0, ended=seconds)[54:63].strip() for seconds in (0.0042, 0.25, 1.5, 125)]
    assert times == ["4.2 ms", "250 ms", "1.50 s", "125 s"]


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"attributes": {"rows": 1, "cached": True}}, "1 row · cached"),
        ({"attributes": {"rows": 2, "retries": [{"after": "no", "waited": 1}]}}, "2 rows · 1 retry"),
        ({"status": "skipped", "attributes": {"reason": "s1 found something"}}, "skipped: s1 found something"),
        ({"status": "error", "attributes": {"error": "SourceError: down"}}, "error: SourceError: down"),
        ({"status": "error", "attributes": {"error": "CancelledError"}}, "stopped"),
        ({"attributes": {"rows": 0, "ahead": True}}, "0 rows · ahead"),
        ({"attributes": {"fallback": "no key"}}, "fell back: no key"),
        ({"attributes": {"prompt": "plan@3#abc", "finish": "length"}}, "plan@3 · cut short"),
    ],
)
def test_what_matters_is_told(fields, told):
    assert f"  {told} " in _told(**fields)


def test_tokens_money_and_estimates_are_told():
    tokens = {"prompt_tokens": 1200, "completion_tokens": 34}
    exact = _told(kind="model", attributes={**tokens, "cached_tokens": 1000, "usd": 0.0012})
    assert "1,200 (1,000 cached) → 34 tokens · 0.0012 USD" in exact
    assert "about 1,200 → 34 tokens" in _told(kind="model", attributes={**tokens, "estimated": True})


@pytest.mark.parametrize("letter", ["x", "語", "\x1b[31m\u202e\n"])
def test_every_line_fits_a_hundred_columns(letter):
    lines = str(_trace(name=letter * 200, attributes={"reason": letter * 300})).splitlines()
    assert len(lines) == 4
    assert max(map(cell_len, lines)) <= 100
    assert all(line.isprintable() for line in lines)


def test_deep_trees_stay_within_the_width():
    spans = [_span(str(n), 0, 1, str(n - 1)) for n in range(1, 60)]
    lines = str(Trace(tuple(spans))).splitlines()
    assert len(lines) == 59
    assert max(map(cell_len, lines)) <= 100


def test_a_span_without_its_parent_stands_at_the_top():
    assert str(Trace((_span("7", 0, 1, parent="1"),))).startswith("n7 ")


def test_it_can_be_drawn_in_ascii():
    drawn = text(_trace(), plain=True)
    assert drawn.isascii()
    assert "| ` orders" in drawn


def test_nothing_traced_is_said():
    assert str(Trace()) == "(nothing was traced)"


def test_html_holds_every_span_and_escapes_it():
    page = html(_trace(name=EVIL, attributes={"reason": EVIL}))
    assert page.count("<tr") == 4
    assert "<script" not in page
    assert "margin-left:50.00%;width:max(2px,50.00%)" in page


def test_an_answer_folds_its_trace_away():
    page = Answer(text="yes", trace=_trace())._repr_mimebundle_()["text/html"]
    assert "<summary>trace: 4 spans</summary><table" in page
    assert "trace:" not in Answer(text="yes")._repr_mimebundle_()["text/html"]


def test_a_trace_shows_itself_in_a_notebook():
    shown = _trace()._repr_mimebundle_()
    assert shown["text/plain"] == str(_trace())
    assert shown["text/html"] == html(_trace())
