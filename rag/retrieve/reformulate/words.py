"""Queries made of words: what each word counts for, and the two ways to add keywords to a query."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final, Literal, TypeAlias

from rag.errors import ConfigError
from rag.read.terms import terms
from rag.retrieve.lexical import STOP_WORDS
from rag.retrieve.query import Query, Weights
from rag.retrieve.reformulate.seam import Variant
from rag.types import Hit

__all__ = ["Mode", "check_mode", "counted", "distinct", "expanded", "joined", "stems_of", "variants_of"]

Mode: TypeAlias = Literal["concat", "fusion"]
"""All keywords in one query, or one query a set of keywords and their hits fused."""

_WORD: Final = re.compile(r"[^\W_]+")
_LONGEST_WORD: Final = 30


def counted(text: str) -> Weights:
    """The words of a text, less stop words unless there are no others, each with how often it stands there.

    Example:
        >>> counted("the wing and the wing tip")
        (('wing', 2.0), ('tip', 1.0))
    """
    words = _WORD.findall(text.lower())
    content = [word for word in words if word not in STOP_WORDS] or words
    return tuple((word, float(count)) for word, count in Counter(content).items())


def joined(query: str, keywords: Sequence[str], repeat: int = 1) -> str:
    """The query `repeat` times and all the keywords, in plain words; the query itself if there are none in it.

    Example:
        >>> joined("Flat plates?", ["drag, skin-friction", "laminar"])
        'Flat plates drag skin friction laminar'
    """
    return " ".join(_WORD.findall(" ".join([query] * repeat + list(keywords)))) or query


def expanded(query: Query, text: str) -> Query:
    """The query with a text in its place, in which a word counts as often as it stands there."""
    return replace(query, text=text, words=counted(text), texts=((text, 1.0),))


def variants_of(query: Query, keywords: Sequence[str], mode: Mode, repeat: int) -> list[Variant]:
    """The query with sets of keywords: all in one, or one query for each; the query itself when there are none."""
    sets = distinct(keywords)
    if not sets:
        return [Variant(query)]
    groups = [sets] if mode == "concat" else [[each] for each in sets]
    return [Variant(expanded(query, joined(query.text, group, repeat))) for group in groups]


def distinct(keywords: Iterable[str]) -> list[str]:
    """The keyword sets that have a word, without those that have the words of one before.

    Example:
        >>> distinct(["wing, lift", "Lift; wing!", "...", "drag"])
        ['wing, lift', 'drag']
    """
    known = {frozenset(_WORD.findall(each.lower())): each for each in reversed(list(keywords))}
    return [each for words, each in reversed(known.items()) if words]


def stems_of(hit: Hit, spelled: dict[str, Counter[str]]) -> Counter[str]:
    """How often each stem of a hit's words that carry meaning stands in it; `spelled` learns how it is written."""
    found: Counter[str] = Counter()
    for word in _WORD.findall(f"{hit.passage.title} {hit.passage.text}".lower()):
        if 1 < len(word) <= _LONGEST_WORD and not word.isdigit():
            for stem in terms(word):
                found[stem] += 1
                spelled.setdefault(stem, Counter())[word] += 1
    return found


def check_mode(mode: str, repeat: int) -> None:
    """Refuse settings of an ensemble that cannot work.

    Raises:
        ConfigError: the mode is unknown, or the query would not stand in its own expansion.
    """
    if mode not in ("concat", "fusion") or repeat < 1:
        raise ConfigError(f"mode {mode!r} with repeat={repeat} cannot work; give 'concat' or 'fusion', and 1 or more")
