"""The OpenAI-compatible client against a real server on loopback, over both transports."""

import asyncio
import json
import socket

import pytest

from rag.errors import BadModelOutput, ConfigError, ContextTooLong, ModelError, ModelTimeout, RateLimited
from rag.models import OpenAIModel
from rag.protocols import Message, Model

KEY = "sk-very-secret-key-12345"
HI = [Message("system", "be brief"), Message("user", "hi")]
SCHEMA = {"type": "object", "properties": {"steps": {"type": "array"}}, "required": ["steps"]}
TRANSPORTS = ("aiohttp", "httpx")

both_transports = pytest.mark.parametrize("transport", TRANSPORTS)


def ask(endpoint_or_url, *, transport="aiohttp", timeout=5.0, api_key=KEY, call=None, **options):
    """One call in a loop of its own; every connection is closed after it."""
    url = endpoint_or_url if isinstance(endpoint_or_url, str) else endpoint_or_url.url

    async def once():
        async with OpenAIModel(
            "tiny", base_url=url, api_key=api_key, transport=transport, timeout=timeout, **options
        ) as model:
            return await model.complete(HI, **(call or {}))

    return asyncio.run(once())


def failure(*args, **kwargs):
    with pytest.raises(ModelError) as caught:
        ask(*args, **kwargs)
    return caught.value


def test_it_is_a_model(endpoint):
    assert isinstance(OpenAIModel("tiny", base_url=endpoint.url), Model)


@pytest.mark.parametrize(("url", "who"), [(None, "openai"), ("https://api.groq.com/openai/v1", "groq")])
def test_it_says_who_serves_it(url, who):
    assert OpenAIModel("tiny", base_url=url).provider == who


@both_transports
def test_text_and_usage_come_from_the_endpoint(endpoint, transport):
    endpoint.says("hello")
    reply = ask(endpoint, transport=transport)
    usage = reply.usage
    assert (reply.text, reply.finish) == ("hello", "stop")
    assert (usage.model_calls, usage.prompt_tokens, usage.completion_tokens, usage.cached_tokens) == (1, 12, 3, 5)
    assert not usage.estimated
    assert usage.seconds > 0


def test_the_request_carries_messages_key_limit_and_extra_fields(endpoint):
    endpoint.says()
    ask(endpoint, max_tokens=7, extra={"top_k": 1})
    sent = endpoint.requests[0]
    assert sent["messages"] == [{"role": "system", "content": "be brief"}, {"role": "user", "content": "hi"}]
    assert (sent["model"], sent["max_tokens"], sent["temperature"], sent["top_k"]) == ("tiny", 7, 0.0, 1)
    assert endpoint.headers[0]["Authorization"] == f"Bearer {KEY}"


def test_the_calls_limit_goes_before_the_models(endpoint):
    endpoint.says()
    ask(endpoint, max_tokens=7, call={"max_tokens": 3})
    assert endpoint.requests[0]["max_tokens"] == 3


def test_a_reply_cut_short_says_so(endpoint):
    endpoint.says("hel", finish="length")
    assert ask(endpoint).finish == "length"


@both_transports
def test_a_stream_hands_on_each_piece(endpoint, transport):
    endpoint.streams("he", "l", "lo")
    pieces = []
    reply = ask(endpoint, transport=transport, call={"on_token": pieces.append})
    assert pieces == ["he", "l", "lo"]
    assert reply.text == "hello"
    assert reply.usage.prompt_tokens == 12
    assert endpoint.requests[0]["stream_options"] == {"include_usage": True}


@both_transports
def test_an_endpoint_that_answers_whole_where_a_stream_was_asked_for_is_read(endpoint, transport):
    endpoint.says("hello")
    pieces = []
    reply = ask(endpoint, transport=transport, call={"on_token": pieces.append})
    assert (pieces, reply.text, reply.usage.prompt_tokens) == (["hello"], "hello", 12)


def test_json_that_an_endpoint_calls_text_is_read(endpoint):
    endpoint.sends('{"choices": [{"message": {"content": "hello"}}]}', kind="text/plain")
    assert ask(endpoint).text == "hello"


