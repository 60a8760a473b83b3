"""An index as a LangChain retriever, an assistant as a LangChain runnable, a memory as LangChain's chat history."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from langchain_core.chat_history import BaseChatMessageHistory
    from langchain_core.documents import Document
    from langchain_core.messages import BaseMessage
    from langchain_core.retrievers import BaseRetriever
    from langchain_core.runnables import Runnable

    from rag.assistant import Assistant
    from rag.memory import Memory
    from rag.retrieve import Index
    from rag.types import Answer, Hit, Scope, Turn

__all__ = ["as_chat_history", "as_retriever", "as_runnable"]

_MESSAGE = "langchain"
"""What a turn's metadata keeps of the message that it was made of."""


def as_retriever(index: Index, *, k: int = 5, **options: Any) -> BaseRetriever:
    """The index as a retriever of `k` documents, best first, sync and async.

    Each document has the passage's text, and its `doc_id`, `chunk_id`, `title`, `source` and `score`
    beside the passage's own metadata. Further options are those of `Index.search`.
    """
    from langchain_core.retrievers import BaseRetriever

    class IndexRetriever(BaseRetriever):
        def _get_relevant_documents(self, query: str, **_: Any) -> list[Document]:
            return [_document(hit) for hit in index.search(query, k=k, **options)]

        async def _aget_relevant_documents(self, query: str, **_: Any) -> list[Document]:
            return [_document(hit) for hit in await index.asearch(query, k=k, **options)]

    return IndexRetriever()


def as_runnable(assistant: Assistant, **options: Any) -> Runnable[str | dict[str, Any], Answer]:
    """The assistant as a runnable from a question to an `Answer`, sync and async.

    The input is the question, or a dictionary of `question` and other arguments of `Assistant.ask`,
    such as `conversation` and `scope`; `options` hold for every question, whatever its input says.
    """
    from langchain_core.runnables import RunnableLambda

    def ask(asked: str | dict[str, Any]) -> Answer:
        return assistant.ask(**_arguments(asked) | options)

    async def aask(asked: str | dict[str, Any]) -> Answer:
        return await assistant.aask(**_arguments(asked) | options)

    return RunnableLambda(ask, afunc=aask, name="rag")


def as_chat_history(
    memory: Memory, conversation: str, *, scope: Scope | None = None, last: int | None = None
) -> BaseChatMessageHistory:
    """A conversation of a memory as LangChain's chat history, sync and async, with nothing of a message lost.

    Turns that were not added as messages come as messages of their role. `last` gives only the last ones of a
    long conversation; `clear` forgets it.
    """
    from langchain_core.chat_history import BaseChatMessageHistory

    class MemoryHistory(BaseChatMessageHistory):
        @property
        def messages(self) -> list[BaseMessage]:  # type: ignore[override]  # it is an attribute there
            return [_message(turn) for turn in memory.turns(conversation, last=last, scope=scope)]

        def add_messages(self, messages: Sequence[BaseMessage]) -> None:
            memory.add(conversation, map(_turn, messages), scope=scope)

        def clear(self) -> None:
            memory.forget(conversation=conversation, scope=scope)

        async def aget_messages(self) -> list[BaseMessage]:
            return [_message(turn) for turn in await memory.aturns(conversation, last=last, scope=scope)]

        async def aadd_messages(self, messages: Sequence[BaseMessage]) -> None:
            await memory.aadd(conversation, map(_turn, messages), scope=scope)

        async def aclear(self) -> None:
            await memory.aforget(conversation=conversation, scope=scope)

    return MemoryHistory()


def _turn(message: BaseMessage) -> Turn:
    from langchain_core.messages import message_to_dict

    from rag.memory.exchange.langchain import ROLES
    from rag.memory.exchange.reading import text_of
    from rag.types import Turn

    return Turn(
        role=ROLES.get(message.type),
        speaker=message.name or "",
        text=text_of(message.content),
        metadata={_MESSAGE: message_to_dict(message)},
    )


def _message(turn: Turn) -> BaseMessage:
    from langchain_core.messages import AIMessage, HumanMessage, messages_from_dict

    kept = turn.metadata.get(_MESSAGE)
    if isinstance(kept, dict) and "data" in kept:
        return messages_from_dict([kept])[0]
    kind = AIMessage if turn.role == "assistant" else HumanMessage
    return kind(content=turn.text, name=turn.speaker or None, id=turn.turn_id)


def _arguments(asked: str | dict[str, Any]) -> dict[str, Any]:
    return {"question": asked} if isinstance(asked, str) else asked


def _document(hit: Hit) -> Document:
    from langchain_core.documents import Document

    passage = hit.passage
    told = passage.model_dump(include={"doc_id", "chunk_id", "title", "source"})
    return Document(
        id=passage.chunk_id, page_content=passage.text, metadata=passage.metadata | told | {"score": hit.score}
    )
