"""Names of months and days with one slip of the finger."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from functools import lru_cache
from typing import Final

__all__ = ["plain_forms", "respelt"]

_LONG_ENOUGH: Final = 6


def respelt(word: str, names: Sequence[str], vocabulary: AbstractSet[str]) -> str | None:
    """The one name that a word misspells by one letter more, less, other or swapped; None for any other word.

    Example:
        >>> respelt("tuseday", ("tuesday", "thursday"), frozenset()), respelt("today", ("tuesday",), frozenset())
        ('tuesday', None)
    """
    if len(word) < _LONG_ENOUGH - 1 or word in vocabulary or not word.isalpha():
        return None
    return _nearest(word, tuple(names))


@lru_cache(maxsize=4096)
def _nearest(word: str, names: tuple[str, ...]) -> str | None:
    close = [name for name in names if len(name) >= _LONG_ENOUGH and _one_slip(word, name)]
    return close[0] if len(close) == 1 else None


def _one_slip(word: str, name: str) -> bool:
    if abs(len(word) - len(name)) > 1 or word[0] != name[0]:
        return False
    same = next((i for i, (a, b) in enumerate(zip(word, name, strict=False)) if a != b), min(len(word), len(name)))
    rest, right = word[same:], name[same:]
    return (
        rest[1:] == right[1:]
        or rest[1:] == right
        or rest == right[1:]
        or (rest[:2] == right[1::-1] and rest[2:] == right[2:])
    )


def plain_forms(word: str) -> Iterator[str]:
    """A word, and what it may be a form of.

    Example:
        >>> list(plain_forms("summing"))
        ['summing', 'summ', 'summe', 'sum']
    """
    yield word
    for ending in ("ing", "ed", "es", "s"):
        if word.endswith(ending) and len(word) > len(ending) + 2:
            stem = word.removesuffix(ending)
            yield from (stem, stem + "e")
            if stem[-1] == stem[-2]:
                yield stem[:-1]