def test_an_error_of_the_callers_own_is_not_taken_for_the_endpoints(endpoint):
    endpoint.streams("he", "llo")
    with pytest.raises(ValueError, match="mine"):
        ask(endpoint, call={"on_token": lambda _: (_ for _ in ()).throw(ValueError("mine"))})


def test_usage_is_estimated_where_the_endpoint_counts_nothing(endpoint):
    endpoint.says("hello there", usage=None)
    usage = ask(endpoint).usage
    assert usage.estimated
    assert usage.prompt_tokens >= 4
    assert usage.completion_tokens >= 2


def test_an_estimate_counts_tool_calls_and_thoughts(endpoint):
    call = {"id": "1", "type": "function", "function": {"name": "look", "arguments": '{"query": "a long query"}'}}
    endpoint.says("ok", usage=None).says("ok", usage=None, tool_calls=[call], reasoning_content="well, let me see")
    plain = ask(endpoint).usage.completion_tokens
    assert ask(endpoint).usage.completion_tokens >= plain + 10


def test_a_schema_is_asked_for_by_name(endpoint):
    endpoint.says("{}")
    ask(endpoint, call={"schema": SCHEMA})
    assert endpoint.requests[0]["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "reply", "schema": SCHEMA},
    }


@pytest.mark.parametrize("status", [400, 404, 422])
def test_an_endpoint_without_schemas_is_asked_for_json_and_then_for_nothing(endpoint, status):
    endpoint.refuses(status).refuses(status).says("{}")
    assert ask(endpoint, call={"schema": SCHEMA}).text == "{}"
    assert [sent.get("response_format", {}).get("type") for sent in endpoint.requests] == [
        "json_schema",
        "json_object",
        None,
    ]


def test_what_was_refused_once_is_not_asked_for_again(endpoint):
    endpoint.refuses(400, "response_format is not supported").says("{}")

    async def twice():
        async with OpenAIModel("tiny", base_url=endpoint.url) as model:
            await model.complete(HI, schema=SCHEMA)
            await model.complete(HI, schema=SCHEMA)

    asyncio.run(twice())
    kinds = [sent["response_format"]["type"] for sent in endpoint.requests]
    assert kinds == ["json_schema", "json_object", "json_object"]


def test_a_refusal_that_nothing_cures_is_forgotten(endpoint):
    for _ in range(3):
        endpoint.refuses(404, "no such model")
    endpoint.says("{}")

    async def twice():
        async with OpenAIModel("tiny", base_url=endpoint.url) as model:
            with pytest.raises(ModelError, match="no such model"):
                await model.complete(HI, schema=SCHEMA)
            await model.complete(HI, schema=SCHEMA)

    asyncio.run(twice())
    assert endpoint.requests[-1]["response_format"]["type"] == "json_schema"


def test_an_endpoint_that_refuses_stream_options_streams_without(endpoint):
    endpoint.refuses(400, "unknown field stream_options").streams("hello", usage=None)
    reply = ask(endpoint, call={"on_token": lambda _: None})
    assert reply.text == "hello"
    assert reply.usage.estimated
    assert "stream_options" not in endpoint.requests[1]


def test_models_that_take_neither_max_tokens_nor_temperature_are_served(endpoint):
    endpoint.refuses(400, "Unsupported parameter: 'max_tokens' is not supported with this model", param="max_tokens")
    endpoint.refuses(400, "Unsupported value: 'temperature' does not support 0 with this model", param="temperature")
    endpoint.says("hello")
    assert ask(endpoint, max_tokens=9).text == "hello"
    assert endpoint.requests[-1]["max_completion_tokens"] == 9
    assert not {"max_tokens", "temperature"} & set(endpoint.requests[-1])


@both_transports
def test_an_endpoint_that_is_down_is_named_and_may_be_tried_again(free_port, transport):
    error = failure(f"http://127.0.0.1:{free_port}/v1?token=abc", transport=transport)
    assert not isinstance(error, ModelTimeout)
    assert error.retryable
    assert f"127.0.0.1:{free_port}: is the endpoint running?" in str(error)
    assert "abc" not in str(error)


