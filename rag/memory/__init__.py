"""Memory: every turn of every conversation, kept as it was said."""

from __future__ import annotations

from rag.memory.memory import Memory

__all__ = ["Memory"]
