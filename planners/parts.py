"""The questions within a question."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from planners.clauses import asks, pieces, sentences
from planners.language import bare, content, leans
from planners.talk import is_talk

__all__ = ["MOST", "asked", "parts"]

MOST: Final = 6
"""Parts of one question, at most: the last one holds what is left."""

_COMPARED: Final = re.compile(
    r"\bcompare\s+(?:(?P<what>the\s+[\w\s-]{2,40}?\s(?:of|in|for))\s+)?(?P<one>\S.{0,120}?)\s+(?:with|to|and|against)\s+"
    r"(?:(?:that|those|the\s+one)\s+of\s+)?(?P<two>.+)",
    re.IGNORECASE,
)


@lru_cache(maxsize=512)
def parts(question: str) -> tuple[str, ...]:
    """The questions within a question, each as it stands, in order; never none for a text with words.

    Statements go with the question after them, or before them at the end. "and" parts two questions
    only where a new one begins, never within a noun phrase.

    Example:
        >>> parts("Is it heavy, and what do buyers say about the salt and pepper shaker?")
        ('Is it heavy', 'what do buyers say about the salt and pepper shaker?')
        >>> parts("Compare the weight of the Ridge with that of the Fell.")
        ('the weight of the Ridge', 'the weight of the Fell')
    """
    found: list[str] = []
    told: list[str] = []
    for piece in pieces(question):
        if is_talk(piece):
            continue
        if not asks(piece):
            told.append(piece)
        elif found and not content(piece) and leans(piece):
            # "I want to cancel my order. How do I do that?" is one question.
            found[-1] = " ".join([found[-1], *told, piece])
            told = []
        else:
            found.extend(_fanned(" ".join([*told, piece])))
            told = []
    if told and found:
        found[-1] = " ".join([found[-1], *told])
    # A pasted page of questions is not a plan of a hundred steps.
    if len(found) > MOST:
        found[MOST - 1 :] = [" ".join(found[MOST - 1 :])]
    return tuple(found) or (" ".join(told) or bare(question) or question.strip(),)


def asked(part: str) -> str:
    """A part less the statements before its question, where the question says enough without them.

    Example:
        >>> asked("I read in the bath. Which of your lamps is waterproof?")
        'Which of your lamps is waterproof?'
        >>> asked("I pay monthly. From what amount do you offer that?")
        'I pay monthly. From what amount do you offer that?'
    """
    last = list(sentences(part))[-1]
    return last if len(content(last)) > 1 and not leans(last) else part


def _fanned(piece: str) -> tuple[str, ...]:
    """One question for each of two things that are to be compared."""
    match = _COMPARED.search(piece)
    if match is None:
        return (piece,)
    # "the weight of A with that of B": what is compared belongs to both.
    what = f"{match['what']} " if match["what"] else ""
    return tuple(f"{what}{bare(match[side])}" for side in ("one", "two"))
