"""Spans in OpenTelemetry, told by its real SDK."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import anyio
import pytest
from opentelemetry import trace as otel
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from rag.assistant import Assistant
from rag.errors import SourceError
from rag.protocols import Message
from rag.run.otel import forwarding
from rag.run.tracing import Tracer, nowhere
from rag.settings import Settings
from rag.sources.function import source
from rag.testing.fakes import FakeModel, FakeSource

ROOT = Path(__file__).parents[3]


@pytest.fixture
def exported(monkeypatch):
    """What an SDK exports that the process has set up."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(otel, "_TRACER_PROVIDER", provider)
    return exporter


def _tracer(**options):
    return Tracer(forward=forwarding(**options))


def _ended(exporter):
    return {span.name: span for span in exporter.get_finished_spans()}


def test_nothing_is_forwarded_where_nothing_is_set_up(monkeypatch):
    monkeypatch.setattr(otel, "_TRACER_PROVIDER", None)
    assert forwarding() is nowhere
    monkeypatch.setattr(otel, "_TRACER_PROVIDER", otel.NoOpTracerProvider())
    assert forwarding() is nowhere


def test_a_process_without_it_does_not_import_it():
    code = "import sys, rag, rag.run.otel as otel; otel.forwarding(); print('opentelemetry' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "False"


def test_spans_are_named_and_nested_by_the_conventions(exported):
    tracer = _tracer(conversation="ann-1")
    with tracer.span("question", "question", planner="Reaper"):
        with tracer.span("qwen", "model", details={"provider": "openai"}, prompt="plan@1#a") as span:
            span.attributes |= {"prompt_tokens": 9, "completion_tokens": 2, "finish": "stop", "usd": 0.5}
        with tracer.span("s1", "step", source="orders"), tracer.span("orders", "source", step_id="s1"):
            pass
        with tracer.span("docs", "source", details={"query": "battery"}, step_id="s2", rows=3):
            pass
    spans = _ended(exported)
    kinds = {name: (span.kind.name, span.attributes.get("gen_ai.operation.name")) for name, span in spans.items()}
    assert kinds == {
        "invoke_agent rag": ("INTERNAL", "invoke_agent"),
        "chat qwen": ("CLIENT", "chat"),
        "step s1": ("INTERNAL", None),
        "execute_tool orders": ("INTERNAL", "execute_tool"),
        "retrieval docs": ("CLIENT", "retrieval"),
    }
    parents = {name: span.parent and span.parent.span_id for name, span in spans.items()}
    ids = {name: span.context.span_id for name, span in spans.items()}
    assert parents.pop("execute_tool orders") == ids["step s1"]
    assert parents.pop("invoke_agent rag") is None
    assert set(parents.values()) == {ids["invoke_agent rag"]}
    assert dict(spans["chat qwen"].attributes) == {
        "gen_ai.operation.name": "chat",
        "gen_ai.conversation.id": "ann-1",
        "gen_ai.request.model": "qwen",
        "gen_ai.provider.name": "openai",
        "gen_ai.usage.input_tokens": 9,
        "gen_ai.usage.output_tokens": 2,
        "gen_ai.response.finish_reasons": ("stop",),
        "rag.usage.usd": 0.5,
        "rag.prompt": "plan@1#a",
    }
    assert spans["invoke_agent rag"].attributes["gen_ai.usage.input_tokens"] == 9
    assert spans["retrieval docs"].attributes["gen_ai.data_source.id"] == "docs"
    assert spans["retrieval docs"].attributes["rag.rows"] == 3


def _secretive(tracer):
    with suppress(ValueError), tracer.span("question", "question") as question:
        question.details |= {"question": "hush?", "reply": "hush!"}
        with tracer.span("orders", "source", args={"customer": "hush"}) as call:
            call.details["found"] = [{"name": "hush"}]
        with tracer.span("docs", "source", details={"query": "hush"}) as call:
            call.details["found"] = [{"chunk_id": "d#0", "score": 0.5, "text": "hush"}]
        with tracer.span("s1", "step") as step:
            step.status, step.attributes["reason"] = "skipped", "hush found something"
        with tracer.span("qwen", "model", details={"messages": [Message("system", "hush")]}) as model:
            model.retried(ValueError("hush"), 1)
            raise ValueError("hush")


