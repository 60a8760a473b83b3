"""The index: documents in, hits out."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rag.closing import Closing
from rag.errors import DimensionMismatch
from rag.retrieve.adaptation.kept import keep, kept
from rag.retrieve.algebra import Leaf, Retriever
from rag.retrieve.catalogue import Catalogue, View
from rag.retrieve.dense import Dense
from rag.retrieve.halves import Halves
from rag.retrieve.lexical import Lexical
from rag.retrieve.once import Once
from rag.retrieve.passages import collections, doc_ids, sample, vectors
from rag.retrieve.queries import query_vectors
from rag.retrieve.relevance import Relevance
from rag.retrieve.way import IN_LOOP
from rag.retrieve.writer import Added, Entry, Writer
from rag.types import Hit, Scope

if TYPE_CHECKING:
    import numpy as np

    from rag.protocols import Embedder
    from rag.retrieve.adaptation import Adapter
    from rag.sources.index import IndexSource

    Vector = np.ndarray[Any, np.dtype[np.float32]]

__all__ = ["Index"]


class Index(Closing):
    """Documents, searched by their words and by their meaning.

    One process at a time writes; any number search meanwhile, and see what was committed. An index
    serves many threads. What is stored in a scope is seen by questions of the same tenant alone, and
    of the same user if it has one; a document is known by tenant, user and `doc_id`. A user's own
    document stands in front of the tenant's of the same id in each search that would show both.

    Example:
        >>> with Index.memory() as index:
        ...     done = index.add([{"doc_id": "faq/returns", "text": "Goods may be returned within 30 days."}])
        ...     index.search("how long can I return goods?")[0].passage.doc_id
        'faq/returns'
    """

    def __init__(self, catalogue: Catalogue, embedder: Embedder | None = None) -> None:
        self._catalogue = catalogue
        self._given = embedder
        self._lexical = Lexical(catalogue)
        self._dense = Dense(catalogue)
        self._writer = Writer(catalogue, lambda: self.embedder)
        self._vectors: Callable[[str], Vector] | None = None
        self._adapter = Once(lambda _generation: kept(catalogue, self.embedder), size=1)
        self._halves = Halves(catalogue, self._lexical, self._dense, self._adapted)
        # Sources of one index are often asked the same question at once.
        self._relevance = Once(self._measured, size=64)
        self._both = self.lexical() + self.dense()
        if embedder:
            try:
                _ = self.embedder
            except BaseException:
                self.close()
                raise

    @classmethod
    def open(cls, path: str | PathLike[str], *, embedder: Embedder | None = None, create: bool = True) -> Index:
        """The index in a folder, made when there is none.

        Args:
            path: the folder.
            embedder: what makes vectors of texts; MiniLM on the CPU when not given. An index keeps to one.
            create: whether to make an index where there is none.

        Raises:
            IndexNotFound: there is none, and `create` is false.
            DimensionMismatch: it was made with another embedder.
            RetrievalError: what lies there cannot be read.
        """
        return cls(Catalogue(Path(path), create=create), embedder)

    @classmethod
    def memory(cls, embedder: Embedder | None = None) -> Index:
        """An index that lives as long as this object."""
        return cls(Catalogue(None), embedder)

    def add(
        self,
        documents: Iterable[Entry],
        *,
        scope: Scope | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> Added:
        """Store documents; those that are stored already as they are cost nothing.

        A document has changed when its title, text, metadata or labels have; of a changed one, only
        the chunks that differ are embedded. Each batch of 64 is on disk before the next is taken, and
        a generator is not collected. An index of over 50,000 chunks also writes its vectors to Chroma
        when it has grown by a quarter, which takes about a second for each thousand.

        Args:
            documents: documents, or mappings of `doc_id`, `text`, and if there are any `title` and `metadata`.
            scope: whose they are; without one, they are for questions without one.
            progress: called with the number of documents done, after each batch.

        Raises:
            InputError: an entry is not a document.
            StoreBusy: another process writes this index.
            DimensionMismatch: the index was made with another embedder.
            ModelError: the embedder failed.
            RetrievalError: the index could not be written.
        """
        done = self._writer.add(documents, View.of(scope), progress=progress)
        if done.added or done.updated:
            self._dense.settle()
        return done

    def remove(self, doc_ids: Iterable[str], *, scope: Scope | None = None) -> int:
        """Remove documents of this scope that have all its labels, by their ids or one id; how many there were.

        Raises:
            StoreBusy: another process writes this index.
            RetrievalError: the index could not be written.
        """
        names = [doc_ids] if isinstance(doc_ids, str) else doc_ids
        gone = self._writer.remove(names, View.of(scope))
        if gone:
            self._dense.settle()
        return gone

    def search(
        self, query: str, k: int = 10, *, scope: Scope | None = None, collection: str | None = None
    ) -> list[Hit]:
        """The `k` passages that fit the query best by words and meaning, best first; scores from 0 to 1.

        Raises:
            InputError: `k` is below 1.
            DimensionMismatch: the index was made with another embedder.
            ModelError: the embedder failed.
            RetrievalError: the index cannot be read.
        """
        return self._both.search(query, k, scope=scope, collection=collection)

    async def asearch(
        self, query: str, k: int = 10, *, scope: Scope | None = None, collection: str | None = None
    ) -> list[Hit]:
        """As `search`, in worker threads, so that the event loop goes on.

        Raises:
            InputError: `k` is below 1.
            DimensionMismatch: the index was made with another embedder.
            ModelError: the embedder failed.
            RetrievalError: the index cannot be read.
        """
        return await self._both.asearch(query, k, scope=scope, collection=collection)

    def lexical(self) -> Retriever:
        """Search by words alone; scores are BM25's, above 0."""
        return Leaf("lexical", self._halves.by_words)

    def dense(self) -> Retriever:
        """Search by meaning alone; scores are cosines, from -1 to 1."""
        return Leaf("dense", self._halves.by_meaning)

    def source(
        self,
        name: str,
        *,
        about: str = "",
        collection: str | None = None,
        k: int = 5,
        shared: bool = False,
        retriever: Retriever | None = None,
    ) -> IndexSource:
        """This index, or one collection of it, as a source that an assistant can ask.

        Args:
            name: the source's name, unique within an assistant.
            about: what it holds, for planners; made from titles when not given.
            collection: the only collection that it searches.
            k: passages of one call.
            shared: whether it searches what was stored without a scope, whoever asks.
            retriever: an expression over this index that finds the passages; words and meaning fused when not given.
        """
        from rag.sources.index import IndexSource

        return IndexSource(self, name, about=about, collection=collection, k=k, shared=shared, retriever=retriever)

    def use(self, adapter: Adapter | None) -> None:
        """Adapt questions for search by meaning from now on, wherever this index is open; None ends it.

        An adapter that did not win is not used; one that was learned for a tenant or user adapts theirs alone.

        Raises:
            ConfigError: it is no adapter.
            DimensionMismatch: it was learned for another embedder.
            StoreBusy: another process writes this index.
            RetrievalError: the index could not be written.
        """
        keep(self._catalogue, adapter, lambda: self.embedder)

    def vectors(self, *, scope: Scope | None = None) -> tuple[list[str], Vector]:
        """The `chunk_id` of each passage that the scope sees, and their vectors, of shape (passages, dimensions).

        Raises:
            RetrievalError: the index cannot be read.
        """
        return vectors(self._catalogue, self._catalogue.seen(View.of(scope)))

    def collections(self, *, scope: Scope | None = None) -> list[str]:
        """The names of the collections that hold a document of the scope, in order.

        Raises:
            RetrievalError: the index cannot be read.
        """
        return collections(self._catalogue, self._catalogue.seen(View.of(scope)))

    def doc_ids(self, *, scope: Scope | None = None, collection: str | None = None) -> list[str]:
        """The ids of the documents that the scope sees, in order.

        Raises:
            RetrievalError: the index cannot be read.
        """
        return doc_ids(self._catalogue, self._catalogue.seen(View.of(scope, collection)))

    def __len__(self) -> int:
        """How many documents there are, of all scopes."""
        return int(self._catalogue.rows("SELECT count(*) FROM documents")[0][0])

    def sample(self, size: int, *, collection: str | None = None) -> tuple[int, tuple[str, ...]]:
        """How many documents are stored without tenant, user and labels, and the titles of some of them.

        Raises:
            RetrievalError: the index cannot be read.
        """
        return sample(self._catalogue, collection, size)

    def relevance(self, question: str, scope: Scope | None = None) -> dict[str | None, float]:
        """How well each collection that the scope sees meets the question, from 0 to 1; None stands for all of them.

        Raises:
            RetrievalError: the index cannot be read.
            ModelError: the embedder failed.
        """
        return self._relevance(question, View.of(scope), self._catalogue.generation)

    def close(self) -> None:
        """Let others write, and let go of the files; closing twice is fine."""
        self._writer.close()
        self._dense.close()
        self._catalogue.close()

    async def aclose(self) -> None:
        """As `close`, off the event loop."""
        await IN_LOOP.compute(self.close)

    def __repr__(self) -> str:
        return f"Index({str(self._catalogue.folder)!r})" if self._catalogue.folder else "Index.memory()"

    def _measured(self, question: str, view: View, _generation: int) -> dict[str | None, float]:
        measure = Relevance(self._catalogue, self._lexical, self._dense, self._vector)
        return measure.of(question, self._catalogue.seen(view))

    def _adapted(self, text: str, scope: Scope | None) -> Vector:
        adapter = self._adapter(self._catalogue.generation)
        return adapter.applied(self._vector(text)) if adapter and adapter.serves(scope) else self._vector(text)

    def _vector(self, text: str) -> Vector:
        if self._vectors is None:
            self._vectors = query_vectors(self.embedder)
        return self._vectors(text)

    @property
    def embedder(self) -> Embedder:
        """What makes its vectors, once it is known to be the one that the index was made with.

        Raises:
            DimensionMismatch: it is another.
        """
        from rag.embed import default_embedder

        embedder = self._given or default_embedder()
        known = self._catalogue.meta("embedder")
        if known not in (None, embedder.name):
            raise DimensionMismatch(
                f"{self!r} holds vectors of {known}, and was opened with {embedder.name};"
                " open it with the embedder it was made with, or index the documents again in a new folder"
            )
        return embedder
