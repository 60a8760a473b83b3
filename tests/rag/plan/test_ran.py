"""What a plan shows of its run: in text, as a picture, and as Mermaid."""

from __future__ import annotations

import re
from xml.etree import ElementTree as XML

import pytest

from rag.plan import Plan
from rag.plan.ran import Ran, ran_of
from rag.plan.svg import svg
from rag.trace import Span

SVG = "{http://www.w3.org/2000/svg}"
PLAN = Plan.from_json(
    {
        "steps": [
            {"id": "s1", "source": "orders", "args": {"newest": 1}},
            {"id": "s2", "source": "reviews", "args": {"query": "battery of $s1.product"}},
            {"id": "s3", "source": "shop", "args": {}, "if_empty": "s1"},
            {"id": "s4", "source": "crm", "args": {}},
            {"id": "s5", "source": "crm", "args": {"query": "$s4.name"}},
        ]
    }
).replace(
    ran={
        "s1": Ran(started=0.5, seconds=0.12, hits=1),
        "s2": Ran(started=0.62, seconds=0.4, hits=12, calls=3, cached=1),
        "s3": Ran(started=0.62, status="skipped", reason="s1 found something"),
        "s4": Ran(started=0.5, seconds=2.0, status="error", retries=2, reason="crm timed out"),
    }
)


def _span(span_id, kind, name, *, parent=None, status="ok", seconds=1.0, **attributes):
    return Span(
        span_id=span_id, kind=kind, name=name, parent=parent, status=status, started=0, ended=seconds,
        attributes=attributes,
    )  # fmt: skip


def test_each_step_tells_in_a_column_of_its_own_what_became_of_it():
    fates = [
        "✓ 0.12 s, 1 row",
        "✓ 0.40 s, 12 rows, 3 calls",
        "– skipped: s1 found something",
        "✗ 2.0 s, 2 retries: crm timed out",
        "– did not start",
    ]
    lines = str(PLAN).splitlines()
    column = lines[0].index("✓")
    assert [line[column:] for line in lines] == fates
    assert [line[:column].rstrip() for line in lines] == str(PLAN.replace(ran={})).splitlines()


def test_one_very_long_step_does_not_push_the_column_away():
    long = PLAN.replace(steps=(*PLAN.steps, PLAN.steps[0].replace(id="s6", args={"query": "x" * 500})), ran=PLAN.ran)
    assert len(str(long).splitlines()[0]) < 120


def test_a_plan_that_has_not_run_shows_no_fate_and_an_edited_one_has_not_run():
    assert "✓" not in str(PLAN.replace(ran={}))
    assert PLAN.noted("looked at").ran == PLAN.ran
    assert PLAN.with_args("s1", newest=2).ran == {}
    assert Plan.from_json(PLAN.to_json()).ran == {}


def test_the_picture_tells_the_fate_of_each_step_and_when_it_was_at_work():
    root = XML.fromstring(svg(PLAN))
    texts = ["".join(t.text or "" for t in e.iter() if t.tag == f"{SVG}title") for e in root.iter(f"{SVG}text")]
    assert [t for t in texts if t] == [
        "✓ 0.12 s, 1 row", "✓ 0.40 s, 12 rows, 3 calls", "– skipped: s1 found something",
        "✗ 2.0 s, 2 retries: crm timed out", "– did not start",
    ]  # fmt: skip
    bars = [r for r in root.iter(f"{SVG}rect") if r.get("height") == "2" and r.get("opacity") is None]
    assert len(bars) == 3
    lefts = [float(bar.get("x")) for bar in bars]
    assert lefts[1] > 0 < float(bars[2].get("width"))


def test_bars_stay_within_their_boxes_also_where_no_time_passed():
    for seconds in (0.0, 1e-9, 1.0):
        plan = PLAN.replace(ran={step.id: Ran(started=1.0, seconds=seconds) for step in PLAN.steps})
        root = XML.fromstring(svg(plan))
        width = float(root.get("width"))
        assert all(float(r.get("x")) + float(r.get("width")) <= width for r in root.iter(f"{SVG}rect"))


def test_mermaid_gives_each_status_a_class():
    chart = PLAN.mermaid()
    assert re.findall(r"class (\S+) (\w+)$", chart, re.MULTILINE) == [
        ("s1,s2", "ok"), ("s4", "error"), ("s3", "skipped"),
    ]  # fmt: skip
    assert "<br/>✗ 2.0 s, 2 retries: crm timed out" in chart
    assert "classDef" not in PLAN.replace(ran={}).mermaid()


def test_a_reason_in_a_source_s_words_stays_text():
    evil = '<img src=x onerror=alert(1)>"%%{init: {}}%%\x1b[2J\u202e\n`'
    plan = PLAN.replace(ran={"s1": Ran(status="error", reason=evil)})
    assert not any(sign in str(plan) for sign in ("\x1b", "\u202e"))
    assert len(str(plan).splitlines()) == 5
    assert "<img" not in plan._repr_mimebundle_()["text/html"]
    assert "<img" not in plan.mermaid()
    assert "%%{" not in plan.mermaid()
    XML.fromstring(svg(plan))


@pytest.mark.parametrize("name", ["end", "graph", "Class", "x"])
def test_a_step_named_by_a_word_of_mermaid_s_is_a_node_all_the_same(name):
    chart = Plan.from_json(
        {"steps": [{"id": name, "source": "a"}, {"id": "s2", "source": "b", "after": [name]}]}
    ).mermaid()
    node = chart.splitlines()[1].split("[")[0].strip()
    assert node == (name if name == "x" else f"step-{name}")
    assert f"    {node} --> s2" in chart


def test_spans_are_counted_for_the_step_that_they_belong_to():
    spans = [
        _span("1", "question", "question"),
        _span("2", "step", "s1", parent="1", seconds=0.5),
        _span("3", "source", "a", parent="2", rows=2, retries=[{"after": "x", "waited": 0.1}] * 2),
        _span("4", "source", "a", parent="2", rows=3, cached=True),
        _span("5", "step", "s2", parent="1", status="skipped", reason="s1 found something"),
        _span("6", "step", "s3", parent="1", status="error", error="CancelledError"),
        _span("7", "source", "b", parent="1", rows=9),
    ]
    ran = ran_of(spans)
    assert ran["s1"] == Ran(seconds=0.5, hits=5, calls=2, retries=2, cached=1)
    assert ran["s2"].status == "skipped"
    assert ran["s2"].reason == "s1 found something"
    assert ran["s3"].status == "stopped"
    assert "stopped" in ran["s3"].reason
    assert set(ran) == {"s1", "s2", "s3"}


def test_of_a_step_that_ran_in_two_rounds_the_last_one_counts():
    spans = [
        _span("1", "step", "s1", status="error", reason="down"),
        _span("2", "step", "s1", seconds=0.2),
        _span("3", "source", "a", parent="2", rows=1),
    ]
    assert str(ran_of(spans)["s1"]) == "✓ 0.20 s, 1 row"


def test_a_step_that_was_begun_ahead_of_its_plan_counts_from_then_on():
    spans = [
        _span("1", "step", "s1", seconds=0.9, ahead=True),
        _span("2", "source", "a", parent="1", rows=2, retries=[{"after": "x", "waited": 0.1}]),
        _span("3", "step", "s1", seconds=1.0).model_copy(update={"started": 0.8}),
        _span("4", "source", "a", parent="3", rows=2, ahead=True),
        _span("5", "step", "s2", ahead=True),
    ]
    assert ran_of(spans) == {"s1": Ran(started=0.0, seconds=1.0, hits=2, calls=1, retries=1)}
