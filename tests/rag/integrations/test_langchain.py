"""Ours, used the way LangChain uses its own."""

import pytest
from langchain_core.runnables import RunnableLambda

from rag.assistant import Assistant
from rag.integrations.langchain import as_retriever, as_runnable
from rag.sources.function import source
from rag.types import Hit, Passage


class Shelf:
    """Stands for an index: one passage, and what it was asked."""

    def __init__(self):
        self.asked = []

    def search(self, query, **options):
        self.asked.append((query, options))
        passage = Passage(doc_id="d", chunk_id="d#0", title="T", text="lamps", source="shelf", metadata={"year": 2026})
        return [Hit(passage=passage, score=0.5, rank=0)]

    async def asearch(self, query, **options):
        return self.search(query, **options)


async def test_an_index_is_a_retriever_sync_and_async():
    shelf = Shelf()
    retriever = as_retriever(shelf, k=2)
    (document,) = retriever.invoke("lamp")
    assert (document.id, document.page_content) == ("d#0", "lamps")
    told = {"doc_id": "d", "chunk_id": "d#0", "title": "T", "source": "shelf", "score": 0.5, "year": 2026}
    assert document.metadata == told
    assert await retriever.ainvoke("lamp") == [document]
    assert shelf.asked == [("lamp", {"k": 2})] * 2


@pytest.fixture
def assistant():
    def opening_hours(query: str) -> str:
        """When the shop is open: opening hours."""
        return "The shop is open until 18:00 on weekdays."

    with Assistant([source("hours", opening_hours)]) as assistant:
        yield assistant


async def test_an_assistant_is_a_runnable_sync_and_async(assistant):
    runnable = as_runnable(assistant)
    question = "Until when is the shop open on weekdays?"
    answer = await runnable.ainvoke(question)
    assert "18:00" in answer.text
    assert (await runnable.ainvoke({"question": question})).text == answer.text
    chain = runnable | RunnableLambda(lambda answer: answer.text)
    assert chain.invoke(question) == answer.text
