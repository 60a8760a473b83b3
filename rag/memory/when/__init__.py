"""Time words: what "the third conversation on Tuesday" means, as a window over a memory's turns."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rag.memory.when.asked import read
    from rag.memory.when.calendar import Calendar
    from rag.memory.when.expressed import Expressed, expressions
    from rag.memory.when.reading import Reading
    from rag.memory.when.region import Part
    from rag.memory.when.window import Window

__all__ = ["Calendar", "Expressed", "Part", "Reading", "Window", "expressions", "read"]

_HOMES = {"expressions": "expressed", "Part": "region", "read": "asked"}


def __getattr__(name: str) -> Any:
    # Imported on use: who names a `Window` in a signature, as `import rag` does, needs no grammar.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES.get(name, name.lower())}"), name)
