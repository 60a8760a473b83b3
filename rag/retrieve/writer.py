"""Writing: one process at a time brings the catalogue up to what it is given.

Documents are taken in batches, each of which is one transaction: a kill loses at most the batch at
hand, and running the same again goes on from there.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from rag.errors import DimensionMismatch, InputError, StoreBusy
from rag.ingest.chunk import chunk
from rag.ingest.document import Document
from rag.ingest.names import names
from rag.retrieve.catalogue import Catalogue, View, collection_of, listed
from rag.retrieve.dense import fingerprint, packed
from rag.retrieve.forking import renewed_after_fork

if TYPE_CHECKING:
    from filelock import BaseFileLock

    from rag.protocols import Embedder

__all__ = ["Added", "Entry", "Writer"]

Entry: TypeAlias = Document | Mapping[str, Any]
"""A document, or a mapping of its fields."""

_FORMAT: Final = 2
"""Counted up when documents are cut or embedded in another way: then all of them count as changed."""

_BATCH: Final = 64  # documents of one transaction
_TEXTS: Final = 128  # texts given to the embedder at once
_LONGEST_HEADING: Final = 200  # characters of a heading that are embedded with each chunk

_Item = TypeVar("_Item")


class Added(BaseModel):
    """What became of the documents given to an index; `skipped` names those that hold no text."""

    model_config = ConfigDict(frozen=True)

    added: int = 0
    updated: int = 0
    unchanged: int = 0
    skipped: tuple[str, ...] = ()

    def __add__(self, other: Added) -> Added:
        """Both together."""
        return Added(
            added=self.added + other.added,
            updated=self.updated + other.updated,
            unchanged=self.unchanged + other.unchanged,
            skipped=self.skipped + other.skipped,
        )


@dataclass(frozen=True, slots=True)
class _Piece:
    """A chunk as it is stored; `vector` is empty until it is embedded."""

    span: tuple[int, int]
    text: str
    vector: bytes

    def to_embed(self, heading: str) -> str:
        # An encoder reads its first 256 tokens: a long heading would leave no room for the text.
        return f"{heading[:_LONGEST_HEADING]}\n{self.text}" if heading else self.text


class Writer:
    """The right to write an index, taken with the first change and held until it is closed."""

    def __init__(self, catalogue: Catalogue, embedder: Callable[[], Embedder]) -> None:
        self._catalogue = catalogue
        self._embedder = embedder
        self._lock: BaseFileLock | None = None
        self._holder: int | None = None  # the process that has the lock: a forked child has not
        renewed_after_fork(self)

    def renew(self) -> None:
        """Make the lock between threads anew, in a forked child."""
        self._one_at_a_time = threading.RLock()

    def add(self, documents: Iterable[Entry], view: View, *, progress: Callable[[int], None] | None = None) -> Added:
        """Store the documents that are new or differ from what is stored, for whom the view is of.

        Raises:
            InputError: an entry is not a document.
            StoreBusy: another process writes this index.
            RetrievalError: the index could not be written.
            ModelError: the embedder failed.
        """
        done, count = Added(), 0
        for batch in _batches(map(_document, documents), _BATCH):
            with self._one_at_a_time:
                done += self._add(batch, view)
            count += len(batch)
            if progress:
                progress(count)
        return done

    def remove(self, doc_ids: Iterable[str], view: View) -> int:
        """Remove documents of this view that have all its labels; how many there were.

        Raises:
            StoreBusy: another process writes this index.
            RetrievalError: the index could not be written.
        """
        gone = 0
        for batch in _batches(doc_ids, 500):
            with self._one_at_a_time:
                if self._labelled(batch, view):
                    self._take_lock()
                    numbers = self._labelled(batch, view)
                    with self._catalogue.writing() as connection:
                        _delete(connection, numbers)
                    gone += len(numbers)
        return gone

    def close(self) -> None:
        """Let another process write."""
        with self._one_at_a_time:
            if self._lock and self._holder == os.getpid():
                self._lock.release()
            self._lock = self._holder = None

    def _add(self, batch: Sequence[Document], view: View) -> Added:
        # The last of several documents with one id is the one that stays.
        given = {document.doc_id: document for document in batch}
        blank = tuple(name for name, document in given.items() if not document.text.strip())
        full = [document for name, document in given.items() if name not in blank]
        if blank:
            self.remove(blank, replace(view, labels=frozenset()))
        changed = self._changed(full, view)
        added = 0
        if changed:
            self._take_lock()
            # Again: another process may have written before this one had the lock.
            changed = self._changed(full, view)
            added = sum(old is None for _, old in changed)
            self._store(changed, view)
        return Added(added=added, updated=len(changed) - added, unchanged=len(full) - len(changed), skipped=blank)

    def _changed(self, documents: Sequence[Document], view: View) -> list[tuple[Document, int | None]]:
        stored = self._stored([document.doc_id for document in documents], view)
        found = []
        for document in documents:
            number, digest, _ = stored.get(document.doc_id, (None, b"", ()))
            if digest != _digest(document, view):
                found.append((document, number))
        return found

    def _labelled(self, doc_ids: Sequence[str], view: View) -> list[int]:
        return [number for number, _, labels in self._stored(doc_ids, view).values() if view.labels <= labels]

    def _stored(self, doc_ids: Sequence[str], view: View) -> dict[str, tuple[int, bytes, Set[str]]]:
        """Number, digest and labels of the stored ones of these documents, whatever the view's labels."""
        rows = self._catalogue.rows(
            """SELECT doc_id, documents.id, digest, labels FROM documents JOIN partitions ON partitions.id = partition
               WHERE tenant = ? AND user = ? AND doc_id IN (SELECT value FROM json_each(?))""",
            view.tenant,
            view.user,
            listed(doc_ids),
        )
        return {doc_id: (number, digest, set(json.loads(labels))) for doc_id, number, digest, labels in rows}

    def _store(self, changed: Sequence[tuple[Document, int | None]], view: View) -> None:
        embedder = self._embedder()
        cut = [self._pieces(document, old) for document, old in changed]
        missing = [(doc, n) for doc, pieces in enumerate(cut) for n, piece in enumerate(pieces) if not piece.vector]
        texts = [cut[doc][n].to_embed(_heading(changed[doc][0])) for doc, n in missing]
        for (doc, n), vector in zip(missing, _embedded(embedder, texts), strict=True):
            cut[doc][n] = replace(cut[doc][n], vector=vector)
        with self._catalogue.writing() as connection:
            connection.execute("INSERT OR IGNORE INTO meta VALUES ('embedder', ?)", (embedder.name,))
            _delete(connection, [old for _, old in changed if old is not None])
            for (document, _), pieces in zip(changed, cut, strict=True):
                _insert(connection, document, pieces, view)

    def _pieces(self, document: Document, old: int | None) -> list[_Piece]:
        """The document's chunks; those that an older version had word for word keep their vectors."""
        known: dict[tuple[str, str], bytes] = {}
        if old is not None:
            rows = self._catalogue.rows("SELECT title, text, vector FROM chunks WHERE document = ?", old)
            known = {(title, text): vector for title, text, vector in rows}
        pieces = []
        for start, stop in chunk(document.text):
            text = document.text[start:stop]
            pieces.append(_Piece((start, stop), text, known.get((_heading(document), text), b"")))
        return pieces

    def _take_lock(self) -> None:
        if self._holder == os.getpid():
            return
        if self._catalogue.folder:
            self._lock = self._acquired(self._catalogue.folder)
        self._holder = os.getpid()
        with self._catalogue.writing() as connection:
            connection.execute("INSERT OR REPLACE INTO meta VALUES ('writer', ?)", (self._holder,))

    def _acquired(self, folder: Path) -> BaseFileLock:
        from filelock import FileLock, Timeout

        # Not bound to the thread: an index may be closed in another one than it was written in.
        lock = FileLock(folder / "writer.lock", timeout=0, thread_local=False)
        try:
            lock.acquire()
        except Timeout as error:
            holder = self._catalogue.meta("writer")
            raise StoreBusy(
                f"the index at {folder} is being written by process {holder or '(unknown)'};"
                " close it there or wait for it to end (searching works meanwhile)"
            ) from error
        return lock


