"""Measures of answers against gold answers, and of abstention; by rules that need no model."""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Final

__all__ = ["exact_match", "f1", "holds", "normalised"]

_ARTICLES: Final = re.compile(r"\b(?:a|an|the)\b")
_PUNCTUATION: Final = str.maketrans("", "", string.punctuation)


def normalised(text: str) -> list[str]:
    """The words, in lower case, without punctuation and articles.

    Source: Rajpurkar et al., 2016, SQuAD, section 6.1.

    Example:
        >>> normalised("The U.S. won, a lot!")
        ['us', 'won', 'lot']
    """
    return _ARTICLES.sub(" ", text.casefold().translate(_PUNCTUATION)).split()


def exact_match(text: str, answers: Sequence[str]) -> float:
    """1 where the text is one of the answers, normalised.

    Source: Rajpurkar et al., 2016, SQuAD, section 6.1.

    Example:
        >>> exact_match("The Beatles.", ["Beatles"])
        1.0
    """
    return _best(text, answers, lambda said, gold: float(said == gold))


def f1(text: str, answers: Sequence[str]) -> float:
    """The best F1 of the words that the text shares with an answer, from 0 to 1.

    Source: Rajpurkar et al., 2016, SQuAD, section 6.1.

    Example:
        >>> f1("opened in 1894", ["1894"])
        0.5
    """
    return _best(text, answers, _overlap)


def holds(text: str, answers: Sequence[str]) -> float:
    """1 where an answer, normalised, stands within the text: a rule in place of a judge, fooled by "not in 1894".

    Example:
        >>> holds("It opened in 1894, they say.", ["1894", "the year 1894"])
        1.0
    """
    return _best(text, answers, _is_within)


def _best(text: str, answers: Sequence[str], score: Callable[[list[str], list[str]], float]) -> float:
    said = normalised(text)
    return max((score(said, normalised(answer)) for answer in answers), default=0.0)


def _overlap(said: list[str], gold: list[str]) -> float:
    shared = sum((Counter(said) & Counter(gold)).values())
    return 2 * shared / (len(said) + len(gold)) if said and gold else float(said == gold)


def _is_within(said: list[str], gold: list[str]) -> float:
    return float(bool(gold) and f" {' '.join(gold)} " in f" {' '.join(said)} ")
