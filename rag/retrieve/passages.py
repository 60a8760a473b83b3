"""From the numbers of chunks to passages, as a view shows them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from rag.retrieve.catalogue import Catalogue, Seen, listed
from rag.retrieve.dense import unpacked
from rag.retrieve.fuse import ranked
from rag.types import Hit, Passage

if TYPE_CHECKING:
    import numpy as np

    Vectors = np.ndarray[Any, np.dtype[np.float32]]

__all__ = ["collections", "doc_ids", "hits", "sample", "vectors"]

_DOC_IDS: Final = """
    SELECT DISTINCT doc_id FROM documents WHERE partition IN (SELECT value FROM json_each(?1)) ORDER BY doc_id"""
_COLLECTIONS: Final = """
    SELECT DISTINCT collection FROM partitions WHERE id IN (SELECT value FROM json_each(?1))
    AND collection != '' AND EXISTS (SELECT 1 FROM documents WHERE partition = partitions.id) ORDER BY collection"""
_PASSAGES: Final = """
    SELECT chunks.id, doc_id, n, documents.title, text, start, stop, metadata
    FROM chunks JOIN documents ON documents.id = document
    WHERE chunks.id IN (SELECT value FROM json_each(?1))
    AND chunks.partition IN (SELECT value FROM json_each(?2))"""
_VECTORS: Final = """
    SELECT chunks.id, doc_id || '#' || n, vector FROM chunks JOIN documents ON documents.id = document
    WHERE chunks.partition IN (SELECT value FROM json_each(?1)) ORDER BY chunks.id"""
# What has a tenant, a user or labels is not everyone's to read.
_SPREAD: Final = """
    SELECT total, CASE title WHEN '' THEN doc_id ELSE title END FROM (
        SELECT doc_id, title, count(*) OVER () AS total, row_number() OVER (ORDER BY doc_id) - 1 AS place
        FROM documents JOIN partitions ON partitions.id = partition
        WHERE (tenant, user, labels) = ('', '', '[]') AND ifnull(collection = ?1, 1))
    WHERE place % max(1, total / ?2) = 0 ORDER BY place LIMIT ?2"""


def hits(catalogue: Catalogue, scored: Sequence[tuple[int, float]], seen: Seen) -> list[Hit]:
    """The passages of chunks with their scores, best first, checked against what is seen once more.

    Raises:
        RetrievalError: the index cannot be read.
    """
    scores = dict(scored)
    found = catalogue.rows(_PASSAGES, listed(scores), listed(seen.partitions))
    return ranked((_passage(row), scores[number]) for number, *row in found)


def doc_ids(catalogue: Catalogue, seen: Seen) -> list[str]:
    """The ids of the documents that are seen, in order.

    Raises:
        RetrievalError: the index cannot be read.
    """
    return [doc_id for (doc_id,) in catalogue.rows(_DOC_IDS, listed(seen.partitions))]


def collections(catalogue: Catalogue, seen: Seen) -> list[str]:
    """The names of the collections that hold a document, in order.

    Raises:
        RetrievalError: the index cannot be read.
    """
    return [name for (name,) in catalogue.rows(_COLLECTIONS, listed(seen.partitions))]


def sample(catalogue: Catalogue, collection: str | None, size: int) -> tuple[int, tuple[str, ...]]:
    """How many documents are everyone's to read, and the titles of some from all over them.

    Raises:
        RetrievalError: the index cannot be read.
    """
    found = catalogue.rows(_SPREAD, collection, size)
    return (found[0][0] if found else 0), tuple(title for _, title in found)


def vectors(catalogue: Catalogue, seen: Seen) -> tuple[list[str], Vectors]:
    """The `chunk_id` of each passage that is seen, and their vectors, of shape (passages, dimensions).

    Raises:
        RetrievalError: the index cannot be read.
    """
    rows = [row for row in catalogue.rows(_VECTORS, listed(seen.partitions)) if row[0] not in seen.hidden]
    return [name for _, name, _ in rows], unpacked([vector for _, _, vector in rows])


def _passage(row: Sequence[Any]) -> Passage:
    doc_id, n, title, text, start, stop, metadata = row
    # Checked when it was stored.
    return Passage.model_construct(
        doc_id=doc_id,
        chunk_id=f"{doc_id}#{n}",
        title=title,
        text=text,
        span=(start, stop),
        metadata=json.loads(metadata),
    )
