"""LangChain's own fake chat models, wrapped."""

import asyncio
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel, FakeListChatModel
from langchain_core.messages import AIMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from pydantic import Field

from rag.errors import BadModelOutput, ModelError, ModelTimeout
from rag.models import LangChainModel
from rag.protocols import Message, Model

HI = [Message("system", "be brief"), Message("user", "hi")]
SCHEMA = {"type": "object", "properties": {"steps": {"type": "array", "items": {"type": "string"}}}}


class Says(BaseChatModel):
    """Answers with one message, and keeps what it was asked."""

    message: Any
    asked: list[Any] = Field(default_factory=list)
    tools: list[Any] = Field(default_factory=list)

    @property
    def _llm_type(self):
        return "says"

    def bind_tools(self, tools, **_):
        self.tools.extend(tools)
        return self

    def _generate(self, messages, stop=None, run_manager=None, **_):
        self.asked.append(messages)
        if isinstance(self.message, Exception):
            raise self.message
        return ChatResult(generations=[ChatGeneration(message=self.message)])


def ask(chat, **call):
    return asyncio.run(LangChainModel(chat).complete(HI, **call))


def test_it_is_a_model_and_names_itself():
    assert isinstance(LangChainModel(Says(message="")), Model)
    assert LangChainModel(Says(message="")).name == "Says"


def test_messages_keep_their_roles():
    chat = Says(message=AIMessage("hello"))
    assert ask(chat).text == "hello"
    assert [(m.type, m.content) for m in chat.asked[0]] == [("system", "be brief"), ("human", "hi")]


def test_usage_comes_from_the_provider_where_it_counts():
    counted = {
        "input_tokens": 9,
        "output_tokens": 4,
        "total_tokens": 13,
        "input_token_details": {"cache_read": 5},
    }
    usage = ask(Says(message=AIMessage("hello", usage_metadata=counted))).usage
    assert (usage.prompt_tokens, usage.completion_tokens, usage.cached_tokens, usage.estimated) == (9, 4, 5, False)


def test_usage_is_estimated_otherwise():
    assert ask(Says(message=AIMessage("hello"))).usage.estimated


def test_a_stream_hands_on_each_piece():
    pieces = []
    reply = ask(FakeListChatModel(responses=["hello"]), on_token=pieces.append)
    assert pieces == list("hello")
    assert reply.text == "hello"


def test_a_schema_is_met_by_a_tool_call_where_the_chat_model_has_tools():
    call = {"name": "reply", "args": {"steps": ["a"]}, "id": "1"}
    chat = Says(message=AIMessage("", tool_calls=[call]))
    reply = ask(chat, schema=SCHEMA)
    assert reply.text == '{"steps": ["a"]}'
    assert reply.usage.completion_tokens > 0
    assert chat.tools[0]["title"] == "reply"


def test_a_schema_is_left_out_where_it_has_none():
    assert ask(FakeListChatModel(responses=['{"steps": []}']), schema=SCHEMA).text == '{"steps": []}'


def test_a_reply_cut_short_says_so():
    message = AIMessage("hel", response_metadata={"finish_reason": "length"})
    assert ask(Says(message=message)).finish == "length"


def test_an_empty_answer_is_bad_output():
    with pytest.raises(BadModelOutput):
        ask(Says(message=AIMessage("")))


@pytest.mark.parametrize(("raised", "kind"), [(TimeoutError("late"), ModelTimeout), (KeyError("what"), ModelError)])
def test_errors_of_the_provider_are_translated(raised, kind):
    with pytest.raises(kind):
        ask(Says(message=raised))
