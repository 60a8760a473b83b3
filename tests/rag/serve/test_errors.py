"""What clients are told when something is wrong: OpenAI's envelope, a fitting status, nothing of the inside."""

from __future__ import annotations

import json
import logging

import httpx
import openai
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.exceptions import HTTPException

from rag.run.conversation import NOT_KEPT
from rag.run.task import LONGEST_QUESTION
from rag.serve.failures import public
from rag.types import Answer

ASK = {"model": "rag", "messages": [{"role": "user", "content": "How long?"}]}


def _asking(text, **more):
    return {**ASK, "messages": [{"role": "user", "content": text}], **more}


def _post(url, body, **headers):
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"content-type": "application/json", **headers}
    return httpx.post(f"{url}/v1/chat/completions", content=content, headers=headers, timeout=30)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"", "send a JSON object"),
        (b"[]", "send a JSON object"),
        (b'{"model": ', "the body is not JSON"),
        (b'{"model": "\xff"}', "error parsing the body"),
        (b"[" * 200_000, "error parsing the body"),
        ({"model": "rag"}, "messages: Field required"),
        ({"messages": ASK["messages"]}, "model: Field required"),
        ({**ASK, "messages": []}, "messages: "),
        ({**ASK, "messages": "How long?"}, "messages: "),
        ({**ASK, "messages": [{"role": "wizard", "content": "x"}]}, "messages.0.role: "),
        ({**ASK, "messages": [{"role": "user", "content": 3}]}, "messages.0.content"),
        ({**ASK, "messages": [{"role": "assistant", "content": "x"}]}, "one of role 'user' is needed"),
        ({**ASK, "messages": [{"role": "user"}]}, "the question is empty"),
        (_asking(" \n"), "the question is empty"),
        (_asking(""), "the question is empty"),
        (_asking([{"type": "image_url", "image_url": {"url": "x"}}]), r"messages[0]: only parts of type 'text'"),
        (_asking("x" * (LONGEST_QUESTION + 1)), "at most 20,000 can be asked"),
        ({**ASK, "n": 2}, "n: "),
        ({**ASK, "stream": "perhaps"}, "stream: "),
        ({**ASK, "metadata": {"conversation": "c" * 201}}, "the conversation's id has 201 characters"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_what_cannot_be_asked_is_a_400_that_says_why(one_server, body, told, stream):
    if isinstance(body, dict):
        body = {"stream": stream, **body}
    got = _post(one_server, body)
    error = got.json()["error"]
    assert got.status_code == 400
    assert told in error["message"]
    assert error["type"] == "invalid_request_error"
    assert error.keys() == {"message", "type", "param", "code"}


def test_a_text_that_was_cut_within_an_emoji_is_asked_all_the_same(one_server):
    got = _post(one_server, b'{"model": "rag", "messages": [{"role": "user", "content": "cut \\ud83d"}]}')
    assert got.json()["rag"]["text"] == "cut ? [1] ()"


def test_a_body_that_is_not_called_json_is_refused(one_server):
    got = httpx.post(
        f"{one_server}/v1/chat/completions", content=json.dumps(ASK), headers={"content-type": "text/plain"}
    )
    assert got.status_code == 400
    assert "Content-Type: application/json" in got.json()["error"]["message"]


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_over_the_limit_is_refused(serving, chunked):
    url = serving(max_body=2_000)
    body = json.dumps(_asking("x" * 3_000)).encode()
    content = iter([body[:1_500], body[1_500:]]) if chunked else body
    got = httpx.post(f"{url}/v1/chat/completions", content=content, headers={"content-type": "application/json"})
    assert got.status_code == 413
    assert got.json()["error"]["code"] == "too_large"
    assert _post(url, ASK).status_code == 200


def test_a_body_far_over_the_limit_is_refused_too(one_server):
    got = _post(one_server, b" " * 20_000_000)
    assert got.status_code == 413
    assert got.json()["error"]["message"] == "the request is too large: 1,000,000 bytes are allowed"


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("question", "status", "code"),
    [
        ("odd", 400, "bad_question"),
        ("forbidden", 403, "out_of_scope"),
        ("busy", 429, "model_busy"),
        ("bug", 500, "internal_error"),
    ],
)
def test_a_failure_has_its_status_and_tells_nothing_of_the_inside(one_server, question, status, code, stream):
    got = _post(one_server, _asking(question, stream=stream))
    assert (got.status_code, got.json()["error"]["code"]) == (status, code)
    assert "10.0.0.7" not in got.text
    assert "secret" not in got.text
    assert got.headers.get("retry-after") == ("7" if question == "busy" else None)


