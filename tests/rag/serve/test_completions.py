"""What OpenAI's own clients get from the server."""

from __future__ import annotations

import asyncio

import openai
import pytest

from rag.assistant import Assistant
from rag.errors import ModelError
from rag.testing import FakeModel
from rag.types import Scope


def _user(text):
    return {"role": "user", "content": text}


def test_an_answer_has_its_text_its_sources_and_its_structure(serving, client_of):
    client = client_of(serving())
    got = client.chat.completions.create(model="rag", messages=[_user("How long?")])
    assert got.object == "chat.completion"
    assert got.choices[0].finish_reason == "stop"
    assert got.choices[0].message.role == "assistant"
    text = "How long? [1] ()"
    assert got.choices[0].message.content == f"{text}\n\nSources:\n- [1] Leave <rules> (desk: hr/leave.md)"
    assert got.usage.total_tokens == 0
    assert got.rag["text"] == text
    assert got.rag["citations"][0] | {"chunk_id": ""} == {
        "n": 1,
        "title": "Leave\n<rules>",
        "source": "desk",
        "doc_id": "hr/leave.md",
        "chunk_id": "",
        "quote": "Thirty days.",
        "start": 0,
        "end": 3,
        "supported": None,
    }
    assert got.rag["plan"]["steps"] == [{"id": "s1", "source": "desk", "args": {"query": "How long?"}}]
    assert got.rag["partial"] is False


def test_a_stream_brings_the_same_text_in_chunks(serving, client_of):
    client = client_of(serving())
    whole = client.chat.completions.create(model="rag", messages=[_user("How long?")])
    with client.chat.completions.create(model="rag", messages=[_user("How long?")], stream=True) as stream:
        chunks = list(stream)
    assert {chunk.object for chunk in chunks} == {"chat.completion.chunk"}
    assert len({chunk.id for chunk in chunks}) == 1
    assert chunks[0].choices[0].delta.role == "assistant"
    assert "".join(c.choices[0].delta.content or "" for c in chunks) == whole.choices[0].message.content
    assert [c.choices[0].finish_reason for c in chunks] == [None] * (len(chunks) - 1) + ["stop"]
    assert chunks[-1].rag == whole.rag


def test_a_stream_tells_the_usage_when_asked(serving, client_of):
    ask = client_of(serving()).chat.completions.create
    with ask(model="rag", messages=[_user("How long?")], stream=True, stream_options={"include_usage": True}) as stream:
        chunks = list(stream)
    assert chunks[-1].choices == []
    assert chunks[-1].usage.total_tokens == 0
    assert all(chunk.usage is None for chunk in chunks[:-1])


async def test_the_async_client_gets_the_same(serving):
    async with openai.AsyncOpenAI(base_url=f"{serving()}/v1", api_key="none", max_retries=0) as client:
        whole = await client.chat.completions.create(model="rag", messages=[_user("How long?")])
        async with await client.chat.completions.create(
            model="rag", messages=[_user("How long?")], stream=True
        ) as stream:
            text = "".join([chunk.choices[0].delta.content or "" async for chunk in stream])
    assert text == whole.choices[0].message.content


def test_the_last_message_of_the_user_is_asked_and_the_others_are_context(serving, client_of):
    messages = [
        {"role": "system", "content": "Obey me."},
        _user("Hello"),
        {"role": "assistant", "content": "Hi!"},
        _user([{"type": "text", "text": "How"}, {"type": "text", "text": "long?"}]),
    ]
    got = client_of(serving()).chat.completions.create(model="rag", messages=messages)
    assert got.rag["text"] == "How\nlong? [1] (user: Hello / assistant: Hi!)"
    assert any("system messages were left out" in note for note in got.rag["notes"])


def test_settings_of_a_model_are_read_over(serving, client_of):
    got = client_of(serving()).chat.completions.create(
        model="rag", messages=[_user("How long?")], temperature=0.3, max_tokens=5, user="someone", seed=3
    )
    assert got.rag["text"].startswith("How long?")


@pytest.mark.parametrize("stream", [False, True])
def test_a_failing_step_leaves_a_partial_answer_that_says_so_and_no_more(serving, client_of, caplog, stream):
    got = client_of(serving()).chat.completions.create(model="rag", messages=[_user("fail")], stream=stream)
    last = list(got)[-1] if stream else got
    assert last.rag["partial"] is True
    assert "s1 brought nothing: desk failed" in last.rag["notes"]
    assert "10.0.0.7" not in last.model_dump_json()
    assert "the desk at 10.0.0.7 burnt down" in caplog.text


def test_a_failing_step_is_told_in_the_text_too(serving, client_of):
    got = client_of(serving()).chat.completions.create(model="rag", messages=[_user("fail")])
    assert "This answer is incomplete:\n- s1 brought nothing: desk failed" in got.choices[0].message.content


def test_models_are_listed(serving, client_of):
    client = client_of(serving(name="shop"))
    assert [model.id for model in client.models.list()] == ["shop"]
    assert client.models.retrieve("shop").object == "model"
    with pytest.raises(openai.NotFoundError, match="there is no model 'rag' here; the one there is is 'shop'"):
        client.chat.completions.create(model="rag", messages=[_user("How long?")])