@both_transports
def test_a_slow_endpoint_is_a_timeout(endpoint, transport):
    endpoint.hangs()
    error = failure(endpoint, transport=transport, timeout=0.2)
    assert isinstance(error, ModelTimeout)
    assert error.retryable


@both_transports
def test_an_endpoint_whose_answer_trickles_in_is_a_timeout_too(endpoint, transport):
    error = failure(endpoint.drips(), transport=transport, timeout=0.3)
    assert isinstance(error, ModelTimeout)
    assert error.retryable


@both_transports
def test_a_dropped_connection_is_no_timeout(endpoint, transport):
    endpoint.drops()
    error = failure(endpoint, transport=transport)
    assert not isinstance(error, ModelTimeout)
    assert error.retryable
    assert endpoint.host in str(error)


@both_transports
def test_a_stream_that_breaks_off_is_an_error_after_what_came(endpoint, transport):
    endpoint.streams("hel", breaks_off=True)
    pieces = []
    error = failure(endpoint, transport=transport, call={"on_token": pieces.append})
    assert pieces == ["hel"]
    assert error.retryable
    assert "broke off" in str(error)


def test_an_error_event_in_a_stream_is_an_error(endpoint):
    endpoint.streams("hel", last='data: {"error": {"message": "out of memory"}}\n\n')
    assert "out of memory" in str(failure(endpoint, call={"on_token": lambda _: None}))


@both_transports
def test_an_unknown_host_is_told(transport, monkeypatch):
    def unknown(*_, **__):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    # Not looked up for real: without a network that takes long, or ends otherwise.
    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    error = failure("http://nowhere.invalid/v1", transport=transport)
    assert "nowhere.invalid is not known: check base_url" in str(error)


@both_transports
def test_a_secure_connection_to_an_insecure_endpoint_is_not_tried_again(endpoint, transport):
    error = failure(endpoint.url.replace("http", "https"), transport=transport)
    assert "no secure connection" in str(error)
    assert not error.retryable


@pytest.mark.parametrize(
    ("headers", "wait"), [({"retry_after": "7"}, 7.0), ({"retry_after_ms": "1500"}, 1.5), ({}, None)]
)
def test_too_many_requests_carry_the_wait(endpoint, headers, wait):
    endpoint.refuses(429, "slow down", headers=headers)
    error = failure(endpoint)
    assert isinstance(error, RateLimited)
    assert (error.retryable, error.retry_after) == (True, wait)
    assert "slow down" in str(error)


def test_a_spent_quota_is_not_waited_for(endpoint):
    endpoint.refuses(429, "you exceeded your quota", code="insufficient_quota")
    assert not failure(endpoint).retryable


@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_server_error_may_be_tried_again(endpoint, status):
    endpoint.refuses(status, "oh no", headers={"x_request_id": "r-1"})
    error = failure(endpoint)
    assert error.retryable
    assert error.request_id == "r-1"
    assert f"HTTP {status}: oh no" in str(error)


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_is_not_shown_but_its_variable_is(endpoint, status):
    endpoint.refuses(status, f"Incorrect API key provided: {KEY}")
    error = failure(endpoint)
    assert "OPENAI_API_KEY" in str(error)
    assert KEY not in str(error)
    assert not error.retryable
    assert error.__suppress_context__


def test_a_key_in_any_other_message_is_blotted_out(endpoint):
    endpoint.refuses(400, f"cannot route {KEY} nor odd-key-of-mine")
    error = failure(endpoint, api_key="odd-key-of-mine")
    assert "cannot route *** nor ***" in str(error)


def test_an_unknown_model_says_what_to_check(endpoint):
    endpoint.refuses(404, "model 'tiny' not found")
    message = str(failure(endpoint))
    assert "model 'tiny' not found" in message
    assert "base_url" in message


