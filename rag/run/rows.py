"""Rows of sources as evidence."""

from __future__ import annotations

import hashlib
import json
from typing import Any, Final

from pydantic_core import from_json, to_json

from rag.protocols import Row
from rag.types import EvidenceItem, Passage

__all__ = ["evidence_item", "row_text"]

_IDENTITY: Final = frozenset({"doc_id", "chunk_id"})


def evidence_item(row: Row, *, source: str, step_id: str, round: int = 1, query: str = "") -> EvidenceItem:
    """The row as an item of evidence.

    A row without ids gets them from its source and its content, so that the same row is the same
    evidence whichever step found it.

    Example:
        >>> item = evidence_item({"doc_id": "orders/7", "item": "lamp", "paid": None}, source="orders", step_id="s1")
        >>> item.passage.doc_id, item.passage.text
        ('orders/7', 'item: lamp')
    """
    fields = _plain(row)
    named = fields.get("doc_id") and fields.get("chunk_id")
    mark = "" if named else _mark(fields)
    doc_id = str(fields.get("doc_id") or f"{source}/{mark}")
    passage = Passage(
        doc_id=doc_id,
        chunk_id=str(fields.get("chunk_id") or f"{doc_id}#{mark}"),
        title=_text(fields.get("title") or ""),
        text=row_text(fields),
        source=source,
        span=_span(fields.get("span")),
        metadata=metadata if isinstance(metadata := fields.get("metadata"), dict) else {},
    )
    return EvidenceItem(passage=passage, step_id=step_id, round=round, query=query, score=_score(fields), fields=fields)


def row_text(row: Row) -> str:
    r"""What a reader reads of a row: its `text`, else its fields line by line.

    Example:
        >>> row_text({"doc_id": "orders/7", "item": "lamp", "price": 20.5})
        'item: lamp\nprice: 20.5'
    """
    if row.get("text") is not None:
        return _text(row["text"])
    shown = ((name, value) for name, value in row.items() if name not in _IDENTITY and value is not None)
    return "\n".join(f"{name}: {_text(value)}" for name, value in shown)


def _plain(row: Row) -> dict[str, Any]:
    """The row as JSON has it: answers can be saved whatever types a source returned."""
    plain: dict[str, Any] = from_json(to_json(row, fallback=str, bytes_mode="base64", inf_nan_mode="null"))
    return plain


def _mark(fields: dict[str, Any]) -> str:
    # The score is left out: it differs from query to query for the same row.
    content = {name: value for name, value in fields.items() if name != "score"}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:12]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _span(value: Any) -> tuple[int, int] | None:
    if isinstance(value, list) and len(value) == 2 and all(isinstance(end, int) for end in value):
        return (value[0], value[1])
    return None


def _score(fields: dict[str, Any]) -> float | None:
    # In a row without text, `score` is a column like any other.
    score = fields.get("score") if fields.get("text") is not None else None
    return float(score) if isinstance(score, int | float) else None
