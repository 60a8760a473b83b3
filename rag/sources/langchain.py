"""LangChain retrievers and tools as sources."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel

from rag.card import Schema, free_query
from rag.errors import ConfigError
from rag.protocols import Row
from rag.sources.arguments import make_card
from rag.sources.function import FunctionSource
from rag.sources.schemas import as_given, model_of

if TYPE_CHECKING:
    from langchain_core.documents import Document
    from langchain_core.retrievers import BaseRetriever
    from langchain_core.tools import BaseTool

__all__ = ["langchain_source"]

_PASSAGE: Final[Schema] = {
    "type": "object",
    "properties": {
        "doc_id": {"type": "string"},
        "title": {"type": "string"},
        "text": {"type": "string"},
        "metadata": {"type": "object"},
    },
}


def langchain_source(
    name: str,
    retriever_or_tool: BaseRetriever | BaseTool,
    *,
    about: str = "",
    shared: bool = False,
    timeout: float = 30.0,
) -> FunctionSource:
    """A LangChain retriever or tool as a source.

    A retriever takes a `query`, and its documents become rows of `text`, `title`, `metadata` and,
    where they have an id, `doc_id`. A tool takes what its `args_schema` says, less what is injected.
    Neither knows of scopes: declare the source `shared` if its data is for everyone.

    Args:
        name: the source's name.
        retriever_or_tool: the retriever or tool.
        about: what it knows, for planners; by default a tool's own description.
        shared: the data is for everyone, whatever the scope.
        timeout: seconds that a call may take.

    Raises:
        ConfigError: it is neither a retriever nor a tool.
    """
    from langchain_core.retrievers import BaseRetriever
    from langchain_core.tools import BaseTool

    if isinstance(retriever_or_tool, BaseRetriever):
        return _retriever(name, retriever_or_tool, {"about": about, "shared": shared, "timeout": timeout})
    if isinstance(retriever_or_tool, BaseTool):
        about = about or retriever_or_tool.description
        return _tool(name, retriever_or_tool, {"about": about, "shared": shared, "timeout": timeout})
    raise ConfigError(f"source {name!r}: {retriever_or_tool!r:.80} is neither a LangChain retriever nor a tool")


def _retriever(name: str, retriever: BaseRetriever, options: Mapping[str, Any]) -> FunctionSource:
    async def ask(query: str) -> list[Row]:
        return [_row(document) for document in await retriever.ainvoke(query)]

    card = make_card(name, arguments=free_query(), output=_PASSAGE, **options)
    return FunctionSource(card, ask, scope_parameter=None)


def _tool(name: str, tool: BaseTool, options: Mapping[str, Any]) -> FunctionSource:
    async def ask(**args: Any) -> Any:
        return _rows(await tool.ainvoke(as_given(args)))

    card = make_card(name, arguments=_arguments(tool.tool_call_schema), **options)
    return FunctionSource(card, ask, scope_parameter=None)


def _rows(found: Any) -> Any:
    from langchain_core.documents import Document

    if isinstance(found, Sequence) and not isinstance(found, str):
        return [_row(item) if isinstance(item, Document) else item for item in found]
    return json.dumps(found) if isinstance(found, bool | int | float) else found


def _row(document: Document) -> Row:
    row = {
        "title": str(document.metadata.get("title") or ""),
        "text": document.page_content,
        "metadata": document.metadata,
    }
    return row | ({"doc_id": document.id} if document.id else {})


def _arguments(schema: Any) -> type[BaseModel]:
    """The tool's own model; a tool from elsewhere (MCP, say) has a JSON schema, of which a model is made."""
    return schema if isinstance(schema, type) else model_of(schema)
