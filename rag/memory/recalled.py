"""What a memory recalls: turns, the window they lie in, and what has to be said about it."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from rag.memory.when.window import Window
from rag.types import Hit, Turn

__all__ = ["Recall"]


class Recall(BaseModel):
    """The turns that meet a question, and why these.

    `turns` are ranked, best first, where the question has a content, and otherwise in order of time.
    `window` is what its time words came to, or None; `str(window)` explains it. `notes` tell of what had to be
    bent, such as a day on which nothing was said. `hits` are the turns that were found by themselves, as
    passages: `doc_id` is the conversation, `chunk_id` has the turn's id, and scores run from 0 to 1 as shares
    of the best there could be among these turns: they order turns, and do not say that the best is good.

    Example:
        >>> len(Recall())
        0
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    turns: tuple[Turn, ...] = ()
    window: Window | None = None
    notes: tuple[str, ...] = ()
    hits: tuple[Hit, ...] = ()

    def __len__(self) -> int:
        return len(self.turns)

    def __str__(self) -> str:
        """A line for each turn, after the window and the notes."""
        from rag.memory.told import line

        told = [f"window: {self.window}"] if self.window else []
        return "\n".join([*told, *(f"note: {note}" for note in self.notes), *map(line, self.turns)])
