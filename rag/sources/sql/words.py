"""Words of a question, in the form in which a database can look for them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import takewhile
from typing import Final

from rag.read.terms import terms

__all__ = ["MAX_WORDS", "Words", "naming", "split_name"]

MAX_WORDS: Final = 24
"""Words of a query that are looked for, at most."""

_MAX_LENGTH: Final = 200  # characters of a word that are looked for; databases refuse long patterns

_TOKEN: Final = re.compile(r"[^\W_]+(?:[-_./@:][^\W_]+)*")


@dataclass(frozen=True, slots=True)
class Words:
    """What to look for in rows: `content` must be found, `names` of tables and columns need not.

    Words are given as the beginning that their forms share; those with a digit are given whole.

    Example:
        >>> Words.of("the batteries of order O-17", names=naming(["orders"]))
        Words(content=('batter', 'o-17'), names=('order',))
    """

    content: tuple[str, ...] = ()
    names: tuple[str, ...] = ()

    @classmethod
    def of(cls, text: str, *, names: frozenset[str]) -> Words:
        """The words of a text; `names` are those of the schema, as `naming` gives them."""
        found = list(dict.fromkeys(word for token in _TOKEN.findall(text) for word in _beginnings(token)))[:MAX_WORDS]
        return cls(tuple(word for word in found if word not in names), tuple(word for word in found if word in names))

    def __bool__(self) -> bool:
        return bool(self.content or self.names)


def naming(names: Iterable[str]) -> frozenset[str]:
    """The words, as `Words` has them, that names of tables and columns are made of."""
    return frozenset(word for name in names for part in split_name(name) for word in _beginnings(part))


def split_name(name: str) -> list[str]:
    """The words of a name in snake_case, CamelCase or plain text.

    Example:
        >>> split_name("orderItems_total price")
        ['order', 'Items', 'total', 'price']
    """
    return re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[^\W\d_A-Z]+|\d+", name)


def _beginnings(token: str) -> list[str]:
    if any(character.isdigit() for character in token):
        return [token.lower()[:_MAX_LENGTH]]
    words = (part.lower()[:_MAX_LENGTH] for part in re.split(r"[-_./@:]", token) if len(part) > 1)
    return [_beginning(word, stem) for word in words for stem in terms(word)]


def _beginning(word: str, stem: str) -> str:
    if not word.isascii():
        return word  # stems are spelt without accents, which a database tells apart
    shared = takewhile(lambda pair: pair[0] == pair[1], zip(word, stem, strict=False))
    # "battery" and "batteries" have the stem "batteri".
    return "".join(letter for letter, _ in shared).removesuffix("i") or word
