"""Rankings become one.

What was measured, on SciFact dev (809 questions) and HotpotQA dev (190), stemmed BM25 and MiniLM,
one passage a document, 100 candidates each, equal weights; nDCG@10 / all gold in the top 5 / in the
top 10:

| rule | SciFact | HotpotQA |
| --- | --- | --- |
| BM25 alone | .707 / .738 / .791 | .807 / .579 / .789 |
| MiniLM alone | .658 / .712 / .773 | .777 / .558 / .689 |
| reciprocal ranks, k = 60 | .722 / .761 / .823 | .810 / .616 / .774 |
| reciprocal ranks, k = 10 | .730 / .774 / .833 | .824 / .647 / .832 |
| scores from worst (0) to best (1) of each ranking | .739 / .780 / .832 | .831 / .647 / .816 |
| scores as a share of the best, 0 when not ranked | .740 / .776 / .827 | .831 / .647 / .811 |
| scores as a share of the best, the last one's when not ranked | .744 / .780 / .833 | .840 / .668 / .847 |

The last rule is the one used. Ranks alone throw away how much better the first is than the second.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rag.types import Hit, Passage

__all__ = ["Ranking", "fuse", "fused", "ranked"]


@dataclass(frozen=True, slots=True)
class Ranking:
    """Hits, best first, with the weight they count for.

    `complete` says that nothing was cut off: what is not in it did not match at all.
    """

    hits: Sequence[Hit]
    weight: float = 1.0
    complete: bool = False

    @property
    def floor(self) -> float:
        """What a passage that is not in the ranking may have scored, as a share of the best."""
        return 0.0 if self.complete or not self.hits else self.share(self.hits[-1].score)

    def share(self, score: float) -> float:
        """A score as a share of the best one, from 0 to 1."""
        best = self.hits[0].score
        return max(score, 0.0) / best if best > 0 else 0.0


def fuse(rankings: Sequence[Ranking]) -> list[Hit]:
    """One ranking of every passage in any of them, by the weighted mean of its shares of the best scores.

    Scores run from 0 to 1.

    Source: Bruch, Gai and Ingber, 2023, arXiv 2210.11934 (a convex combination of scores does better
    than reciprocal ranks); the norm and the value of what is missing are as measured above.

    Example:
        >>> hit = lambda name, score: Hit(passage=Passage(doc_id=name, chunk_id=name, text=name), score=score, rank=0)
        >>> words = Ranking([hit("a", 9.0), hit("b", 3.0)], weight=3, complete=True)
        >>> [(h.passage.doc_id, h.score) for h in fuse([words, Ranking([hit("b", 0.5)], complete=True)])]
        [('a', 0.75), ('b', 0.5)]
    """
    total = sum(ranking.weight for ranking in rankings)
    passages: dict[tuple[str, ...], Passage] = {}
    shares: list[dict[tuple[str, ...], float]] = []
    for ranking in rankings:
        shares.append({_key(hit): ranking.share(hit.score) for hit in ranking.hits})
        for hit in ranking.hits:
            passages.setdefault(_key(hit), hit.passage)
    return ranked(
        (
            passage,
            sum(r.weight * known.get(key, r.floor) for r, known in zip(rankings, shares, strict=True)) / total,
        )
        for key, passage in passages.items()
    )


def fused(rankings: Sequence[Ranking]) -> Ranking:
    """Their fusion as a ranking of its own, of weight 1; complete where they all are."""
    return Ranking(fuse(rankings), complete=all(ranking.complete for ranking in rankings))


def ranked(scored: Iterable[tuple[Passage, float]]) -> list[Hit]:
    """Hits in the order of their scores, ties by `doc_id`, then `chunk_id`."""
    best_first = sorted(scored, key=lambda pair: (-pair[1], pair[0].doc_id, pair[0].chunk_id))
    return [
        Hit.model_construct(passage=passage, score=score, rank=rank) for rank, (passage, score) in enumerate(best_first)
    ]


def _key(hit: Hit) -> tuple[str, ...]:
    # With the text, since two indexes may each have a document of one id.
    return (hit.passage.source, hit.passage.doc_id, hit.passage.chunk_id, hit.passage.text)
