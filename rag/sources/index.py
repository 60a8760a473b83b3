"""An index, or a collection of it, as a source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from rag.card import Schema, ScopeField, SourceCard, free_query
from rag.errors import ConfigError
from rag.protocols import Row
from rag.sources.arguments import admit, make_card, read_arguments, translated
from rag.sources.threads import Threads
from rag.types import Hit, Scope

if TYPE_CHECKING:
    from rag.retrieve.algebra import Retriever
    from rag.retrieve.index import Index

__all__ = ["IndexSource"]

_ROW: Final[Schema] = {
    "type": "object",
    "properties": {
        "doc_id": {"type": "string"},
        "chunk_id": {"type": "string"},
        "title": {"type": "string", "role": "title"},
        "text": {"type": "string"},
        "score": {"type": "number"},
        "span": {"type": "array", "items": {"type": "integer"}},
        "metadata": {"type": "object"},
    },
}
_ENFORCED: Final[frozenset[ScopeField]] = frozenset({"tenant", "user", "labels"})
_QUERY: Final = free_query()
_TITLES: Final = 5  # that tell what a source is about
_LONGEST_TITLE: Final = 80  # characters
_AT_ONCE: Final = 8  # searches, which compute: more of them at once would only take longer


class IndexSource:
    """Finds passages of an index; `Index.source` makes it.

    It keeps to tenant, user and labels. A shared one searches what was stored without a scope,
    whoever asks. The titles on its card are those of the time when it was made, so that nothing can
    fail where a card is read.

    Raises:
        ConfigError: the name cannot name a source, or `k` is below 1.
        RetrievalError: the index cannot be read.
    """

    def __init__(
        self,
        index: Index,
        name: str,
        *,
        about: str = "",
        collection: str | None = None,
        k: int = 5,
        shared: bool = False,
        retriever: Retriever | None = None,
    ) -> None:
        if k < 1:
            raise ConfigError(f"source {name!r}: k is {k}; bring at least 1 passage")
        self._index = index
        self._retriever = retriever
        self._collection = collection
        self._k = k
        self._card = make_card(
            name,
            about=about or self._contents(),
            arguments=_QUERY,
            output=_ROW,
            enforces=frozenset() if shared else _ENFORCED,
            shared=shared,
            concurrency=_AT_ONCE,
        )
        self._threads = Threads(self._card.concurrency)

    @property
    def card(self) -> SourceCard:
        """What planners are told; without an `about`, the titles of what is stored without a scope."""
        return self._card

    async def call(self, args: Mapping[str, Any], scope: Scope) -> Sequence[Row]:
        """The passages that fit the query best, best first.

        Raises:
            ScopeError: the scope asks for a time, and the source is not shared.
            SourceError: an argument does not fit, or the index could not be searched.
        """
        admit(self._card, scope)
        query = read_arguments(self._card, args).model_dump()["query"]
        with translated(self._card.name):
            hits = await self._found(query, self._seen_by(scope))
        return [_row(hit) for hit in hits]

    async def relevance(self, question: str, scope: Scope) -> float:
        """How well the best passages meet the question, from 0 to 1.

        Raises:
            SourceError: the index could not be searched.
        """
        with translated(self._card.name):
            found = await self._threads.run(self._index.relevance, question, self._seen_by(scope))
        return found.get(self._collection, 0.0)

    def __repr__(self) -> str:
        return f"IndexSource({self._card.name!r}, {self._index!r})"

    async def _found(self, query: str, scope: Scope | None) -> list[Hit]:
        if self._retriever:  # it may wait for a model, which a thread would keep waiting when nobody does any more
            return await self._retriever.asearch(query, self._k, scope=scope, collection=self._collection)
        return await self._threads.run(self._index.search, query, self._k, scope=scope, collection=self._collection)

    def _seen_by(self, scope: Scope) -> Scope | None:
        return None if self._card.shared else scope

    def _contents(self) -> str:
        # Titles stored in a scope are not everyone's to read, and the card is shown to everyone.
        count, titles = self._index.sample(_TITLES, collection=self._collection)
        return f"{count} documents, such as {'; '.join(map(_told, titles))}" if titles else "documents"


def _told(title: str) -> str:
    return "".join(filter(str.isprintable, " ".join(title.split())))[:_LONGEST_TITLE]


def _row(hit: Hit) -> Row:
    passage = hit.passage
    return {
        "doc_id": passage.doc_id,
        "chunk_id": passage.chunk_id,
        "title": passage.title,
        "text": passage.text,
        "score": hit.score,
        "span": list(passage.span or ()),
        "metadata": passage.metadata,
    }
