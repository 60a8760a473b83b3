"""Which sentences of what was said bear on a question: by meaning, by how much they tell of their speaker, and where.

A question about somebody is answered by a sentence here and there, each in the midst of talk about something
else. What was measured on PersonaBench dev at noise .5 when this was chosen (209 values of 96 questions, turns of one
line, 540 tokens of sentences, speakers' names aside; `benchmarks.memory_profile` measures the whole), as the
share of the values that a sentence from their own evidence has:

| rule | found |
| --- | --- |
| nearest in meaning, of those that tell of somebody | .27 |
| and whose sentence it is | .33 |
| and the rank of the session, by its best turn | .34 |
| and by its three nearest turns | .38 |

Five whole segments bring .36, in 1,890 tokens. The weights are flat around these values.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from rag.errors import RagError
from rag.memory.profile.rules import sayings, telling
from rag.memory.profile.values import Sentence, attributed
from rag.memory.store.values import Kept
from rag.read.terms import terms
from rag.shown import encodable

if TYPE_CHECKING:
    import numpy as np

    from rag.protocols import Embedder

    Floats = np.ndarray[Any, np.dtype[Any]]

__all__ = ["bearing"]

_TELLS, _SHARES, _BY, _SESSION = 0.067, 0.05, 0.15, 2.0
_MOST_SHARED: Final = 3
_SOFTENED: Final = 5  # ranks: the first few sessions are about as good
_NEAREST: Final = 3  # turns of a session that tell what it is about
_CLOSELY: Final = 64  # sentences that one question has embedded: a fraction of a second
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Candidate:
    place: int  # of its turn among the rows
    text: str
    told: Sentence
    score: float


def bearing(
    question: str,
    rows: Sequence[Kept],
    sessions: Sequence[int],
    near: Floats | None,
    *,
    embedder: Embedder,
    summary: Iterable[Sentence] = (),
) -> list[Sentence]:
    """The sentences that tell something of their speaker, those that bear most on the question first.

    Args:
        question: what is asked.
        rows: the turns, in order of time.
        sessions: the number of the session that each lies in.
        near: how near each is to the question in meaning; None where that cannot be told.
        embedder: compares the best sentences with the question once more, each by itself.
        summary: sentences of summaries, which stand beside those of the turns that bear them out.
    """
    import numpy as np

    if not rows:
        return []
    cosines = np.zeros(len(rows)) if near is None else near
    standing = _SESSION / (_SOFTENED + _ranks(np.asarray(sessions), cosines))
    asked, named = frozenset(terms(question)), _named(question, rows)
    found = [
        _Candidate(place, text, _told(row, text), standing[place] + _worth(text, asked, bearing=named[place]))
        for place, row in enumerate(rows)
        for text in sayings(row.turn)
        if telling(text)
    ]
    found += _of_summary(summary, rows, found, asked, standing)
    found.sort(key=lambda one: -one.score - cosines[one.place])
    whole = np.array([cosines[one.place] for one in found])
    close = _close(question, [one.text for one in found[:_CLOSELY]], embedder) if near is not None else None
    if close is None:
        return [one.told for one in found]
    best = (whole[:_CLOSELY] + close) / 2 + [one.score for one in found[:_CLOSELY]]
    order = (-best).argsort(kind="stable").tolist()
    return [found[n].told for n in order] + [one.told for one in found[_CLOSELY:]]


def _of_summary(
    summary: Iterable[Sentence],
    rows: Sequence[Kept],
    found: Sequence[_Candidate],
    asked: frozenset[str],
    standing: Floats,
) -> Iterator[_Candidate]:
    """The sentences that no turn has in the same words, each at the last of its turns that is there."""
    said = {one.told.text for one in found}
    places = {row.reference: place for place, row in enumerate(rows)}
    for sentence in summary:
        there = [places[turn] for turn in sentence.turns if turn in places]
        if there and sentence.text not in said:
            score = standing[max(there)] + _worth(sentence.text, asked, bearing=True)
            yield _Candidate(max(there), sentence.text, sentence, score)


def _worth(text: str, asked: frozenset[str], *, bearing: bool) -> float:
    shared = min(len(asked & set(terms(text))), _MOST_SHARED)
    return _TELLS * telling(text) + _SHARES * shared + _BY * bearing


def _ranks(sessions: Floats, cosines: Floats) -> Floats:
    """The rank of the session that each turn lies in, from 0, by the turns of it that are nearest."""
    import numpy as np

    names, place = np.unique(sessions, return_inverse=True)
    order = np.lexsort((-cosines, place))
    starts = np.searchsorted(place[order], np.arange(len(names)))
    ends = np.append(starts[1:], len(order))
    nearest = np.array([cosines[order[a : min(b, a + _NEAREST)]].mean() for a, b in zip(starts, ends, strict=True)])
    ranks = np.empty(len(names))
    ranks[(-nearest).argsort(kind="stable")] = np.arange(len(names))
    return ranks[place]


def _named(question: str, rows: Sequence[Kept]) -> list[bool]:
    """Whether each turn is by whom the question is about: who it names, or else the user."""
    asked = set(question.replace("'", " ").split())
    speakers = {row.turn.speaker for row in rows}
    named = {speaker for speaker in speakers if asked & set(speaker.split())}
    return [row.turn.speaker in named if named else row.turn.role == "user" for row in rows]


def _told(row: Kept, text: str) -> Sentence:
    return Sentence(text=attributed(row.turn, text), turns=(row.reference,))


def _close(question: str, texts: Sequence[str], embedder: Embedder) -> Floats | None:
    if not texts:
        return None
    try:
        vectors = embedder.embed([encodable(text) for text in (question, *texts)])
    except RagError as error:
        _log.warning("sentences are compared by their turns: %s", error)
        return None
    near: Floats = vectors[1:] @ vectors[0]
    return near
