"""Time words: what "the third conversation on Tuesday" means, as a window over a memory's turns."""

from __future__ import annotations

from rag.memory.when.asked import read
from rag.memory.when.calendar import Calendar
from rag.memory.when.expressions import Expressed, expressions
from rag.memory.when.reading import Reading
from rag.memory.when.region import Part
from rag.memory.when.window import Window

__all__ = ["Calendar", "Expressed", "Part", "Reading", "Window", "expressions", "read"]
