"""Any LangChain chat model as a model of ours."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from typing import TYPE_CHECKING, Any

from rag import tokens
from rag.card import Schema
from rag.closing import Closing
from rag.errors import BadModelOutput
from rag.models.errors import translate
from rag.protocols import Message, Reply
from rag.types import Usage

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from langchain_core.messages import AIMessage
    from langchain_core.runnables import Runnable

__all__ = ["LangChainModel"]


class LangChainModel(Closing):
    """Wraps a LangChain chat model, whose own settings rule connections, retries and the reply's size.

    A schema is asked for by `with_structured_output` where the chat model offers that. A chat model that
    holds a connection is to be used in one event loop.

    Args:
        chat: the chat model.
        name: its name for traces; as the chat model says, when not given.

    Example:
        >>> from langchain_core.language_models import FakeListChatModel
        >>> from rag.run.bridge import run
        >>> model = LangChainModel(FakeListChatModel(responses=["hello"]), name="fake")
        >>> run(model.complete, [Message("user", "hi")]).text
        'hello'
    """

    def __init__(self, chat: BaseChatModel, *, name: str = "") -> None:
        said = getattr(chat, "model_name", None) or getattr(chat, "model", None)
        self.name = name or (said if isinstance(said, str) else type(chat).__name__)
        # As LangChain's own packages are named: langchain_openai, langchain_mistralai.
        self.provider = type(chat).__module__.split(".")[0].removeprefix("langchain_")
        self._chat = chat

    @property
    def identity(self) -> str:
        """What its replies depend on besides the prompt, for caches: the settings that LangChain's own go by."""
        return self._chat._get_llm_string()

    def __repr__(self) -> str:
        return f"LangChainModel({self.name!r})"

    async def complete(
        self,
        messages: Sequence[Message],
        *,
        schema: Schema | None = None,
        max_tokens: int | None = None,
        on_token: Callable[[str], None] | None = None,
    ) -> Reply:
        """What the model writes after the messages; `max_tokens` is the chat model's own affair.

        Raises:
            ModelError: the call failed; `retryable` says whether another try may help.
        """
        started = time.perf_counter()
        text, said = "", None
        async with aclosing(self._pieces(messages, schema, stream=on_token is not None)) as pieces:
            async for piece, new in pieces:
                text += new
                said = piece if said is None else said + piece
                if new and on_token is not None:
                    on_token(new)
        if said is None or not text:
            raise BadModelOutput(f"{self.name} answered without any text", model=self.name, raw=str(said or ""))
        usage = self._usage(messages, schema, said, text).model_copy(update={"seconds": time.perf_counter() - started})
        return Reply(text, usage, "length" if _was_cut(said) else "stop")

    async def _pieces(
        self, messages: Sequence[Message], schema: Schema | None, *, stream: bool
    ) -> AsyncGenerator[tuple[Any, str]]:
        """The answer as it comes in: each message or chunk of one, and its text."""
        prompt = [(message.role, message.content) for message in messages]
        structured = self._structured(schema) if schema is not None else None
        try:
            if structured is not None:
                found = await structured.ainvoke(prompt)
                said = found["raw"]
                yield said, said.text if found["parsed"] is None else json.dumps(found["parsed"], ensure_ascii=False)
            elif stream:
                async for chunk in self._chat.astream(prompt):
                    yield chunk, chunk.text
            else:
                said = await self._chat.ainvoke(prompt)
                yield said, said.text
        # Every provider's package raises errors of its own.
        except Exception as error:
            raise translate(error, self.name) from error

    def _structured(self, schema: Schema) -> Runnable[Any, Any] | None:
        try:
            return self._chat.with_structured_output({"title": "reply", **schema}, include_raw=True)
        except NotImplementedError:
            return None

    def _usage(self, messages: Sequence[Message], schema: Schema | None, said: AIMessage, text: str) -> Usage:
        counted = said.usage_metadata
        if counted is not None:
            return Usage(
                model_calls=1,
                prompt_tokens=counted["input_tokens"],
                completion_tokens=counted["output_tokens"],
                cached_tokens=counted.get("input_token_details", {}).get("cache_read", 0) or 0,
                reasoning_tokens=counted.get("output_token_details", {}).get("reasoning", 0) or 0,
            )
        calls = "".join(f"{call['name']}{json.dumps(call['args'])}" for call in said.tool_calls)
        written = calls or text  # a structured answer is its tool call, not written twice
        return Usage(
            model_calls=1,
            prompt_tokens=tokens.of_prompt(messages, schema, self.name),
            completion_tokens=tokens.count(written, self.name).tokens,
            estimated=True,
        )


def _was_cut(said: AIMessage) -> bool:
    told = said.response_metadata
    return "length" in (told.get("finish_reason"), told.get("done_reason")) or told.get("stop_reason") == "max_tokens"
