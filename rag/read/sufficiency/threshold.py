"""Sufficiency by a threshold on how near the best passage is: the baseline that other checks must beat."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rag.shown import encodable
from rag.types import Evidence
from rag.verdict import Part, Verdict

if TYPE_CHECKING:
    from rag.protocols import Embedder

__all__ = ["NEAR", "threshold"]

NEAR: Final = 0.6
"""The cosine of question and passage from which on one passage is taken to be enough."""


def threshold(question: str, evidence: Evidence, embedder: Embedder, *, least: float = NEAR) -> Verdict:
    """Whether any passage is as near to the question as that; the question is its one part.

    Raises:
        ModelError: the embedder failed.
    """
    if not evidence:
        return Verdict(outcome="not enough", by="threshold", parts=(Part(text=question),))
    texts = [f"{item.passage.title}\n{item.passage.text}" for item in evidence.items]
    vectors = embedder.embed([encodable(text) for text in (question, *texts)])
    cosines = (vectors[1:] @ vectors[0]).tolist()
    near = [item.key for item, cosine in zip(evidence.items, cosines, strict=True) if cosine >= least]
    return Verdict(
        outcome="supported" if near else "not enough",
        by="threshold",
        score=min(1.0, max(0.0, *cosines)),
        parts=(Part(text=question, evidence=tuple(near)),),
    )
