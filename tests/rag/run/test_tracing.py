from __future__ import annotations

import anyio
import pytest

from rag.run.tracing import Tracer


async def test_spans_of_work_at_once_hang_under_their_own_parents():
    trace = Tracer()

    async def step(name):
        with trace.span(name, "step"):
            await anyio.sleep(0)
            with trace.span(f"call of {name}", "source"):
                await anyio.sleep(0)

    with trace.span("question", "question"):
        async with anyio.create_task_group() as group:
            for n in range(20):
                group.start_soon(step, f"s{n}")
    names = {span.span_id: span.name for span in trace.spans}
    parents = {span.name: names.get(span.parent) for span in trace.spans}
    assert parents["question"] is None
    assert all(parents[f"s{n}"] == "question" for n in range(20))
    assert all(parents[f"call of s{n}"] == f"s{n}" for n in range(20))


def test_a_question_within_a_question_has_a_trace_of_its_own():
    outer, inner = Tracer(), Tracer()
    with outer.span("outer", "question"), inner.span("inner", "question"):
        pass
    assert inner.spans[0].parent is None


def test_an_exception_marks_the_span_and_goes_on():
    trace = Tracer()
    with pytest.raises(ValueError, match="no"), trace.span("s1", "step"):
        raise ValueError("no")
    (span,) = trace.spans
    assert (span.name, span.status, span.attributes) == ("s1", "error", {"error": "ValueError: no"})


def test_times_are_seconds_from_the_start_of_the_trace():
    times = iter([100.0, 101.0, 103.5])
    trace = Tracer(clock=lambda: next(times))
    with trace.span("s1", "step"):
        pass
    assert (trace.spans[0].started, trace.spans[0].ended, trace.spans[0].seconds) == (1.0, 3.5, 2.5)
