"""Answers that rest on no source: nothing was found, or nothing had to be looked for."""

from __future__ import annotations

import re
from collections.abc import Mapping

from rag.protocols import Draft
from rag.read.arithmetic import calculate

__all__ = ["NOTHING_ASKED", "NOTHING_FOUND", "nothing_found", "smalltalk"]

NOTHING_FOUND = "I found nothing in the sources on this."
NOTHING_ASKED = "No source was asked, so that there is nothing to answer from."

_THANKS = re.compile(r"\b(?:thanks?|thank you|thx|cheers|merci|danke|gracias)\b", re.IGNORECASE)
_HELP = "I answer questions from the sources that are connected here, and name the source of each sentence."


def nothing_found(question: str, failures: Mapping[str, str] | None = None) -> Draft:
    """The answer when there is no evidence; `failures` maps steps that brought no result to the reason.

    Example:
        >>> nothing_found("Who knows?").text
        'I found nothing in the sources on this.'
    """
    asked = f" for {question!r}" if question else ""
    if failures:
        return Draft(
            NOTHING_FOUND, notes=(f"nothing was found{asked}; what may have held it failed: {', '.join(failures)}",)
        )
    return Draft(NOTHING_FOUND, notes=(f"no passage was found{asked}",))


def smalltalk(question: str) -> Draft:
    """An answer without a model to what needs no source: a sum, thanks, a greeting, a call for help.

    Example:
        >>> smalltalk("What is 17 * 23?").text
        '17 * 23 = 391'
        >>> smalltalk("Thanks a lot!").text
        "You're welcome."
    """
    note = "no sources were needed"
    if result := calculate(question):
        return Draft(result, notes=(note,))
    if _THANKS.search(question):
        return Draft("You're welcome.", notes=(note,))
    return Draft(f"Hello! No sources were needed for this. {_HELP} Ask me about what they hold.", notes=(note,))
