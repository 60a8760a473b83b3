from typing import Annotated

import pytest
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from langchain_core.tools import InjectedToolArg, StructuredTool, tool

from rag.errors import ConfigError, SourceError
from rag.sources.langchain import langchain_source
from rag.testing.sources import check_source
from rag.types import Scope


class Pages(BaseRetriever):
    def _get_relevant_documents(self, query, *, run_manager):
        if query == "fail":
            raise ConnectionError("gone")
        return [
            Document(id="p1", page_content=f"about {query}", metadata={"title": "Page", "n": 1}),
            Document(page_content="more"),
        ]


@tool
def weather(city: str, days: int = 1, key: Annotated[str, InjectedToolArg] = "k") -> str:
    """What the weather will be."""
    return f"{city}: rain for {days}"


async def test_a_retriever_s_documents_become_rows():
    source = langchain_source("pages", Pages(), about="pages")
    assert source.card.signature == "pages(query: string)"
    assert await source.call({"query": "lamps"}, Scope()) == [
        {"doc_id": "p1", "title": "Page", "text": "about lamps", "metadata": {"title": "Page", "n": 1}},
        {"title": "", "text": "more", "metadata": {}},
    ]


async def test_a_tool_s_own_arguments_are_taken():
    source = langchain_source("weather", weather)
    assert source.card.signature == "weather(city: string, days?: integer)"
    assert source.card.about == "What the weather will be."
    assert await source.call({"city": "Ghent", "days": "2"}, Scope()) == [{"text": "Ghent: rain for 2"}]
    with pytest.raises(SourceError, match="no argument 'key'"):
        await source.call({"city": "Ghent", "key": "mine"}, Scope())


async def test_a_tool_with_a_json_schema_is_taken():
    schema = {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}, "required": ["a"]}
    add = StructuredTool(name="add", description="adds", args_schema=schema, func=lambda a, b=1: a + b)
    source = langchain_source("add", add)
    assert source.card.signature == "add(a: integer, b?: integer)"
    assert await source.call({"a": 1, "b": 2}, Scope()) == [{"text": "3"}]
    with pytest.raises(SourceError, match="'a'"):
        await source.call({"a": "x"}, Scope())


async def test_tools_may_return_documents_and_dictionaries():
    many = StructuredTool.from_function(lambda: [Document(page_content="a"), {"n": 1}], name="many", description="d")
    rows = await langchain_source("many", many).call({}, Scope())
    assert [row.get("text", row.get("n")) for row in rows] == ["a", 1]


async def test_failures_are_source_errors():
    with pytest.raises(SourceError, match="ConnectionError: gone") as raised:
        await langchain_source("pages", Pages()).call({"query": "fail"}, Scope())
    assert raised.value.retryable


def test_what_is_neither_is_refused():
    with pytest.raises(ConfigError, match="neither a LangChain retriever nor a tool"):
        langchain_source("x", object())


async def test_the_contract_of_sources_is_kept():
    await check_source(langchain_source("pages", Pages()), {"query": "lamps"})
    await check_source(langchain_source("weather", weather), {"city": "Ghent"})
