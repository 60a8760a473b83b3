"""Embeddings over HTTP, from a real server on loopback."""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
import pytest

from rag.embed import OpenAIEmbedder
from rag.errors import BadModelOutput, ConfigError, DimensionMismatch, ModelError, RateLimited
from rag.protocols import Embedder

Answer = tuple[int, Any]


def vector(text: str) -> list[float]:
    return [float(len(text) + 1), 2.0, 0.0]


def embeddings(request: dict[str, Any]) -> Answer:
    rows = [{"index": n, "embedding": vector(text), "object": "embedding"} for n, text in enumerate(request["input"])]
    # The last first, since an endpoint may answer in any order.
    return 200, {"object": "list", "data": rows[::-1], "model": request["model"], "usage": {}}


@dataclass
class Endpoint:
    url: str = ""
    requests: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    # What is answered, one a request, before `answer` takes over.
    script: list[Answer] = field(default_factory=list)
    answer: Callable[[dict[str, Any]], Answer] = embeddings


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    told = Endpoint()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["content-length"])))
            told.requests.append(request)
            told.keys.append(self.headers["authorization"])
            status, body = told.script.pop(0) if told.script else told.answer(request)
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(status)
            for name, value in {"content-type": "application/json", **told.headers}.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        told.url = f"http://127.0.0.1:{server.server_port}/v1"
        yield told
        server.shutdown()


@pytest.fixture
def make(endpoint: Endpoint) -> Iterator[Callable[..., OpenAIEmbedder]]:
    made: list[OpenAIEmbedder] = []

    def new(**options: Any) -> OpenAIEmbedder:
        made.append(OpenAIEmbedder("tiny", **{"base_url": endpoint.url, "api_key": "sk-secret", **options}))
        return made[-1]

    yield new
    for embedder in made:
        embedder.close()


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)


Make = Callable[..., OpenAIEmbedder]


def test_vectors_are_unit_and_in_the_order_of_the_texts(make: Make) -> None:
    texts = ["a", "a longer text", ""]
    vectors = make().embed(texts)
    wanted = np.array([vector(text or " ") for text in texts])
    assert vectors == pytest.approx(wanted / np.linalg.norm(wanted, axis=1, keepdims=True), abs=1e-6)
    assert vectors.dtype == np.float32
    assert isinstance(make(), Embedder)


def test_a_request_holds_128_texts_at_most_and_none_that_is_empty(make: Make, endpoint: Endpoint) -> None:
    assert make().embed(["x"] * 299 + [""]).shape == (300, 3)
    assert [len(request["input"]) for request in endpoint.requests] == [128, 128, 44]
    assert all(text for request in endpoint.requests for text in request["input"])


def test_dimensions_are_found_out_by_one_request_and_then_known(make: Make, endpoint: Endpoint) -> None:
    embedder = make()
    assert (embedder.name, embedder.dimensions, embedder.dimensions) == ("tiny", 3, 3)
    assert embedder.embed([]).shape == (0, 3)
    assert len(endpoint.requests) == 1
    assert "dimensions" not in endpoint.requests[0]


def test_declared_dimensions_are_asked_for_and_part_of_the_name(make: Make, endpoint: Endpoint) -> None:
    embedder = make(dimensions=3)
    embedder.embed(["x"])
    assert endpoint.requests[0]["dimensions"] == 3
    assert (embedder.name, embedder.dimensions) == ("tiny@3", 3)


def test_another_length_than_declared_or_than_before_is_a_mismatch(make: Make, endpoint: Endpoint) -> None:
    with pytest.raises(DimensionMismatch, match="vectors of 3 dimensions where 64 are expected"):
        make(dimensions=64).embed(["x"])
    embedder = make()
    embedder.embed(["x"])
    endpoint.script = [(200, {"data": [{"index": 0, "embedding": [1.0]}]})]
    with pytest.raises(DimensionMismatch, match="vectors of 1 dimensions where 3"):
        embedder.embed(["x"])


