"""Choosing the statements that answer a question, without a model.

A statement's score adds up how many of the question's words it has (rare ones count more), how near
it is in meaning, whether it has the kind of thing that is asked for, whether its passage is about
the thing that the question names, and its passage's rank. The weights were set on the example shop's
questions and on HotpotQA's development questions; they are flat around these values.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from rag.read.kinds import fits_kind
from rag.read.passages import Statement, named
from rag.read.statements import plain
from rag.read.terms import terms
from rag.shown import encodable

if TYPE_CHECKING:
    import numpy as np

    from rag.protocols import Embedder

    Matrix: TypeAlias = np.ndarray[Any, np.dtype[np.float32]]

__all__ = ["Part", "Pool"]

_MOST = 160
"""Statements that are compared by meaning; those with the fewest words of the question are left out first."""

_MEANING, _KIND, _NAMED, _OTHER, _RANK = 1.5, 0.3, 0.1, 0.3, 0.1
_REPEATED = 0.3
_NEAR_BEST = 0.75
"""The share of the best score that a statement must have to stand beside it."""

_IS_NAMED = 0.5
_SURELY_NAMED = 0.75
"""The share of a name's words that a question must have to be about it; and for that to need no other sign."""

_MEASURE = re.compile(
    r"\bhow (?:long|many|much|heavy|fast|soon|often|old|far|big|large|tall|high|wide|deep|expensive)\b", re.I
)

# Cosine and share of words: at the first the evidence is about the question at all, at the second a
# statement may answer a part of it. Of 114 questions put to the wrong texts, one came above the first.
_ABOUT = (0.45, 0.5)
_ANSWERS = (0.3, 0.2)


@dataclass(frozen=True, slots=True)
class Part:
    """One thing that is asked: in which words, of which sources, and a text that may name its subject."""

    question: str
    sources: frozenset[str]
    context: str = ""

    @property
    def words(self) -> list[str]:
        """The words of the question, less the measure that is asked for: "how long" is answered by a number."""
        return terms(_MEASURE.sub("", self.question))


@dataclass(frozen=True, slots=True)
class _Closeness:
    """How near a statement is to a part.

    `words` leaves the subject's own words out: all passages about it are alike in them. `other` says
    that the statement is about a thing whose name is like the subject's, but another.
    """

    meaning: float
    words: float
    all_words: float
    subject: float
    other: bool

    def reaches(self, least: tuple[float, float]) -> bool:
        """Whether it is near enough by meaning or by words."""
        return self.meaning >= least[0] or self.all_words >= least[1]


@dataclass(frozen=True, slots=True)
class _Subject:
    """The thing that a part is about, as far as a passage's name tells: the name, and how far each name is meant."""

    name: str
    naming: Mapping[str, float]

    @classmethod
    def of(cls, part: Part, statements: Iterable[Statement]) -> _Subject:
        """The name that a part and its context have most of; none when they have too little of any."""
        names = dict.fromkeys(name for each in statements for name in each.names)
        naming = {name: named(name, f"{part.question} {part.context}") for name in names}
        name = max(naming, key=lambda name: (naming[name], len(name)), default="")
        return cls(name, naming) if naming.get(name, 0.0) >= _IS_NAMED else cls("", {})

    def of_statement(self, statement: Statement) -> float:
        """How far the names of a statement's passage are meant, from 0 to 1."""
        return max((self.naming.get(name, 0.0) for name in statement.names), default=0.0)

    def score(self, meant: float) -> float:
        # What is only alike by name, as the other model of a product, is the likeliest mistake.
        return _NAMED * meant - (_OTHER * (self.naming[self.name] - meant) if meant else 0.0)