def test_no_content_is_passed_on_by_default(exported):
    _secretive(_tracer())
    assert len(exported.get_finished_spans()) == 5
    assert "hush" not in "".join(span.to_json() for span in exported.get_finished_spans())
    failed = _ended(exported)["chat qwen"]
    assert (failed.status.status_code.name, failed.status.description) == ("ERROR", None)
    assert (failed.attributes["error.type"], failed.attributes["rag.retries"]) == ("ValueError", 1)
    assert _ended(exported)["step s1"].status.status_code.name == "UNSET"


def test_content_is_passed_on_where_it_is_asked_for(exported):
    _secretive(_tracer(content=lambda: True))
    spans = _ended(exported)

    def told(name, attribute):
        return json.loads(spans[name].attributes[attribute])

    said = {"parts": [{"type": "text", "content": "hush?"}], "role": "user"}
    assert told("invoke_agent rag", "gen_ai.input.messages") == [said]
    assert told("invoke_agent rag", "gen_ai.output.messages")[0]["finish_reason"] == "stop"
    assert told("chat qwen", "gen_ai.input.messages")[0]["role"] == "system"
    assert told("execute_tool orders", "gen_ai.tool.call.arguments") == {"customer": "hush"}
    assert told("execute_tool orders", "gen_ai.tool.call.result") == [{"name": "hush"}]
    assert spans["retrieval docs"].attributes["gen_ai.retrieval.query.text"] == "hush"
    assert told("retrieval docs", "gen_ai.retrieval.documents") == [{"id": "d#0", "score": 0.5, "content": "hush"}]
    assert spans["step s1"].attributes["rag.reason"] == "hush found something"
    assert spans["chat qwen"].status.description == "ValueError: hush"


def test_what_cannot_be_told_ends_its_span_all_the_same(exported, caplog):
    tracer = _tracer(content=lambda: True)
    with tracer.span("orders", "source") as call:
        call.details["found"] = [{(1, 2): "a key that JSON has not"}]
    with tracer.span("docs", "source", details={"query": "half \ud800"}) as call:
        call.details["found"] = [{"text": "half \udfff", "at": Path("x")}]
    assert "OpenTelemetry was not told all of orders" in caplog.text
    told = _ended(exported)["retrieval docs"].attributes
    assert told["gen_ai.retrieval.query.text"] == "half ?"
    assert json.loads(told["gen_ai.retrieval.documents"])[0]["content"] == "half ?"
    assert len(tracer.spans) == len(exported.get_finished_spans()) == 2


async def test_questions_at_once_keep_their_spans_apart(exported):
    async def ask(name):
        tracer = _tracer(conversation=name)
        with tracer.span("question", "question"):
            async with anyio.create_task_group() as group:
                for step in range(4):
                    group.start_soon(step_of, tracer, f"{name}.{step}")

    async def step_of(tracer, name):
        with tracer.span(name, "step"):
            await anyio.sleep(0)
            with tracer.span(f"call of {name}", "source"):
                await anyio.sleep(0)

    async with anyio.create_task_group() as group:
        for n in range(50):
            group.start_soon(ask, f"q{n}")
    spans = exported.get_finished_spans()
    by_id = {span.context.span_id: span for span in spans}
    assert len(spans) == len(by_id) == 50 * 9
    for span in spans:
        parent = by_id[span.parent.span_id] if span.parent else None
        if span.name.startswith("execute_tool"):
            assert parent.name == span.name.replace("execute_tool call of", "step")
        elif span.name.startswith("step"):
            assert parent.attributes["gen_ai.conversation.id"] == span.name[5:].split(".")[0]
        else:
            assert parent is None