@pytest.mark.parametrize(
    "body",
    [
        {"message": "too long", "type": "exceed_context_size_error", "n_prompt_tokens": 9000, "n_ctx": 8192},
        {
            "message": "This model's maximum context length is 8192 tokens. However, you requested 9000 tokens.",
            "code": "context_length_exceeded",
        },
    ],
)
def test_a_prompt_that_does_not_fit_is_told_with_its_size(endpoint, body):
    endpoint.sends(json.dumps({"error": body}), status=400)
    error = failure(endpoint, call={"schema": SCHEMA})
    assert isinstance(error, ContextTooLong)
    assert (error.tokens, error.limit) == (9000, 8192)
    assert len(endpoint.requests) == 1


@both_transports
@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ('{"choices": [', "application/json"),
        ("<html>a login page</html>", "text/html"),
        ("[1]", "application/json"),
        ('{"choices": []}', "application/json"),
        ('{"choices": [null]}', "application/json"),
        ('{"choices": {"a": 1}}', "application/json"),
        ('{"choices": [{"message": {"content": [1]}}]}', "application/json"),
        (b"\xff\xfe", "application/json"),
    ],
)
def test_what_is_no_chat_completion_is_bad_output(endpoint, transport, body, kind):
    endpoint.sends(body, kind=kind)
    assert isinstance(failure(endpoint, transport=transport), BadModelOutput)


@pytest.mark.parametrize("body", ["<html>a login page</html>", 'data: {"choi\n\n', "data: [1]\n\n", 'data: "x"\n\n'])
def test_what_is_no_stream_of_completions_is_bad_output(endpoint, body):
    endpoint.sends(body, kind="text/event-stream")
    assert isinstance(failure(endpoint, call={"on_token": lambda _: None}), BadModelOutput)


def test_an_answer_without_text_is_bad_output(endpoint):
    endpoint.says(None, refusal="I would rather not")
    error = failure(endpoint)
    assert isinstance(error, BadModelOutput)
    assert error.raw == "I would rather not"
    assert (error.usage.prompt_tokens, error.usage.completion_tokens) == (12, 3)  # it is paid for all the same


def test_an_answer_that_a_filter_cut_is_bad_output(endpoint):
    endpoint.says("half of", finish="content_filter")
    assert "content filter" in str(failure(endpoint))


def test_one_attempt_is_made(endpoint):
    endpoint.refuses(500)
    failure(endpoint)
    assert len(endpoint.requests) == 1


@both_transports
def test_two_loops_share_a_model(endpoint, transport):
    endpoint.says()
    model = OpenAIModel("tiny", base_url=endpoint.url, transport=transport)
    replies = [asyncio.run(model.complete(HI)).text for _ in range(2)]
    assert replies == ["hello", "hello"]


def test_a_closed_model_opens_anew(endpoint):
    endpoint.says()

    async def twice():
        model = OpenAIModel("tiny", base_url=endpoint.url)
        await model.complete(HI)
        await model.aclose()
        reply = await model.complete(HI)
        await model.aclose()
        return reply.text

    assert asyncio.run(twice()) == "hello"


def test_many_calls_run_at_once(endpoint):
    endpoint.says()

    async def many():
        async with OpenAIModel("tiny", base_url=endpoint.url) as model:
            return await asyncio.gather(*(model.complete(HI) for _ in range(20)))

    assert len(asyncio.run(many())) == 20


@pytest.mark.parametrize("url", ["127.0.0.1:8000/v1", "ftp://127.0.0.1/v1", "http://", "https:///v1"])
def test_what_is_no_url_is_refused_at_once(url):
    with pytest.raises(ConfigError, match="base_url"):
        OpenAIModel("tiny", base_url=url)


def test_credentials_in_the_url_are_refused_without_being_shown():
    with pytest.raises(ConfigError) as caught:
        OpenAIModel("tiny", base_url="http://ann:hidden@127.0.0.1:8000/v1")
    assert "hidden" not in str(caught.value)


def test_a_mangled_key_is_refused_without_being_shown():
    with pytest.raises(ConfigError) as caught:
        OpenAIModel("tiny", api_key="sk-abc\ndef…")
    assert "sk-abc" not in str(caught.value)


def test_the_key_is_not_in_the_repr():
    assert KEY not in repr(OpenAIModel("tiny", api_key=KEY))
