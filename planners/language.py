"""English words, as far as routing needs them: stems, names, pronouns.

Nothing here knows of sources: function words and word forms alone, so that it holds for any subject.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

__all__ = ["bare", "content", "leans", "named_things", "stem", "tokens"]

_TOKEN: Final = re.compile(r"[^\W_]+(?:['’.\-][^\W_]+)*")
_STOP: Final = frozenset(
    re.findall(
        r"\w+",
        """
        a about after again all also am an and any anyone anything are as at be because been before being both but by
        can check could did do does doing done each either else every everything for from further get gets give going
        got had has have having he her here hers him his how i if in into is it its itself just know let like list
        look many may me might mine more most much must my need no nor not now of off ok on once one only or other our
        ours out over own per please quick same say says shall she should show so some something still such tell than
        that the their theirs them then there these they thing things this those through to too under until up us very
        want was way we were what when where whether which while who whom whose why will with within would yes yet you
        your yours
        """,
    )
)
_PRONOUN: Final = re.compile(
    r"\b(?:it|its|they|them|their|theirs|that|those|these|this|one|ones|he|she|his|her)\b", re.IGNORECASE
)
# A quotation, or words with capitals, the numbers between them, and "of the" within a name.
_NAMED: Final = re.compile(
    r"[\"“][^\"“”]{2,60}[\"”]|"
    r"\b[A-Z][\w'’.-]*\w(?:\s+(?:[A-Z][\w'’-]*|\d[\w.-]*\b)|\s+(?:of|the|and|&)(?=\s+[A-Z])(?=\s+(?!The\b)))*"
)


@lru_cache(maxsize=512)
def tokens(text: str) -> tuple[str, ...]:
    """The words of a text, in order, in lower case; "25", "O-1042" and "don't" are words."""
    return tuple(match.group().casefold() for match in _TOKEN.finditer(text))


@lru_cache(maxsize=512)
def content(text: str) -> tuple[str, ...]:
    """The stems of the words that carry meaning, in order, each once.

    Example:
        >>> content("What do the reviewers say about its batteries?")
        ('review', 'batteri')
    """
    return tuple(dict.fromkeys(stem(word) for word in tokens(text) if word not in _STOP))


@lru_cache(maxsize=4096)
def stem(word: str) -> str:
    """The word less its commonest endings, so that its forms meet.

    Example:
        >>> {stem(w) for w in ("order", "orders", "ordered", "ordering")}
        {'order'}
        >>> stem("policies") == stem("policy"), stem("shipped") == stem("shipment")
        (True, False)
    """
    word = word.casefold()
    word = re.sub(r"['’]s?$", "", word)
    if len(word) < 4 or not word.isalpha():
        return word
    word = re.sub(r"(?<=[^s])ies$", "y", word)
    word = re.sub(r"(?<=sh|ch|ss)es$|(?<=[xz])es$|(?<=[^su])s$", "", word)
    word = re.sub(r"(?<=[a-z]{3})(?:ing|ed)$|(?<=[a-z]{5})ers?$", "", word)
    word = re.sub(r"([bdfgkmnprt])\1$", r"\1", word)
    return re.sub(r"y$", "i", re.sub(r"(?<=[a-z]{3})e$", "", word))


@lru_cache(maxsize=512)
def leans(part: str) -> bool:
    """Whether a part of a question has a pronoun that points at something said before."""
    return bool(_PRONOUN.search(part))


def bare(text: str) -> str:
    """A text without the spaces and marks at its ends."""
    return text.strip(" \t\n.,!?;:-–—\"'").strip()


def named_things(text: str) -> tuple[str, ...]:
    """What a text calls by a name of its own: runs of capitalised words, and quotations, in order.

    Example:
        >>> named_things("How much storage has the Folio 6 E-Reader in Ghent?")
        ('Folio 6 E-Reader', 'Ghent')
    """
    found = []
    for match in _NAMED.finditer(text):
        words = match.group().strip('"“”').split()
        # The first word of a sentence has its capital anyway.
        starts = not text[: match.start()].strip() or text[: match.start()].rstrip()[-1] in ".?!:"
        if starts and (len(words) == 1 or words[0].casefold() in _STOP):
            words = words[1:]
        while words and words[0].casefold() in _STOP:
            words = words[1:]
        if words:
            found.append(" ".join(words))
    return tuple(dict.fromkeys(found))
