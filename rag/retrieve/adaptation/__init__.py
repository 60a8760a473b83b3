"""Adaptation: a small change to query vectors, learned from an index's own questions, and off unless it wins.

`adapt` learns from questions and the documents that answer them, `distill` from a reranker's
judgement. What comes back tells how it did on what it had not seen; `Index.use` puts it to work.

US patent 12,645,671 B2 ("Adapting embeddings for custom retrieval", 2 June 2026) covers adapters of
this kind in a pipeline like this one: a query's embedding with a task's residual, whose finds go into
a language model's prompt. Nothing here is used unless you call it; whether you may is yours to decide.
"""

from rag.retrieve.adaptation.adapter import Adapted, Adapter, HeldOut
from rag.retrieve.adaptation.learning import adapt, distill

__all__ = ["Adapted", "Adapter", "HeldOut", "adapt", "distill"]
