"""Which of some turns meet a question: by their words, by meaning, and by what was said around them.

A turn says little by itself: "Three years!" answers a question that the turn before it asked. So each
turn shares in what its neighbours score, and in what its whole session scores. What was measured on
LoCoMo dev (970 questions with evidence, 5 conversations), BM25 and MiniLM, when this was chosen (the rule as it
stands is measured by `benchmarks.memory_recall`):

| rule | session any@5 | turn any@5 | all evidence@10 |
| --- | --- | --- | --- |
| BM25 alone | .929 | .599 | .597 |
| MiniLM alone | .768 | .407 | .421 |
| both, as shares of the best | .920 | .635 | .633 |
| and neighbours | .925 | .697 | .711 |
| and the session's own BM25 | .940 | .751 | .749 |
| and the day's words, as words of each turn | .955 | .769 | .753 |

Where turns are long, as pasted texts or whole stretches of talk are, each says by itself what it is about, and has
more words by chance: what stands around it counts for less, and meaning for more. On PersonaBench dev (segments of
some 200 words), recall@5 at noise 0 / .5 / .7 is .336 / .280 / .229 by MiniLM alone, .308 / .266 / .206 by the rule
for short turns, and .372 / .331 / .260 by this one.

The weights are flat around these values.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

from rag.memory.store.values import Kept
from rag.read.terms import terms

if TYPE_CHECKING:
    import numpy as np

    Floats = np.ndarray[Any, np.dtype[Any]]

__all__ = ["Scored", "near_best", "scored"]

_K1, _B = 1.2, 0.4  # turns differ in length for no reason that tells of their subject
_NEXT, _AFTER_NEXT = 0.25, 0.12
_SESSION = 0.7
_SHORT: Final = 20  # terms of a turn, in the mean, up to which turns are short
_OF_LONG: Final = 2.0  # what meaning counts for besides where turns are long
_NEAR_BEST: Final = 0.5  # of the best score: what a turn must reach to be evidence
_Found = TypeVar("_Found")


@dataclass(frozen=True, slots=True)
class Scored:
    """Scores of turns, from 0 to 1, one a turn: `own` of the turn and its neighbours, `whole` with the session's."""

    own: Floats
    whole: Floats


def scored(
    content: str,
    rows: Sequence[Kept],
    sessions: Sequence[int],
    cosines: Callable[[Floats], Floats | None] = lambda _: None,
) -> Scored:
    """How well each turn meets what is asked.

    Args:
        content: what is asked, less words of time.
        rows: the turns, in order of time; what is rare is what is rare among them.
        sessions: the number of the session that each lies in.
        cosines: called with what the words score, gives the turns' nearness in meaning, if that can be told.

    Source: Robertson and Zaragoza, 2009, The Probabilistic Relevance Framework, section 3; the shares as in
    `rag.retrieve.fuse`; the rest as measured above.
    """
    import numpy as np

    counts, lengths = _counted(content, rows)
    place = np.unique(np.asarray(sessions), return_inverse=True)[1].reshape(-1)
    # From 1 for short turns down to 0: how much they need what stands around them.
    need = min(1.0, _SHORT / max(lengths.mean(), 1.0)) if len(rows) else 1.0
    words = _shares(_bm25(counts, lengths))
    near = cosines(words)
    weight = 0.0 if near is None else 1 + _OF_LONG * (1 - need)
    own = words if near is None else words + weight * _shares(near)
    best = (1 + weight) * (1 + 2 * need * (_NEXT + _AFTER_NEXT))
    own = _with_neighbours(own, place, need) / best
    if place.max(initial=0) == 0:
        return Scored(own, own)
    of_sessions = np.zeros((place.max() + 1, counts.shape[1]))
    np.add.at(of_sessions, place, counts)
    session = _shares(_bm25(of_sessions, np.bincount(place, lengths)))[place]
    share = need * _SESSION / (best + need * _SESSION)
    return Scored(own, (1 - share) * own + share * session)


def near_best(found: Sequence[_Found], score: Callable[[_Found], float]) -> list[_Found]:
    """Those before the score drops: what has half of the best score or more, in the order given.

    Example:
        >>> near_best([0.9, 0.2, 0.5], float)
        [0.9, 0.5]
    """
    least = _NEAR_BEST * max(map(score, found), default=0.0)
    return [one for one in found if score(one) >= least]


def _counted(content: str, rows: Sequence[Kept]) -> tuple[Floats, Floats]:
    """How often each turn has each term of the content, and how many terms it has."""
    import numpy as np

    query = dict.fromkeys(terms(content))
    said = [row.terms for row in rows]
    counts = np.zeros((len(rows), len(query)))
    for column, term in enumerate(query):
        mark = f"\n{term}\n"
        counts[:, column] = [told.count(mark) for told in said]
    return counts, np.array([told.count("\n") / 2 for told in said])


def _bm25(counts: Floats, lengths: Floats) -> Floats:
    import numpy as np

    having = (counts > 0).sum(axis=0)
    rarity = np.log1p((len(counts) - having + 0.5) / (having + 0.5))
    norms = _K1 * (1 - _B + _B * lengths / max(lengths.mean(), 1.0)) if len(lengths) else lengths
    scores: Floats = (rarity * counts * (_K1 + 1) / (counts + norms[:, None])).sum(axis=1)
    return scores


def _shares(scores: Floats) -> Floats:
    """Scores as shares of the best one, from 0 to 1."""
    best = scores.max(initial=0.0)
    shares: Floats = scores.clip(min=0) / best if best > 0 else scores.clip(0, 0)
    return shares


def _with_neighbours(scores: Floats, place: Floats, need: float) -> Floats:
    """Each turn's score with shares of those said just before and after it in its session."""
    import numpy as np

    order = np.argsort(place, kind="stable")  # sessions of several conversations may overlap in time
    sorted_scores, sorted_place = scores[order], place[order]
    total = sorted_scores.copy()
    for step, weight in ((1, need * _NEXT), (2, need * _AFTER_NEXT)):
        together = sorted_place[step:] == sorted_place[:-step]
        total[step:] += weight * sorted_scores[:-step] * together
        total[:-step] += weight * sorted_scores[step:] * together
    found = np.empty_like(total)
    found[order] = total
    return found
