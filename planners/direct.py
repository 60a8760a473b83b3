"""`Direct`: ask every source the question as it is."""

from __future__ import annotations

from planners.actions import planned, retrieve_and_read
from planners.retrieval import everywhere
from rag.protocols import Steps, Task

__all__ = ["Direct"]


class Direct:
    """Sends the question, as it is, to every source that takes one; uses no model.

    A source that takes no text and needs nothing else is called bare. One that needs more is left out, and so
    is one that may change something; a note tells of each.

    Example:
        >>> from datetime import datetime, timezone
        >>> from rag.card import SourceCard, free_query
        >>> cards = (SourceCard(name="docs", arguments=free_query()),)
        >>> (action,) = next(Direct().plan(Task("How long is the leave?", cards, datetime.now(timezone.utc))))
        >>> print(action.plan)
        s1  docs(query="How long is the leave?")
    """

    def plan(self, task: Task) -> Steps:
        """Ask all sources at once, and read what they bring.

        Raises:
            RagError: the plan could not be run, or the reader failed.
        """
        return (yield from retrieve_and_read(planned(everywhere(task), task), task))
