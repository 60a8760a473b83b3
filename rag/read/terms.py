"""What a text is about, as stemmed words: the measure of overlap that all readers share."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

__all__ = ["missing_numbers", "numbers", "overlap", "terms"]

_NUMBER = re.compile(r"[0-9]+(?:[.,:][0-9]+)*")
_SPELLED = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve")

# Words that shape a sentence and tell nothing of what it is about.
_STOP_WORDS = """
a about after all also am an and any are as at back be been before being but by can could d did do does done each for
from get go got had has have having he her here him his how i if in into is it its just ll m may me might more most
much many my no nor not now of off on once one only or other our out over own per please quite rather re s same she
should so some such t than that the their them then there these they this those to too under until up us ve very was
we were what when where which while who whom whose why will with would yes yet you your
"""


_WORD = re.compile(r"[^\W_]+")
_STOPPED = frozenset(_STOP_WORDS.split())


@lru_cache(maxsize=65_536)
def _stem(word: str) -> str:
    import Stemmer

    # One stemmer for each word: they may not be shared by threads, and the cache makes them few.
    return str(Stemmer.Stemmer("english", 0).stemWord(word))


def terms(text: str) -> list[str]:
    """The stems of the words that carry meaning, in order, repeats kept; accents do not count.

    Example:
        >>> terms("How long did the batteries last?")
        ['long', 'batteri', 'last']
    """
    plain = unicodedata.normalize("NFKD", text.lower())
    words = _WORD.findall("".join(c for c in plain if not unicodedata.combining(c)) if not plain.isascii() else plain)
    return [_stem(word) for word in words if word not in _STOPPED]


def numbers(text: str) -> frozenset[str]:
    """The numbers in a text, without zeros that say nothing and commas between thousands.

    Example:
        >>> sorted(numbers("1.05 kg for 1,079.50 EUR, on 2026-05-04 at 14:00"))
        ['1.05', '1079.5', '14:00', '2026', '4', '5']
    """
    return frozenset(_plain(written) for written in _NUMBER.findall(text))


def missing_numbers(claim: str, text: str) -> frozenset[str]:
    """The numbers of a claim that a text has neither in digits nor, up to twelve, in words.

    Example:
        >>> sorted(missing_numbers("2 years and 30 days", "It has two years of warranty."))
        ['30']
    """
    wanted = numbers(claim) - numbers(text)
    return (
        wanted - {str(n) for n, word in enumerate(_SPELLED) if re.search(rf"\b{word}\b", text, re.I)}
        if wanted
        else wanted
    )


def overlap(claim: str, text: str) -> float:
    """The share of a claim's words that a text has, from 0 to 1; 0 when the text lacks one of its numbers.

    Example:
        >>> overlap("The battery lasts 38 hours.", "My battery lasted 38 hours on the train.")
        1.0
        >>> overlap("The battery lasts 40 hours.", "My battery lasted 38 hours on the train.")
        0.0
    """
    words = set(terms(claim))
    if not words or missing_numbers(claim, text):
        return 0.0
    return len(words & set(terms(text))) / len(words)


def _plain(number: str) -> str:
    plain = re.sub(r",(?=[0-9]{3}(?![0-9]))", "", number).lstrip("0") or "0"
    return plain.rstrip("0").rstrip(".") if "." in plain and ":" not in plain else plain
