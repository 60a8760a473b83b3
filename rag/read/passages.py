"""The statements of passages, with what stands around them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from rag.ingest.headings import headings
from rag.ingest.names import names
from rag.read.statements import statements
from rag.read.terms import terms
from rag.types import EvidenceItem

__all__ = ["Statement", "named", "statements_of"]

_LONGEST = 600
"""Characters of a statement that can stand in an answer; a longer one is a listing, or has no full stops."""

_MEANT, _SAID = 0.3, 0.5
"""The shares of a name's words from which on a question means it, and a statement says it."""

_SAME_WORD = 5
"""Letters from which on a stem that begins with another is taken for a form of it, as "complaint" of "complain"."""


@dataclass(frozen=True)
class Statement:
    """A statement of a passage, the heading or question above it, and the rank of its passage in its step.

    `alike` says that a document of another title has the same heading: each is about one thing of a
    kind, as the pages of products are, and a statement means that of its own document.
    """

    item: EvidenceItem
    text: str
    above: str
    rank: int
    alike: bool = False

    @cached_property
    def names(self) -> tuple[str, ...]:
        """What the passage may be about: its title, and the proper names in its metadata."""
        passage = self.item.passage
        # Codes are in capitals throughout, and name nothing to a reader.
        proper = [name for name in names(passage.metadata) if not name.isupper()]
        return tuple(filter(None, (" ".join(passage.title.split()), *proper)))

    @cached_property
    def words(self) -> frozenset[str]:
        """Its own words."""
        return frozenset(terms(self.text))

    @cached_property
    def around(self) -> frozenset[str]:
        """The words of the names, and of what stands above."""
        return frozenset(terms(" ".join([self.above, *self.names])))

    def has(self, word: str) -> float:
        """How well it has a word: 1 as its own, less in another form or only around it, else 0."""
        if word in self.words:
            return 1.0
        if len(word) >= _SAME_WORD and any(_related(word, own) for own in self.words):
            return 0.8
        return 0.6 if word in self.around else 0.0

    def subject(self, question: str, *, among_others: bool = False) -> str:
        """The name to put before it, unless the statement says it.

        That is the name that the question means; where it means none, the title of a document like
        others, or `among_others`: when statements of several documents stand side by side.
        """
        name = self._nearest(question)
        if not self.is_meant(question):
            name = " ".join(self.item.passage.title.split()) if self.alike or among_others else ""
        return name if named(name, self.text) < _SAID else ""

    def is_meant(self, question: str) -> bool:
        """Whether a question names what the passage is about."""
        return named(self._nearest(question), question) >= _MEANT

    def _nearest(self, question: str) -> str:
        return max(self.names, key=lambda each: (named(each, question), len(each)), default="")


def named(name: str, text: str) -> float:
    """The share of a name's words that a text has, from 0 to 1."""
    words = set(terms(name))
    return len(words & set(terms(text))) / len(words) if words else 0.0


def statements_of(items: Sequence[EvidenceItem]) -> list[Statement]:
    """The statements of the items that can stand in an answer, in order."""
    ranks: Counter[str] = Counter()
    found: list[Statement] = []
    for item in items:
        found += _of_item(item, ranks[item.step_id])
        ranks[item.step_id] += 1
    under = Counter(heading for heading, _ in {(each.above, each.item.passage.title) for each in found if each.above})
    return [replace(each, alike=under[each.above] > 1) for each in found]


def _of_item(item: EvidenceItem, rank: int) -> Iterator[Statement]:
    text = item.passage.text
    titles = [(heading.start, heading.title) for heading in headings(text)]
    above = ""
    for start, end in statements(text):
        while titles and titles[0][0] < start:
            above = titles.pop(0)[1]
        statement = text[start:end]
        if statement.endswith("?"):
            # A list of questions and answers: the question is the heading of what follows.
            above = statement
        elif end - start <= _LONGEST and not statement.endswith(":") and any(map(str.isalnum, statement)):
            yield Statement(item, statement, above, rank)


def _related(word: str, other: str) -> bool:
    return len(other) >= _SAME_WORD and (word.startswith(other) or other.startswith(word))
