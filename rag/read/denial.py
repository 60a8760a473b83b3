"""Where a text denies, and who it says did what: what a count of its words passes over."""

from __future__ import annotations

import re
from typing import Final

from rag.read.terms import terms

__all__ = ["DENIES", "agents", "denies"]

DENIES: Final = re.compile(r"\b(?:not|never|cannot)\b|n['’]t\b", re.IGNORECASE)
"""A word that turns a statement round."""

_BY: Final = re.compile(r"\b([a-z]+) by (?:the )?((?:[^\W\d_a-z][\w.'’-]*\s?){1,4})")


def denies(text: str) -> bool:
    """Whether a text has a word of denial.

    Example:
        >>> denies("It isn't open."), denies("It is open.")
        (True, False)
    """
    return bool(DENIES.search(text))


def agents(text: str) -> dict[str, frozenset[str]]:
    """By each verb with a "by" and a name after it, stemmed, the words of that name.

    Example:
        >>> agents("Alien was directed by Ridley Scott.") == {"direct": frozenset({"ridley", "scott"})}
        True
    """
    return {verb: frozenset(terms(found[2])) for found in _BY.finditer(text) for verb in terms(found[1])}
