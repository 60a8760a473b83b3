"""Memory: every turn of every conversation, kept as it was said."""

from __future__ import annotations

from rag.memory.memory import Memory
from rag.memory.recalled import Recall

__all__ = ["Memory", "Recall"]
