"""What OpenTelemetry is told of calls of a real endpoint."""

from __future__ import annotations

import aiohttp
import pytest
from opentelemetry import trace as otel
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from rag.assistant import Assistant
from rag.models import OpenAIModel
from rag.settings import Settings
from rag.testing.fakes import FakeSource

KEY = "sk-very-secret-0123456789abcdef"
ROWS = [{"doc_id": "returns", "text": "Opened headphones may be returned within 30 days."}]


@pytest.fixture
def exporter(monkeypatch):
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(otel, "_TRACER_PROVIDER", provider)
    return exporter


@pytest.fixture
def assistant(endpoint):
    model = OpenAIModel("gpt-4o-mini", base_url=endpoint.url, api_key=KEY)
    settings = Settings(trace_content=True)
    with Assistant([FakeSource("docs", ROWS)], model=model, planner="direct", settings=settings) as made:
        yield made


def _chat(exporter):
    return next(span for span in exporter.get_finished_spans() if span.name == "chat gpt-4o-mini")


def test_a_call_is_told_by_the_conventions(endpoint, assistant, exporter):
    endpoint.says("Within 30 days [1].")
    assistant.ask("How long?")
    told = _chat(exporter).attributes
    assert (told["gen_ai.provider.name"], told["gen_ai.output.type"]) == ("openai", "text")
    assert (told["gen_ai.usage.input_tokens"], told["gen_ai.usage.output_tokens"]) == (12, 3)
    assert told["gen_ai.usage.cache_read.input_tokens"] == 5
    assert "gen_ai.request.stream" not in told


async def test_a_stream_is_told_as_one(endpoint, assistant, exporter):
    endpoint.streams("Within ", "30 days [1].")
    async for _ in assistant.astream("How long?"):
        pass
    assert _chat(exporter).attributes["gen_ai.request.stream"] is True


def test_the_http_request_is_made_within_the_span_of_the_call(endpoint, assistant, exporter, monkeypatch):
    within, request = [], aiohttp.ClientSession._request

    async def instrumented(self, *args, **kwargs):
        within.append(otel.get_current_span().name)
        return await request(self, *args, **kwargs)

    monkeypatch.setattr(aiohttp.ClientSession, "_request", instrumented)
    endpoint.says("Within 30 days [1].")
    assistant.ask("How long?")
    assert within == ["chat gpt-4o-mini"]


def test_no_key_is_passed_on_whatever_an_endpoint_says(endpoint, assistant, exporter):
    endpoint.refuses(401, f"Incorrect API key provided: {KEY}")
    assistant.ask("How long?")
    spans = exporter.get_finished_spans()
    assert _chat(exporter).attributes["error.type"] == "ModelError"
    assert "How long?" in "".join(span.to_json() for span in spans)
    assert KEY not in "".join(span.to_json() for span in spans)
