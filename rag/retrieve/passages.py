"""From the numbers of chunks to passages, as a view shows them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

from rag.retrieve.catalogue import Catalogue, View, listed
from rag.retrieve.fuse import ranked
from rag.types import Hit, Passage

__all__ = ["doc_ids", "hits", "sample"]

# A user's own document stands in front of the tenant's of the same id. ?1 is the tenant, ?2 the user.
_IN_FRONT: Final = """(user != '' OR ?2 = '' OR NOT EXISTS (
    SELECT 1 FROM documents AS own JOIN partitions AS mine ON mine.id = own.partition
    WHERE own.doc_id = shown.doc_id AND mine.tenant = ?1 AND mine.user = ?2))"""
_DOC_IDS: Final = f"""
    SELECT doc_id FROM documents AS shown JOIN partitions ON partitions.id = partition
    WHERE (?3 IS NULL OR partition IN (SELECT value FROM json_each(?3))) AND {_IN_FRONT} ORDER BY doc_id
"""  # noqa: S608  # made of constants
_PASSAGES: Final = f"""
    SELECT chunks.id, doc_id, n, chunks.title, text, start, stop, metadata
    FROM chunks JOIN documents AS shown ON shown.id = document JOIN partitions ON partitions.id = shown.partition
    WHERE chunks.id IN (SELECT value FROM json_each(?3)) AND tenant = ?1 AND user IN ('', ?2) AND {_IN_FRONT}
"""  # noqa: S608  # made of constants
# What has a tenant, a user or labels is not everyone's to read.
_SPREAD: Final = """
    SELECT total, CASE title WHEN '' THEN doc_id ELSE title END FROM (
        SELECT doc_id, title, count(*) OVER () AS total, row_number() OVER (ORDER BY doc_id) - 1 AS place
        FROM documents JOIN partitions ON partitions.id = partition
        WHERE (tenant, user, labels) = ('', '', '[]') AND ifnull(collection = ?1, 1))
    WHERE place % max(1, total / ?2) = 0 ORDER BY place LIMIT ?2"""


def hits(catalogue: Catalogue, scored: Sequence[tuple[int, float]], view: View) -> list[Hit]:
    """The passages of chunks with their scores, best first, checked against the view once more.

    Raises:
        RetrievalError: the index cannot be read.
    """
    scores = dict(scored)
    found = catalogue.rows(_PASSAGES, view.tenant, view.user, listed(scores))
    return ranked((_passage(row), scores[number]) for number, *row in found)


def doc_ids(catalogue: Catalogue, view: View) -> list[str]:
    """The ids of the documents of a view, in order.

    Raises:
        RetrievalError: the index cannot be read.
    """
    found = catalogue.rows(_DOC_IDS, view.tenant, view.user, listed(catalogue.partitions(view)))
    return [doc_id for (doc_id,) in found]


def sample(catalogue: Catalogue, collection: str | None, size: int) -> tuple[int, tuple[str, ...]]:
    """How many documents are everyone's to read, and the titles of some from all over them.

    Raises:
        RetrievalError: the index cannot be read.
    """
    found = catalogue.rows(_SPREAD, collection, size)
    return (found[0][0] if found else 0), tuple(title for _, title in found)


def _passage(row: Sequence[Any]) -> Passage:
    doc_id, n, title, text, start, stop, metadata = row
    return Passage(
        doc_id=doc_id,
        chunk_id=f"{doc_id}#{n}",
        title=title,
        text=text,
        span=(start, stop),
        metadata=json.loads(metadata),
    )
