"""An index as a LangChain retriever, an assistant as a LangChain runnable."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from langchain_core.documents import Document
    from langchain_core.retrievers import BaseRetriever
    from langchain_core.runnables import Runnable

    from rag.assistant import Assistant
    from rag.retrieve import Index
    from rag.types import Answer, Hit

__all__ = ["as_retriever", "as_runnable"]


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


def _arguments(asked: str | dict[str, Any]) -> dict[str, Any]:
    return {"question": asked} if isinstance(asked, str) else asked


def _document(hit: Hit) -> Document:
    from langchain_core.documents import Document

    passage = hit.passage
    told = passage.model_dump(include={"doc_id", "chunk_id", "title", "source"})
    return Document(
        id=passage.chunk_id, page_content=passage.text, metadata=passage.metadata | told | {"score": hit.score}
    )