class Pool:
    """Statements to choose from, compared with every part of a question at once.

    Args:
        found: the statements.
        parts: what will be asked of them.
        embedder: compares by meaning; without one, words alone count.
    """

    def __init__(self, found: Sequence[Statement], parts: Sequence[Part], embedder: Embedder | None = None) -> None:
        wanted = {word for part in parts for word in part.words}
        by_words = sorted(found, key=lambda each: -len(wanted & (each.words | each.around)))
        self._found = by_words[:_MOST] if embedder else by_words
        self._seen_in = Counter(word for each in self._found for word in each.words | each.around)
        meaning = _meaning(self._found, parts, embedder)
        self._near = {part: self._compared(part, meaning.get(part)) for part in parts}

    @property
    def about_it(self) -> bool:
        """Whether anything in here has to do with the question."""
        return any(close.reaches(_ABOUT) for near in self._near.values() for close in near.values())

    def choose(self, part: Part, count: int, taken: Sequence[Statement] = ()) -> list[Statement]:
        """The best statements for a part, at most `count`; none that is taken already, and none said twice."""
        near = {n: close for n, close in self._near[part].items() if close.reaches(_ANSWERS) and not close.other}
        scores = {n: self._score(part, self._found[n], close) for n, close in near.items()}
        best_score = max(scores.values(), default=0.0)
        enough = best_score - (1 - _NEAR_BEST) * abs(best_score)
        left = [n for n, score in scores.items() if score >= enough and self._found[n] not in taken]
        chosen: list[int] = []
        while left and len(chosen) < count:
            best = max(left, key=lambda n: scores[n] - _REPEATED * self._repeats(n, chosen))
            chosen.append(best)
            left.remove(best)
        return [self._found[n] for n in chosen]

    def _score(self, part: Part, statement: Statement, close: _Closeness) -> float:
        kind = 2 * fits_kind(part.question, statement.text) - 1
        return close.words + _MEANING * close.meaning + close.subject + _KIND * kind + _RANK / (1 + statement.rank)

    def _compared(self, part: Part, meaning: Sequence[float] | None) -> dict[int, _Closeness]:
        asked = {n: each for n, each in enumerate(self._found) if each.item.passage.source in part.sources}
        subject = _Subject.of(part, asked.values())
        own = set(terms(subject.name))
        # A name of several words is met by no accident.
        several = len(own) > 1
        weights = {word: self._weight(word) for word in part.words}
        others = {word: weight for word, weight in weights.items() if word not in own}
        near = {}
        for n, each in asked.items():
            meant = subject.of_statement(each)
            near[n] = _Closeness(
                meaning=meaning[n] if meaning else 0.0,
                words=_share(others, each),
                all_words=1.0 if several and meant >= _SURELY_NAMED else _share(dict.fromkeys(weights, 1.0), each),
                subject=subject.score(meant),
                other=several and _IS_NAMED <= meant < subject.naming[subject.name] == 1,
            )
        return near

    def _weight(self, word: str) -> float:
        count = self._seen_in[word]
        return math.log(1 + (len(self._found) - count + 0.5) / (count + 0.5))

    def _repeats(self, n: int, chosen: Sequence[int]) -> float:
        own = self._found[n].words
        others = (self._found[other].words for other in chosen)
        return max((len(own & other) / (len(own | other) or 1) for other in others), default=0.0)


def _share(weights: Mapping[str, float], statement: Statement) -> float:
    met = sum(weight * statement.has(word) for word, weight in weights.items())
    return met / (sum(weights.values()) or 1.0)


def _meaning(
    found: Sequence[Statement], parts: Sequence[Part], embedder: Embedder | None
) -> dict[Part, Sequence[float]]:
    """For each part, its cosine with each statement; nothing without an embedder."""
    if embedder is None or not found or not parts:
        return {}
    texts = [f"{'; '.join(each.names)}: {plain(each.text)}" for each in found]
    sound = [encodable(text) for text in (*(part.question for part in parts), *texts)]
    vectors: Matrix = embedder.embed(sound)
    cosines = vectors[: len(parts)] @ vectors[len(parts) :].T
    return dict(zip(parts, cosines.tolist(), strict=True))