@pytest.mark.parametrize("where", ["metadata", "header"])
def test_a_conversation_is_the_memorys_and_not_the_messages(serving, client_of, make_assistant, memory, where):
    ask = client_of(serving(make_assistant(memory=memory))).chat.completions.create
    named = {"metadata": {"conversation": "c1"}} if where == "metadata" else {"extra_headers": {"X-Conversation": "c1"}}
    ask(model="rag", messages=[_user("One")], **named)
    got = ask(model="rag", messages=[_user("not kept"), _user("Two")], **named)
    assert got.rag["text"] == "Two [1] (user: One / assistant: One [1] ())"
    alone = ask(model="rag", messages=[_user("kept"), _user("Three")])
    assert alone.rag["text"] == "Three [1] (user: kept)"


def test_without_a_memory_a_conversation_is_what_the_messages_say(serving, client_of):
    ask = client_of(serving()).chat.completions.create
    got = ask(model="rag", messages=[_user("One"), _user("Two")], metadata={"conversation": "c1"})
    assert got.rag["text"] == "Two [1] (user: One)"


def test_the_scope_is_the_servers_to_give(serving, client_of, make_assistant, memory, desk):
    async def scope_of(request):
        return Scope(user=request.headers["x-session"].upper())

    ask = client_of(serving(make_assistant(memory=memory), scope_of=scope_of)).chat.completions.create
    for session in ("ann", "bob"):
        headers = {"X-Session": session, "X-Conversation": "c1", "X-User": "root", "X-Tenant": "other"}
        got = ask(model="rag", messages=[_user("Mine")], user="root", extra_headers=headers)
        assert got.rag["text"] == "Mine [1] ()"
    assert desk.scopes == [Scope(user="ANN"), Scope(user="BOB")]


def test_without_scope_of_what_a_client_says_of_itself_is_nothing(serving, client_of, desk):
    ask = client_of(serving()).chat.completions.create
    ask(model="rag", messages=[_user("Mine")], user="root", extra_headers={"X-Tenant": "acme", "X-User": "root"})
    assert desk.scopes == [Scope()]


async def test_questions_do_not_wait_for_each_other(serving):
    async with openai.AsyncOpenAI(base_url=f"{serving()}/v1", api_key="none", max_retries=0) as client:
        ask = client.chat.completions.create
        got = await asyncio.gather(
            *(ask(model="rag", messages=[_user(f"together {n}")], timeout=60) for n in range(20)),
        )
    assert [one.rag["text"] for one in got] == [f"together {n} [1] ()" for n in range(20)]


@pytest.mark.parametrize("stream", [False, True])
def test_the_work_ends_when_the_client_goes_away(serving, client_of, desk, stream):
    client = client_of(serving(), timeout=openai.Timeout(60, read=0.3))

    def ask():
        got = client.chat.completions.create(model="rag", messages=[_user("hang")], stream=stream)
        return list(got)

    with pytest.raises(openai.APITimeoutError):
        ask()
    assert desk.started.is_set()
    assert desk.cancelled.wait(30)


async def test_other_questions_are_answered_while_one_hangs(serving, desk):
    async with openai.AsyncOpenAI(base_url=f"{serving()}/v1", api_key="none", max_retries=0) as client:
        ask = client.chat.completions.create
        hanging = asyncio.create_task(ask(model="rag", messages=[_user("hang")]))
        assert await asyncio.to_thread(desk.started.wait, 30)
        got = await ask(model="rag", messages=[_user("How long?")])
        assert got.rag["text"].startswith("How long?")
        hanging.cancel()
        assert await asyncio.to_thread(desk.cancelled.wait, 30)


def test_what_an_answer_cost_is_told_as_gateways_tell_it(serving, client_of, desk):
    model = FakeModel(["Thirty days of leave [1]."], name="gpt-4o-mini")
    ask = client_of(serving(Assistant([desk], model=model, planner="direct"))).chat.completions.create
    usage = ask(model="rag", messages=[_user("How long is the leave?")]).usage
    assert usage.cost == pytest.approx((usage.prompt_tokens * 0.15 + usage.completion_tokens * 0.60) / 1_000_000)
    assert usage.completion_tokens_details.reasoning_tokens == 0


def test_what_a_model_writes_is_streamed_as_it_writes(serving, client_of, desk):
    model = FakeModel(["Thirty days of leave [1]. More is not told [7]."] * 2)
    ask = client_of(serving(Assistant([desk], model=model, planner="direct"))).chat.completions.create
    messages = [_user("How long is the leave?")]
    whole = ask(model="rag", messages=messages)
    with ask(model="rag", messages=messages, stream=True, stream_options={"include_usage": True}) as stream:
        *chunks, usage = stream
    pieces = [text for chunk in chunks if (text := chunk.choices[0].delta.content)]
    assert len(pieces) > 5
    assert "".join(pieces) == whole.choices[0].message.content
    assert whole.rag["text"].startswith("Thirty days of leave [1].")
    assert "[7]" not in whole.rag["text"]
    assert usage.usage == whole.usage
    assert usage.usage.total_tokens == usage.usage.prompt_tokens + usage.usage.completion_tokens > 0


def test_a_text_that_breaks_off_is_followed_by_the_answer(serving, client_of, desk):
    class BreaksOff(FakeModel):
        async def complete(self, messages, *, on_token=None, **options):
            on_token("Perhaps the leave is very, very long, since ")
            raise ModelError("the line is dead", model=self.name)

    ask = client_of(serving(Assistant([desk], model=BreaksOff([]), planner="direct"))).chat.completions.create
    with ask(model="rag", messages=[_user("How long is the leave?")], stream=True) as stream:
        chunks = list(stream)
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    written, answer = text.split("\n\n(The text above broke off. The answer:)\n\n")
    assert written.startswith("Perhaps the leave")
    assert answer.startswith(chunks[-1].rag["text"])
    assert "Thirty days" in answer
    assert "This answer is incomplete:" in answer
