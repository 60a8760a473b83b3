"""Retrieval: the index, and expressions over what it finds."""

from rag.retrieve import reformulate
from rag.retrieve.algebra import Retriever, Step
from rag.retrieve.index import Index
from rag.retrieve.rerank import rerank
from rag.retrieve.writer import Added

__all__ = ["Added", "Index", "Retriever", "Step", "reformulate", "rerank"]
