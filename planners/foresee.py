"""Which steps a plan will have, told while a model still writes it."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, Final

from planners.mend import mended
from rag.card import SourceCard
from rag.errors import PlanError
from rag.plan import Step, from_model
from rag.protocols import Task

__all__ = ["foreseen"]

_STEPS: Final = re.compile(r'"steps"\s*:\s*\[')
_BETWEEN: Final = re.compile(r"[\s,]*")


def foreseen(text: str, task: Task, offered: Sequence[SourceCard]) -> tuple[Step, ...]:
    """The steps that the text so far has whole, mended as those of the whole plan will be.

    Example:
        >>> from datetime import datetime, timezone
        >>> from rag.card import free_query
        >>> docs = SourceCard(name="docs", arguments=free_query())
        >>> task = Task("How long is the leave?", (docs,), datetime.now(timezone.utc))
        >>> text = '{"steps": [{"id": "s1", "source": "docs", "args": {"query": "leave"}}, {"id": "s2", "sou'
        >>> [step.id for step in foreseen(text, task, [docs])]
        ['s1']
    """
    whole = _whole(text)
    if not whole:
        return ()
    try:
        return mended(from_model({"steps": whole}), task, offered).steps
    except PlanError:  # what is wrong may be mended by what follows; else the whole plan will tell
        return ()


def _whole(text: str) -> list[Any]:
    """The values of the list of steps that have come whole."""
    opened = _STEPS.search(text)
    found: list[Any] = []
    if opened is None:
        return found
    decoder, at = json.JSONDecoder(), opened.end()
    while between := _BETWEEN.match(text, at):
        try:
            step, at = decoder.raw_decode(text, between.end())
        except (ValueError, RecursionError):
            break
        found.append(step)
    return found