def test_the_log_has_what_the_client_is_not_told(one_server, caplog):
    with caplog.at_level(logging.ERROR, "rag.serve"):
        got = _post(one_server, _asking("busy"))
    assert "10.0.0.7 refused" in caplog.text
    assert got.headers["x-request-id"] in caplog.text


def test_a_bug_of_the_servers_own_is_a_500_and_not_a_broken_line(serving):
    def scope_of(request):
        raise RuntimeError("secret")

    got = _post(serving(scope_of=scope_of), ASK)
    assert (got.status_code, got.json()["error"]["message"]) == (500, "the server failed")


def test_scope_of_can_refuse(serving):
    def scope_of(request):
        raise HTTPException(403, "no session")

    got = _post(serving(scope_of=scope_of), ASK)
    assert (got.status_code, got.json()["error"]["message"]) == (403, "no session")


def test_an_error_in_mid_stream_reaches_the_client(serving, client_of, make_assistant):
    assistant = make_assistant()

    async def breaks_off(question, **_):
        async for event in type(assistant).astream(assistant, question):
            yield event
            raise ConnectionError("secret")

    assistant.astream = breaks_off
    with client_of(serving(assistant)).chat.completions.create(**ASK, stream=True) as stream:
        chunks = iter(stream)
        assert next(chunks).choices[0].delta.role == "assistant"
        with pytest.raises(openai.APIError, match="the server failed") as caught:
            list(chunks)
    assert "secret" not in str(caught.value)


def test_unknown_paths_and_methods_are_told_in_the_envelope(one_server):
    assert httpx.get(f"{one_server}/v1/nothing").json()["error"]["code"] == "not_found"
    got = httpx.get(f"{one_server}/v1/chat/completions")
    assert (got.status_code, got.json()["error"]["code"], got.headers["allow"]) == (405, "method_not_allowed", "POST")


@pytest.mark.parametrize("sent", [None, "Bearer", "Bearer wrong", "Bearer k", "Basic key-1", "Bearer key-1 x", "key-1"])
def test_without_a_known_key_nothing_is_answered(serving, sent):
    url = serving(tokens=["key-1", "kéy-2"])
    got = _post(url, ASK, **({"authorization": sent} if sent else {}))
    assert (got.status_code, got.json()["error"]["code"]) == (401, "invalid_api_key")
    assert httpx.get(f"{url}/v1/models").status_code == 401
    assert httpx.get(f"{url}/healthz").json() == {"status": "ok"}


def test_each_known_key_opens(serving, client_of):
    url = serving(tokens=["key-1", "key-2"])
    for key in ("key-1", "key-2"):
        assert client_of(url, api_key=key).models.list().data[0].id == "rag"
    with pytest.raises(openai.AuthenticationError, match="a known key is needed"):
        client_of(url, api_key="key-3").chat.completions.create(**ASK)


def test_the_api_describes_itself_and_loads_nothing_from_elsewhere(one_server):
    described = httpx.get(f"{one_server}/openapi.json").json()
    assert "/v1/chat/completions" in described["paths"]
    assert httpx.get(f"{one_server}/docs").status_code == 404


_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=9)
    | st.sampled_from(["user", "rag", "text"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["role", "content", "type", "text", "conversation"]), inner, max_size=4)
    ),
    max_leaves=12,
)
_message = st.fixed_dictionaries({"role": st.sampled_from(["user", "system", "tool"]) | _json, "content": _json})
_body = st.fixed_dictionaries(
    {"model": st.just("rag") | _json, "messages": st.lists(_message, max_size=3) | _json},
    optional={"stream": st.booleans() | _json, "stream_options": _json, "metadata": _json, "n": _json, "user": _json},
)


@given(_body)
@settings(max_examples=60)
def test_whatever_is_sent_is_answered_or_refused_and_never_a_crash(one_server, body):
    got = _post(one_server, body)
    assert got.status_code in (200, 400, 404)
    if got.status_code != 200:
        assert got.json()["error"]["message"]


def test_that_turns_were_not_kept_is_told_without_the_reason():
    answer = Answer(text="x", notes=(f"{NOT_KEPT}: /var/chat.db is read-only", "no model was used"))
    assert public(answer).notes == (NOT_KEPT, "no model was used")