def test_what_is_sampled_out_costs_no_attributes(monkeypatch):
    from opentelemetry.sdk.trace.sampling import ALWAYS_OFF

    exporter = InMemorySpanExporter()
    provider = TracerProvider(sampler=ALWAYS_OFF, shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(otel, "_TRACER_PROVIDER", provider)
    tracer = _tracer(content=lambda: True)
    with tracer.span("question", "question"):
        pass
    assert exporter.get_finished_spans() == ()
    assert len(tracer.spans) == 1


def _inner(name):
    """What a user's own code, or an instrumented HTTP client, does within a call of ours."""
    with otel.get_tracer("user").start_as_current_span(name):
        pass


def _assistant():
    def stock(query: str) -> list[dict]:
        _inner(f"user's {query}")
        return [{"doc_id": "d", "text": f"Of {query} twelve are in stock."}]

    def reply(messages):
        _inner("POST /v1/chat/completions")
        return "Twelve [1]."

    return Assistant([source("stock", stock)], model=FakeModel(reply, name="tiny"), planner="direct", cache=False)


def _chain(span, spans):
    """The names of a span and of those it lies in."""
    by_id = {one.context.span_id: one for one in spans}
    names = []
    while span is not None:
        names.append(span.name)
        span = by_id.get(span.parent.span_id) if span.parent else None
    return names


def test_spans_of_users_and_ours_nest_through_the_background_loop_of_sync_calls(exported):
    with otel.get_tracer("user").start_as_current_span("GET /page"):
        _assistant().ask("kettles")
    spans = exported.get_finished_spans()
    chains = [_chain(span, spans) for span in spans]
    assert ["user's kettles", "retrieval stock", "step s1", "invoke_agent rag", "GET /page"] in chains
    assert ["POST /v1/chat/completions", "chat tiny", "read cited", "invoke_agent rag", "GET /page"] in chains
    assert len({span.context.trace_id for span in spans}) == 1


async def test_fifty_questions_at_once_keep_their_own_spans(exported):
    assistant = _assistant()
    answers = {}

    async def ask(n):
        with otel.get_tracer("user").start_as_current_span(f"page {n}"):
            answers[n] = await assistant.aask(f"kettles {n}")

    async with anyio.create_task_group() as group:
        for n in range(50):
            group.start_soon(ask, n)
    spans = exported.get_finished_spans()
    for n, answer in answers.items():
        (own,) = [span for span in spans if span.name == f"user's kettles {n}"]
        assert _chain(own, spans)[1:] == ["retrieval stock", "step s1", "invoke_agent rag", f"page {n}"]
        ours = [span for span in spans if span.context.trace_id == own.context.trace_id]
        assert len(ours) == len(answer.trace) + 3  # the page, and what ran within the source and the model


def test_a_step_that_failed_says_of_what_kind_it_was(exported):
    Assistant([FakeSource("docs", SourceError("down"))], planner="direct").ask("kettles")
    failed = _ended(exported)
    assert (
        failed["step s1"].attributes["error.type"] == failed["retrieval docs"].attributes["error.type"] == "SourceError"
    )
    assert failed["invoke_agent rag"].status.status_code.name == "UNSET"  # there is an answer all the same
    assert failed["step s1"].parent.span_id == failed["invoke_agent rag"].context.span_id


def test_a_plan_alone_is_a_span_too(exported):
    _assistant().plan("kettles")
    assert [span.name for span in exported.get_finished_spans()] == ["plan rag"]


@pytest.mark.parametrize("asked_for", [True, False])
def test_the_setting_decides_on_content(exported, asked_for):
    assistant = Assistant([FakeSource("docs", [{"text": "hush"}])], settings=Settings(trace_content=asked_for))
    assistant.ask("hush, hush?")
    assert ("hush" in "".join(span.to_json() for span in exported.get_finished_spans())) is asked_for


async def test_a_question_that_is_left_early_ends_its_spans(exported, caplog):
    async def slow(query: str) -> list[dict]:
        await anyio.sleep(30)
        return []

    events = Assistant([source("stock", slow)], planner="direct").astream("kettles")
    with otel.get_tracer("user").start_as_current_span("GET /page") as page:
        async for event in events:
            if event.kind == "step_started":
                break
        await events.aclose()
        assert otel.get_current_span() is page
    spans = exported.get_finished_spans()
    chains = {tuple(_chain(span, spans)) for span in spans}
    assert ("retrieval stock", "step s1", "invoke_agent rag", "GET /page") in chains
    assert _ended(exported)["invoke_agent rag"].attributes["error.type"] == "CancelledError"
    assert caplog.records == []  # as where a context is left that was entered elsewhere
