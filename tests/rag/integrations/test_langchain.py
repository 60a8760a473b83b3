"""Ours, used the way LangChain uses its own."""

import pytest
from langchain_core.messages import AIMessage, HumanMessage, SystemMessage, ToolMessage
from langchain_core.runnables import RunnableLambda

from rag.assistant import Assistant
from rag.integrations.langchain import as_chat_history, as_retriever, as_runnable
from rag.memory import Memory
from rag.retrieve import Index
from rag.sources.function import source
from rag.testing.fakes import FakeEmbedder
from rag.types import Scope, Turn


@pytest.fixture
def index():
    with Index.memory(embedder=FakeEmbedder()) as index:
        index.add([{"doc_id": "lamps", "title": "Lamps", "text": "Desk lamps shine.", "metadata": {"year": 2026}}])
        index.add([{"doc_id": "lamps", "text": "Lamps of acme."}], scope=Scope(tenant="acme"))
        yield index


async def test_an_index_is_a_retriever_sync_and_async(index):
    retriever = as_retriever(index, k=2)
    (document,) = retriever.invoke("desk lamps")
    assert (document.id, document.page_content) == ("lamps#0", "Desk lamps shine.")
    assert document.metadata["title"] == "Lamps"
    assert document.metadata["year"] == 2026
    assert document.metadata["score"] > 0
    assert await retriever.ainvoke("desk lamps") == [document]


async def test_a_retriever_keeps_to_its_scope(index):
    retriever = as_retriever(index, scope=Scope(tenant="acme"))
    assert [document.page_content for document in await retriever.ainvoke("lamps")] == ["Lamps of acme."]


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


async def test_the_input_of_a_runnable_cannot_change_a_scope_that_is_fixed(index):
    acme = Scope(tenant="acme")
    with Assistant([index.source("docs")]) as assistant:
        runnable = as_runnable(assistant, scope=acme)
        asked = {"question": "What are the lamps of acme?", "scope": Scope()}
        answers = [runnable.invoke(asked), await runnable.ainvoke(asked)]
    assert [[item.passage.text for item in answer.evidence.items] for answer in answers] == [["Lamps of acme."]] * 2


@pytest.fixture
def memory():
    with Memory.open("sqlite://") as opened:
        yield opened


MESSAGES = [
    SystemMessage("Be kind.", id="0"),
    HumanMessage("Hello", name="Ann", id="1"),
    AIMessage("", tool_calls=[{"name": "weather", "args": {"town": "York"}, "id": "t1", "type": "tool_call"}], id="2"),
    ToolMessage("rain", tool_call_id="t1", id="3"),
    AIMessage([{"type": "text", "text": "It rains."}], response_metadata={"model": "m"}, id="4"),
]


def test_a_memory_is_a_chat_history_that_loses_nothing(memory):
    history = as_chat_history(memory, "c1")
    history.add_messages(MESSAGES)
    assert history.messages == MESSAGES
    assert [turn.role for turn in memory.turns("c1")] == [None, "user", "assistant", "tool", "assistant"]
    assert memory.turns("c1")[-1].text == "It rains."


async def test_a_chat_history_is_async_too_and_can_be_cleared(memory):
    history = as_chat_history(memory, "c1", scope=Scope(user="ann"), last=2)
    await history.aadd_messages(MESSAGES)
    assert await history.aget_messages() == MESSAGES[-2:]
    assert as_chat_history(memory, "c1").messages == []
    await history.aclear()
    assert await history.aget_messages() == []
    await history.aclear()


def test_turns_that_were_no_messages_come_as_messages_of_their_role(memory):
    memory.add("c1", [Turn(turn_id="7", role="assistant", text="Hi"), Turn(turn_id="8", speaker="Bob", text="Ho")])
    assert as_chat_history(memory, "c1").messages == [AIMessage("Hi", id="7"), HumanMessage("Ho", name="Bob", id="8")]
