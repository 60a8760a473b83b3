"""A question that leans on what was said before, with what it leans on."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from planners.language import content, leans
from planners.parts import parts
from planners.steps import carried
from planners.talk import small_talk
from rag.types import Turn

__all__ = ["in_context"]

_MORE: Final = re.compile(r"\s*(?:and|but|or|also|(?:what|how)\s+about)\b", re.IGNORECASE)
_FEW: Final = 4
"""A question with more words of its own than this says itself what it is about."""


def in_context(question: str, turns: Sequence[Turn]) -> str:
    """The question with the words of the user's last one, where it points at them; else as it is.

    Example:
        >>> said = [Turn(role="user", text="How long can I return headphones?")]
        >>> in_context("And who pays for it?", said)
        'who pays for it? long return headphones'
        >>> in_context("What is a gift card worth?", said)
        'What is a gift card worth?'
    """
    before = next((t.text for t in reversed(turns) if t.role == "user" and not small_talk(t.text)), None)
    first = (parts(question) or [question])[0]
    points = leans(first) or _MORE.match(question)
    if before is None or not points or len(content(first)) > _FEW:
        return question
    return carried(first, before) + question.partition(first)[2].rstrip(" ?")
