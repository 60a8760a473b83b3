"""The things and names that a question is about and the evidence does not know."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rag.ingest.names import names
from rag.read.rows import is_row
from rag.read.sufficiency.parts import asked
from rag.read.sufficiency.passages import has_word
from rag.read.terms import terms
from rag.types import EvidenceItem

if TYPE_CHECKING:
    from rag.protocols import Embedder

__all__ = ["absent", "things", "unknown_names"]

_SAME_MEANING = 0.65
"""The cosine of two words from which on they may stand for one another: "headset" and "headphones" have 0.72."""

_PLACES = re.compile(
    r"\b(?:of|for|about)\s+(?:(?:an?|the|my|your|our)\s+)?(?=(?P<after>[^\W\d_][\w-]*(?:\s+[\w-]+){0,3}))"
    r"|(?P<owner>[^\W\d_][\w-]+)['’]s\b"
    r"|(?<=[\w,;:]\s)(?P<name>[A-Z][\w-]+(?:\s[A-Z][\w-]+)*)"
)
_MOST_OF_THE_REST = 0.5
_NO_THING = frozenset(
    terms("example instance use time day week month year hour minute long kind type number amount rest free sure")
)


def things(question: str) -> list[str]:
    """What stands where the thing asked about stands: after "of", "for" or "about", before "'s", or a name.

    Example:
        >>> things("What is the dose of the paracetamol tablets for my child?")
        ['paracetamol tablets', 'child']
        >>> things("Is aspirin's dose that of Naproxen?"), things("For how long is it valid?")
        (['aspirin', 'Naproxen'], [])
    """
    # Where every word has a capital, none is a name for it.
    has_names = not (question.isupper() or question.istitle())
    found = [
        _phrase(match["after"] or match["owner"] or (match["name"] if has_names else ""))
        for match in _PLACES.finditer(question)
    ]
    # A name within a phrase is the phrase's thing.
    whole = (phrase for phrase in found if phrase and not any(phrase != each and phrase in each for each in found))
    return list(dict.fromkeys(whole))


def absent(question: str, items: Sequence[EvidenceItem], near: str, embedder: Embedder | None = None) -> list[str]:
    """The things of a question that no text, title or name of the evidence has, not in another form either.

    Words that several titles' documents have tell nothing of a thing: "aspirin tablets" are absent
    where "tablets" are everywhere.

    Args:
        question: in its own words.
        items: all of the evidence.
        near: the texts that would be the answer; words of the same meaning in them count as the thing.
        embedder: compares by meaning; without one, words alone count.

    Raises:
        ModelError: the embedder failed.
    """
    wanted = things(question)
    known: dict[str, set[str]] = {}
    for item in items if wanted else ():
        for word in _words_of(item):
            known.setdefault(word, set()).add(item.passage.title)
    missing = [thing for thing in wanted if _is_absent(thing, known)]
    return [thing for thing in missing if not _is_meant(thing, near, embedder)]


def unknown_names(question: str, items: Sequence[EvidenceItem]) -> tuple[list[str], bool]:
    """The names in a question that nothing in the evidence has a word of, and whether it knows little else of it.

    That is so where no passage has half of the other words: then what was found is on something else, as it is
    where somebody is asked about of whom nothing is known. Where rows are among the evidence nothing is unknown:
    they hold few of the words that people use for them.

    Example:
        >>> from rag.types import Passage
        >>> passage = Passage(doc_id="d", chunk_id="d#0", text="Leave is 30 days.", title="Leave")
        >>> items = [EvidenceItem(passage=passage, step_id="s1")]
        >>> unknown_names("How many days of leave has Acme?", items)
        (['Acme'], False)
        >>> unknown_names("Which company did Oleg Fomenko found in Oslo?", items)
        (['Oleg Fomenko', 'Oslo'], True)
    """
    parts = asked(question)
    if not parts.names or any(map(is_row, items)):
        return [], False
    own = [frozenset(_words_of(item)) for item in items]
    every = frozenset().union(*own)
    unknown = [name for name in parts.names if not any(has_word(every, word) for word in terms(name))]
    others = {word for phrase in parts.phrases for word in terms(phrase)}
    most = max((sum(has_word(words, word) for word in others) for words in own), default=0)
    return unknown, bool(unknown) and most < _MOST_OF_THE_REST * len(others)


def _phrase(text: str) -> str:
    """The words up to the first that carries no meaning."""

    def telling() -> Iterator[str]:
        for word in text.split():
            if not terms(word):
                return
            yield word

    words = list(telling())
    return "" if set(terms(" ".join(words))) <= _NO_THING else " ".join(words)


def _words_of(item: EvidenceItem) -> set[str]:
    passage = item.passage
    return set(terms(" ".join([passage.title, passage.text, passage.source, *names(passage.metadata)])))


def _is_absent(thing: str, known: dict[str, set[str]]) -> bool:
    telling = [word for word in terms(thing) if len(known.get(word, ())) < 2]
    return bool(telling) and not any(has_word(known, word) for word in telling)


def _is_meant(thing: str, near: str, embedder: Embedder | None) -> bool:
    words = sorted(set(re.findall(r"[^\W\d_]{3,}", near.lower())))
    if embedder is None or not words:
        return False
    vectors = embedder.embed([thing.lower(), *words])
    return bool((vectors[1:] @ vectors[0]).max() >= _SAME_MEANING)
