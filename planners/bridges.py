"""From what was found to what is still to be found: words of the question, and names that lead on.

"Where was the director of Alien born?" finds a passage on Alien. It tells of a director and names Ridley
Scott, and it does not tell where anybody was born: the next query is "born Ridley Scott" and what other
names it has. Nothing here uses a model.

Source: the entity match and the hops of AdMIRaL, Aly and Vlachos, 2022, arXiv 2212.05276; the form of the query
and the rule that ends the search are ours, chosen by what they find (`benchmarks/results/hops_*.json`).
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from planners.language import content
from rag.types import EvidenceItem
from rag.verdict import Verdict

__all__ = ["hold_together", "names", "onward", "unmet"]

_MOST_NAMES: Final = 4
"""Names of one passage that a query may have: those nearest to what the question says of things. More blur it."""

_FORM: Final = 5
"""Letters that two words must begin with alike to be forms of one, as "director" and "directed"."""

_MET: Final = 0.75
"""The share of a name's words that a title must have for the passage to be about what it names."""

_BORNE_OUT: Final = 0.8
"""The share of the question's words that two passages of one chain must have together."""

_SIMPLE: Final = 3
"""Parts of a question that one passage may be trusted to bear out alone."""

_WORD: Final = re.compile(r"[^\W_](?:[\w'’.-]*\w)?")
_WITHIN: Final = frozenset(
    ("of", "the", "de", "del", "der", "den", "di", "da", "du", "la", "le", "van", "von", "bin", "ibn")
)
_BRACKETS: Final = re.compile(r"\s*\([^)]*\)")
_COMPARES: Final = re.compile(
    r"\b(?:or|both|same|between|more|fewer|less|first|than|\w{3,}er than|older|younger|earlier|later)\b", re.IGNORECASE
)
# "Do the directors of A and B share a nationality?" compares people that neither name is of.
_LEADS_ON: Final = re.compile(
    r"\b(?:director|performer|composer|author|founder|creator|writer|screenwriter|producer|singer|owner|leader|president"
    r"|publisher|developer|designer|editor|employer|actor|star|maker|husband|wife|spouse|father|mother|parent|son"
    r"|daughter|child|brother|sister|sibling|king|queen)(?:s|ren)?\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class _Read:
    """A passage as read for its words: their stems, those of its title, and the names in it with their places."""

    words: frozenset[str]
    title: frozenset[str]
    names: tuple[tuple[str, int], ...]

    def leads_to(self, other: _Read) -> bool:
        """Whether this passage names what the other one is about."""
        return bool(other.title) and any(frozenset(content(name)) == other.title for name, _ in self.names)


def onward(question: str, item: EvidenceItem) -> str:
    """The query that leads on from a passage: what the question says and it does not, then names that it adds.

    A passage that adds nothing leads nowhere, and gives an empty query.

    Example:
        >>> from rag.types import Passage
        >>> text = "Alien is a film of 1979. The director was Ridley Scott."
        >>> film = Passage(doc_id="f", chunk_id="f#0", title="Alien", text=text)
        >>> onward("Where was the director of Alien born?", EvidenceItem(passage=film, step_id="s1"))
        'born Ridley Scott'
    """
    passage = item.passage
    read = _read(passage.title, passage.text)
    asked = frozenset(content(question))
    missing = [word for word in _WORD.findall(question) if content(word) and not read.words.issuperset(content(word))]
    new = [name for name in _nearest(question, passage.text, read) if not frozenset(content(name)) <= asked]
    title = [passage.title] if passage.title and not read.title <= asked else []
    added = dict.fromkeys([*title, *list(dict.fromkeys(new))[:_MOST_NAMES]])
    return " ".join([*missing, *added]) if added else ""


def _nearest(question: str, text: str, read: _Read) -> list[str]:
    """The names of a passage, those first that stand next to what the question says of things; after it, rather."""
    known = {word for name, _ in _names(question) for word in content(name)}
    forms = tuple(word[:_FORM] for word in content(question) if word not in known and len(word) > 3)
    marks = [word.start() for word in _WORD.finditer(text) if forms and word[0].casefold().startswith(forms)]

    def distance(start: int) -> int:
        return min((start - mark if start > mark else 2 * (mark - start) for mark in marks), default=start)

    return [name for name, start in sorted(read.names, key=lambda each: distance(each[1]))]


def unmet(question: str, items: Sequence[EvidenceItem]) -> tuple[str, ...]:
    """The things that a question names and that no passage is about, in order.

    Example:
        >>> unmet("Are the Laleli Mosque and Esma Sultan Mansion close?", ())
        ('Laleli Mosque', 'Esma Sultan Mansion')
    """
    titles = [_read(item.passage.title, item.passage.text).title for item in items]
    return tuple(name for name in names(question) if not any(_is_of(name, title) for title in titles))


def names(text: str) -> tuple[str, ...]:
    """What a text calls by a name of its own, in order, each once.

    Example:
        >>> names("In Żnin, Edwin L. Marin met the Duke of York and Ann Lee.")
        ('Żnin', 'Edwin L. Marin', 'Duke of York', 'Ann Lee')
    """
    return tuple(dict.fromkeys(name for name, _ in _names(text)))


def hold_together(question: str, items: Sequence[EvidenceItem], verdict: Verdict) -> bool:
    """Whether passages that bear a question out also belong together, so that no further hop is to be expected.

    That is so where one names what another is about, and the two have the words of the question; where
    things are compared, and each has its passage; and where one passage bears out a simple question alone.
    """
    reads = [_read(item.passage.title, item.passage.text) for item in items]
    return _is_chain(question, reads) or _is_comparison(question, items) or _is_alone(question, verdict)


def _is_chain(question: str, reads: Sequence[_Read]) -> bool:
    asked = frozenset(content(question))
    return any(
        len(asked & (one.words | other.words)) >= _BORNE_OUT * len(asked)
        for one, other in itertools.permutations(reads, 2)
        if not other.title <= asked and one.leads_to(other)
    )


def _is_comparison(question: str, items: Sequence[EvidenceItem]) -> bool:
    return bool(
        _COMPARES.search(question)
        and not _LEADS_ON.search(question)
        and len(names(question)) > 1
        and not unmet(question, items)
    )


def _is_alone(question: str, verdict: Verdict) -> bool:
    if not verdict.parts or len(verdict.parts) > _SIMPLE or _LEADS_ON.search(question):
        return False
    return bool(frozenset.intersection(*(frozenset(part.evidence) for part in verdict.parts)))


@lru_cache(maxsize=512)
def _names(text: str) -> tuple[tuple[str, int], ...]:
    """What a text calls by a name of its own, with its places: runs of words with capitals, in any script.

    "and" parts names: it joins two of them far oftener than it stands within one.
    """
    found: list[tuple[str, int]] = []
    run: list[re.Match[str]] = []
    for word in _WORD.finditer(text):
        if run and _goes_on(text, run[-1], word):
            run.append(word)
            continue
        found += _name(text, run)
        run = [word] if word[0][0].isupper() else []
    return (*found, *_name(text, run))


def _goes_on(text: str, last: re.Match[str], word: re.Match[str]) -> bool:
    """Whether a word goes on with the name that the last one is in: by a capital, a number, or "of"."""
    between = text[last.end() : word.start()]
    initial = between == ". " and len(last[0]) == 1  # "Edwin L. Marin"
    within = word[0][0].isupper() or word[0][0].isdigit() or word[0] in _WITHIN
    return within and (initial or not between.strip(" "))


def _name(text: str, run: list[re.Match[str]]) -> list[tuple[str, int]]:
    while run and run[-1][0] in _WITHIN:
        run = run[:-1]
    before = text[: run[0].start()].rstrip() if run else ""
    # The first word of a sentence has its capital anyway.
    if len(run) == 1 and (not before or before[-1] in ".?!:"):
        run = []
    while run and not content(run[0][0]):
        run = run[1:]
    return [(re.sub(r"['’]s$", "", text[run[0].start() : run[-1].end()]), run[0].start())] if run else []


def _is_of(name: str, title: frozenset[str]) -> bool:
    words = frozenset(content(name))
    return len(words & title) >= _MET * len(words)


@lru_cache(maxsize=512)
def _read(title: str, text: str) -> _Read:
    # What a title says in brackets tells it from others of the name: "Alien (film)".
    title_words = frozenset(content(_BRACKETS.sub("", title)))
    return _Read(frozenset(content(f"{title}\n{text}")), title_words, _names(text))
