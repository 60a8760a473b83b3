"""The evidence that a prompt shows: what fits, in the order in which it is read best."""

from __future__ import annotations

import anyio

from rag.plan.estimate import MOST_SHOWN
from rag.types import Evidence, EvidenceItem

__all__ = ["packed"]


async def packed(evidence: Evidence, model: str) -> tuple[EvidenceItem, ...]:
    """The items that a prompt shows; `model` is the name of the one that reads it, whose tokens count."""
    from rag.read.cited import ordered, pack
    from rag.read.fence import render_passages
    from rag.tokens import count

    items = ordered(evidence.items)
    # No text has more tokens than bytes; counting takes a while, and loads the vocabulary.
    if len(render_passages(items).encode()) <= MOST_SHOWN:
        return items

    def fitting() -> tuple[EvidenceItem, ...]:
        return ordered(pack(evidence, MOST_SHOWN, lambda text: count(text, model).tokens))

    return await anyio.to_thread.run_sync(fitting, abandon_on_cancel=True)
