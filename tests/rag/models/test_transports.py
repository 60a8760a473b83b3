"""What can go wrong between us and an endpoint, over both transports: what a call raises, and what a question says.

Down, slow, unknown and insecure endpoints are in test_openai.py, call by call.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from rag.assistant import Assistant
from rag.errors import BadModelOutput, ModelError, ModelTimeout, RateLimited
from rag.models import OpenAIModel
from rag.protocols import Message
from rag.testing import FakeSource

KEY = "sk-very-secret-key-12345"
PLAN = '{"steps": [{"id": "s1", "source": "docs", "args": {"query": "delivery"}}]}'

pytestmark = pytest.mark.parametrize("transport", ["aiohttp", "httpx"])


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch):
    monkeypatch.setattr("tenacity.wait_exponential_jitter", lambda **_: lambda state: 0.0)


def failure(url, transport, *, streams=False, timeout=5.0):
    async def once():
        async with OpenAIModel("tiny", base_url=url, api_key=KEY, transport=transport, timeout=timeout) as model:
            await model.complete([Message("user", "hi")], on_token=(lambda _: None) if streams else None)

    with pytest.raises(ModelError) as caught:
        asyncio.run(once())
    assert KEY not in f"{caught.value!r}{caught.value.__cause__!r}"
    return caught.value


def cut_short(handler):
    """An answer whose connection ends before its body has."""
    handler.send_response(200)
    handler.send_header("content-type", "application/json")
    handler.send_header("content-length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"choices": [{"mess')
    handler.wfile.flush()
    handler.close_connection = True


@pytest.mark.parametrize("streams", [False, True])
def test_a_body_that_ends_too_soon_may_be_asked_for_again(endpoint, transport, streams):
    error = failure(endpoint.then(cut_short).url, transport, streams=streams)
    assert "broke off" in str(error)
    assert error.retryable
    assert not isinstance(error, ModelTimeout | BadModelOutput)


def test_a_stream_that_stalls_is_a_timeout(endpoint, transport):
    def stalls(handler):
        handler.send_response(200)
        handler.send_header("content-type", "text/event-stream")
        handler.end_headers()
        handler.wfile.write(b'data: {"choices": [{"index": 0, "delta": {"content": "hel"}}]}\n\n')
        handler.wfile.flush()
        endpoint.ended.wait(30)
        handler.close_connection = True

    error = failure(endpoint.then(stalls).url, transport, streams=True, timeout=0.3)
    assert isinstance(error, ModelTimeout)
    assert error.retryable


@pytest.mark.parametrize("status", [429, 500, 503])
def test_the_wait_is_read_in_seconds_and_as_a_date(endpoint, transport, status):
    endpoint.refuses(status, "busy", headers={"retry_after": "7"})
    later = format_datetime(datetime.now(UTC) + timedelta(seconds=40), usegmt=True)
    endpoint.refuses(status, "busy", headers={"retry_after": later})
    endpoint.refuses(status, "busy", headers={"retry_after": "Tue, 01 Jan 2019 00:00:00 GMT"})
    endpoint.refuses(status, "busy", headers={"retry_after": "soon"})
    errors = [failure(endpoint.url, transport) for _ in range(4)]
    assert [error.retry_after for error in (errors[0], *errors[2:])] == [7.0, 0.0, None]
    assert 20 < errors[1].retry_after <= 40
    assert all(error.retryable and isinstance(error, RateLimited) == (status == 429) for error in errors)


@pytest.mark.parametrize("streams", [False, True])
@pytest.mark.parametrize("body", ["", "not JSON", "<html>a login page</html>", "[1, 2]", "\x00\x01\x02", "data: {\n\n"])
def test_garbage_is_bad_output(endpoint, transport, body, streams):
    endpoint.sends(body, kind="text/event-stream" if streams else "application/json")
    assert isinstance(failure(endpoint.url, transport, streams=streams), BadModelOutput)


# A whole question


def docs():
    return FakeSource("docs", [{"doc_id": "d", "title": "Delivery", "text": "Delivery takes two days."}])


def asked(url, transport, *, timeout=5.0, streams=False):
    """The answer to a question; every word that was told of it; and what was logged."""

    async def once():
        model = OpenAIModel("tiny", base_url=url, api_key=KEY, transport=transport, timeout=timeout)
        async with Assistant([docs()], model=model) as assistant:
            if not streams:
                return await assistant.aask("How long does delivery take?"), ""
            events = [event async for event in assistant.astream("How long does delivery take?")]
            return events[-1].answer, "".join(event.model_dump_json() for event in events)

    return asyncio.run(once())


def check_partial(answer, told, caplog, *words):
    assert answer.partial
    assert "two days" in answer.text
    noted = "\n".join(answer.notes)
    assert all(word in noted for word in words), noted
    shown = f"{answer}{answer.model_dump_json()}{told}{caplog.text}"
    assert KEY not in shown
    assert "Traceback" not in shown
    assert all("\n" not in note for note in answer.notes)


def test_an_endpoint_that_is_down_leaves_an_answer_of_the_sources(free_port, transport, caplog):
    answer, told = asked(f"http://127.0.0.1:{free_port}/v1", transport)
    check_partial(answer, told, caplog, "is the endpoint running?")


FAILURES = {
    "drops": (lambda endpoint: endpoint.drops(), "is the endpoint running?"),
    "cut short": (lambda endpoint: endpoint.then(cut_short), "broke off"),
    "refuses the key": (lambda endpoint: endpoint.refuses(401, f"bad key {KEY}"), "OPENAI_API_KEY"),
    "asks for an hour": (
        lambda endpoint: endpoint.refuses(429, "busy", headers={"retry_after": "3600"}),
        "wait 3600 s",
    ),
    "has no quota": (lambda endpoint: endpoint.refuses(429, KEY, code="insufficient_quota"), "quota is spent"),
    "fails": (lambda endpoint: endpoint.refuses(500, f"secret\n{KEY}"), "HTTP 500"),
    "is overloaded": (lambda endpoint: endpoint.refuses(503, "busy", headers={"retry_after": "0"}), "HTTP 503"),
    "sends garbage": (lambda endpoint: endpoint.sends("<html>"), "did not answer"),
    "sends nothing": (lambda endpoint: endpoint.sends(""), "did not answer"),
}


@pytest.mark.parametrize("streams", [False, True])
@pytest.mark.parametrize("kind", FAILURES)
def test_an_endpoint_that_fails_leaves_an_answer_of_the_sources(endpoint, transport, kind, streams, caplog):
    fail, words = FAILURES[kind]
    fail(endpoint)
    answer, told = asked(endpoint.url, transport, streams=streams)
    check_partial(answer, told, caplog, words)


def test_an_endpoint_that_is_slow_leaves_an_answer_of_the_sources(endpoint, transport, caplog):
    answer, told = asked(endpoint.hangs().url, transport, timeout=0.2)
    check_partial(answer, told, caplog, "did not answer in time")


def test_a_stream_that_breaks_off_leaves_an_answer_of_the_sources(endpoint, transport, caplog):
    endpoint.says(PLAN).streams("Delivery takes a mo", breaks_off=True)
    answer, told = asked(endpoint.url, transport, streams=True)
    check_partial(answer, told, caplog, "the model could not write the answer")


@pytest.mark.parametrize("wait", ["0", "Tue, 01 Jan 2019 00:00:00 GMT"])
def test_a_busy_endpoint_is_asked_again_when_it_says(endpoint, transport, wait):
    endpoint.refuses(429, "busy", headers={"retry_after": wait}).says(PLAN)
    endpoint.refuses(503, "busy", headers={"retry_after": wait}).says("Delivery takes two days [1].")
    answer, _ = asked(endpoint.url, transport)
    assert (answer.text, answer.partial) == ("Delivery takes two days [1].", False)
    waits = [retry["waited"] for span in answer.trace for retry in span.attributes.get("retries", ())]
    assert waits == [0.0, 0.0]
    assert answer.usage.model_calls == 4