def test_errors_that_may_pass_are_tried_again(make: Make, endpoint: Endpoint) -> None:
    endpoint.headers = {"retry-after": "0"}
    endpoint.script = [(503, {"error": {"message": "busy"}}), (429, {"error": {"message": "slow down"}})]
    assert make().embed(["x"]).shape == (1, 3)
    assert len(endpoint.requests) == 3


def test_after_the_last_attempt_the_endpoints_own_error_is_raised(make: Make, endpoint: Endpoint) -> None:
    endpoint.headers = {"retry-after": "0"}
    endpoint.answer = lambda request: (429, {"error": {"message": "slow down"}})
    with pytest.raises(RateLimited, match="slow down"):
        make().embed(["x"])
    assert len(endpoint.requests) == 4


@pytest.mark.parametrize(("status", "wait"), [(401, "0"), (400, "0"), (429, "3600")])
def test_errors_that_will_not_pass_soon_are_raised_now(make: Make, endpoint: Endpoint, status: int, wait: str) -> None:
    endpoint.headers = {"retry-after": wait}
    endpoint.answer = lambda request: (status, {"error": {"message": "no, not with sk-secret"}})
    with pytest.raises(ModelError) as caught:
        make().embed(["x"])
    assert len(endpoint.requests) == 1
    assert "sk-secret" not in str(caught.value)


@pytest.mark.parametrize(
    "body",
    [
        b"<html>hello</html>",
        b"{",
        {"data": []},
        {"data": None},
        {"choices": []},
        {"data": [{"index": 0, "embedding": None}]},
        {"data": [{"index": 0, "embedding": ["a", "b"]}]},
        {"data": [{"index": 0, "embedding": [0.0, 0.0]}]},
        {"data": [{"index": 0, "embedding": [1.0]}, {"index": 1, "embedding": [1.0]}]},
    ],
)
def test_an_answer_without_usable_vectors_is_bad_output(make: Make, endpoint: Endpoint, body: object) -> None:
    endpoint.script = [(200, body)]
    with pytest.raises(BadModelOutput, match=r"^tiny at http://127"):
        make().embed(["x"])


def test_an_answer_that_is_no_json_is_bad_output(make: Make, endpoint: Endpoint) -> None:
    endpoint.headers = {"content-type": "text/html"}
    endpoint.script = [(200, b"<html>hello</html>")]
    with pytest.raises(BadModelOutput, match="is it an embedding model"):
        make().embed(["x"])


def test_an_endpoint_that_is_down_is_a_model_error_that_says_so(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("rag.embed.openai._ATTEMPTS", 1)
    with pytest.raises(ModelError, match=r"nothing listens at 127\.0\.0\.1:9") as caught:
        make(base_url="http://127.0.0.1:9/v1").embed(["x"])
    assert caught.value.retryable


def test_key_and_url_come_from_the_environment_when_they_are_not_given(
    make: Make, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", endpoint.url)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-env")
    make(base_url=None, api_key=None).embed(["x"])
    assert endpoint.keys == ["Bearer sk-env"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "has no endpoint: set OPENAI_API_KEY"),
        ({"base_url": "localhost:8000/v1"}, "must begin with http"),
        ({"api_key": "sk-a\nb"}, "api_key holds characters"),
        ({"api_key": "x", "dimensions": 0}, "at least 1"),
    ],
)
def test_settings_that_cannot_work_are_refused_at_once(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said) as caught:
        OpenAIEmbedder("tiny", **options)
    assert "sk-" not in str(caught.value)


def test_a_closed_embedder_opens_new_connections_when_it_is_used(make: Make) -> None:
    embedder = make()
    before = embedder.embed(["x"])
    embedder.close()
    embedder.close()
    assert (embedder.embed(["x"]) == before).all()


def test_its_name_in_print_has_no_key(make: Make) -> None:
    shown = repr(make(base_url="http://user:pw@127.0.0.1:1/v1"))
    assert shown == "OpenAIEmbedder('tiny', base_url='http://127.0.0.1:1/v1')"
