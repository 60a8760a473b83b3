"""Stores of turns: where a memory keeps what was said, and how it forgets."""

from __future__ import annotations

from rag.memory.store.opened import opened
from rag.memory.store.seam import Derives, Forgets, MemoryStore, Store, Talks, Vectors
from rag.memory.store.values import Derived, Kept, Receipt, Role, Tally, Wanted, Which

__all__ = [
    "Derived", "Derives", "Forgets", "Kept", "MemoryStore", "Receipt", "Role", "Store", "Talks", "Tally", "Vectors",
    "Wanted", "Which", "opened",
]  # fmt: skip
