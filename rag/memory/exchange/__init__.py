"""Exchange: what a memory holds as JSON Lines, and what other systems export as turns."""

from __future__ import annotations

from rag.memory.exchange.formats import FORMATS, read_export
from rag.memory.exchange.lines import exported, imported, turns_of

__all__ = ["FORMATS", "exported", "imported", "read_export", "turns_of"]
