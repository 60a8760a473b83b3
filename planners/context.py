"""A question that leans on what was said before, with what it leans on."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from planners.language import bare, content, leans, named_things
from planners.parts import parts
from planners.steps import carried
from planners.talk import small_talk
from rag.types import Turn

__all__ = ["in_context"]

_MORE: Final = re.compile(r"\s*(?:and|but|or|also|(?:what|how)\s+about)\b", re.IGNORECASE)
# "and A-104", "and what about that of metformin": a follow-up that is nothing but another thing.
_ANOTHER: Final = re.compile(
    r"\s*(?:(?:and|but|or|also)\b[\s,]*)?(?:(?:what|how)\s+about\b\s*)?(?:(?:that|those|the\s+ones?)\s+)?"
    r"(?P<lead>(?:of|for|in|on|from|at|with|to|by)\s+)?(?P<new>[^\s?]+(?:\s+[^\s?]+){0,3})\s*\??\s*",
    re.IGNORECASE,
)
_ID: Final = re.compile(r"(?<![\w-])[A-Za-z]*-?\d[\w-]*(?![\w-])")
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
        >>> in_context("And A-104?", [Turn(role="user", text="Is A-102 booked?")])
        'Is A-104 booked?'
    """
    before = next((t.text for t in reversed(turns) if t.role == "user" and not small_talk(t.text)), None)
    first = (parts(question) or [question])[0]
    points = leans(first) or _MORE.match(question)
    if before is None or not points or len(content(first)) > _FEW:
        return question
    if put := _in_place(question, before):
        return put
    return carried(first, before) + question.partition(first)[2].rstrip(" ?")


def _in_place(question: str, before: str) -> str | None:
    """The question before with another thing of the same kind; None when the follow-up says more, or no kind fits."""
    match = _ANOTHER.fullmatch(question)
    if match is None or not bare(match["new"]) or leans(match["new"]):
        return None
    new = _less_said(bare(match["new"]), before)
    old = _of_kind(new, before) or (_led_to(match["lead"].strip(), before) if match["lead"] else None)
    if old is None:
        return None
    start = before.rindex(old)
    return f"{before[:start]}{new}{before[start + len(old) :]}"


def _of_kind(new: str, before: str) -> str | None:
    """The last id of the same form in a text for an id, the last name for a name."""
    last = new.rsplit(maxsplit=1)[-1]
    if _ID.fullmatch(last):
        alike = [said for said in _ID.findall(before) if _form(said) == _form(last)]
        return alike[-1] if alike else None
    names = named_things(before) if new[0].isupper() else ()
    # "Eva Frost in York" / "And Ada Birch?": a person's name is no town's.
    long = [name for name in names if len(name.split()) == len(new.split())]
    return next(reversed(long or names), None)


def _less_said(new: str, before: str) -> str:
    """An id without the noun before it that was said before, as "prescription" in "prescription 5"."""
    *nouns, last = new.split()
    if _ID.fullmatch(last) and all(noun in before.split() for noun in nouns):
        return last
    return new


def _form(said: str) -> str:
    return re.sub(r"\d+", "0", said.casefold())


def _led_to(lead: str, before: str) -> str | None:
    """What the same preposition leads to at the end of a text, in as many words as it takes."""
    match = re.search(rf".*\b{lead}\s+(?P<old>[\w'’-]+(?:\s+[\w'’-]+){{0,2}})\W*$", before, re.IGNORECASE | re.DOTALL)
    return match["old"] if match else None