def _embedded(embedder: Embedder, texts: Sequence[str]) -> Iterator[bytes]:
    import numpy as np

    for part in _batches(texts, _TEXTS):
        vectors = np.asarray(embedder.embed(part), np.float32)
        if vectors.shape != (len(part), embedder.dimensions) or not np.isfinite(vectors).all():
            raise DimensionMismatch(
                f"{embedder.name} gave vectors of shape {vectors.shape} for {len(part)} texts, not"
                f" ({len(part)}, {embedder.dimensions}) finite numbers; check the embedder"
            )
        yield from packed(vectors)


def _document(entry: Entry) -> Document:
    if isinstance(entry, Document):
        return entry
    try:
        return Document.model_validate(entry)
    except ValidationError as error:
        first = error.errors()[0]
        name = entry.get("doc_id") if isinstance(entry, Mapping) else type(entry).__name__
        where = ".".join(str(part) for part in first["loc"])
        raise InputError(
            f"document {name!r} cannot be indexed: {where}: {first['msg']};"
            " give doc_id and text, and title and metadata if there are any"
        ) from error


def _heading(document: Document) -> str:
    """What each chunk is found by besides its text: the title, and the names in the metadata."""
    others = [name for name in names(document.metadata) if name.lower() not in document.title.lower()]
    return "; ".join(filter(None, [document.title, *others]))


def _digest(document: Document, view: View) -> bytes:
    content = [_FORMAT, document.title, document.text, document.metadata, sorted(view.labels)]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).digest()


def _delete(connection: sqlite3.Connection, numbers: Sequence[int]) -> None:
    connection.execute("DELETE FROM documents WHERE id IN (SELECT value FROM json_each(?))", (listed(numbers),))


def _insert(connection: sqlite3.Connection, document: Document, pieces: Sequence[_Piece], view: View) -> None:
    key = (view.tenant, view.user, json.dumps(sorted(view.labels)), collection_of(document.doc_id))
    connection.execute("INSERT OR IGNORE INTO partitions (tenant, user, labels, collection) VALUES (?, ?, ?, ?)", key)
    (partition,) = connection.execute(
        "SELECT id FROM partitions WHERE (tenant, user, labels, collection) = (?, ?, ?, ?)", key
    ).fetchone()
    (number,) = connection.execute(
        "INSERT INTO documents (partition, doc_id, title, metadata, digest) VALUES (?, ?, ?, ?, ?) RETURNING id",
        (partition, document.doc_id, document.title, json.dumps(document.metadata), _digest(document, view)),
    ).fetchone()
    connection.executemany(
        """INSERT INTO chunks (document, partition, n, start, stop, title, text, fingerprint, vector)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)""",
        [
            (number, partition, n, *piece.span, _heading(document), piece.text, fingerprint(piece.vector), piece.vector)
            for n, piece in enumerate(pieces)
        ],
    )


def _batches(items: Iterable[_Item], size: int) -> Iterator[list[_Item]]:
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch
