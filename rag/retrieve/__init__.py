"""Retrieval: the index, and expressions over what it finds."""

from rag.retrieve import reformulate
from rag.retrieve.adaptation import Adapter, adapt, distill
from rag.retrieve.algebra import Retriever, Step
from rag.retrieve.index import Index
from rag.retrieve.rerank import rerank
from rag.retrieve.writer import Added

__all__ = ["Adapter", "Added", "Index", "Retriever", "Step", "adapt", "distill", "reformulate", "rerank"]
