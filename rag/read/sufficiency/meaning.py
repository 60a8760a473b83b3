"""Words of a question that passages have in other words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from rag.read.sufficiency.passages import Read, met
from rag.read.terms import terms

if TYPE_CHECKING:
    from rag.protocols import Embedder

__all__ = ["by_meaning"]

_SAME_MEANING: Final = 0.65
"""The cosine of two words from which on they may stand for one another: "headset" and "headphones" have 0.72."""

_WORD = re.compile(r"[^\W\d_]{4,}")


def by_meaning(passages: Sequence[Read], phrases: Sequence[str], embedder: Embedder) -> list[Read]:
    """The passages, each knowing which words of the phrases it has only in other words.

    Raises:
        ModelError: the embedder failed.
    """
    known = met({stem for phrase in phrases for stem in terms(phrase)}, passages)
    missing = [word for word in dict.fromkeys(_words(" ".join(phrases))) if not set(terms(word)) <= known]
    own = list(dict.fromkeys(word for passage in passages for word in _words(passage.text)))
    if not missing or not own:
        return list(passages)
    vectors = embedder.embed([*missing, *own])
    cosines = vectors[: len(missing)] @ vectors[len(missing) :].T
    alike = {
        word: {own[n] for n in (row >= _SAME_MEANING).nonzero()[0]} for word, row in zip(missing, cosines, strict=True)
    }
    return [
        Read(passage.item, frozenset(stem for word in missing if alike[word] & here for stem in terms(word)))
        for passage in passages
        for here in [set(_words(passage.text))]
    ]


def _words(text: str) -> list[str]:
    return _WORD.findall(text.lower())
