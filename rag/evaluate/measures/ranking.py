"""Measures of rankings: those of `ir-measures`, all-gold@k, and mSD."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import fmean

from rag.errors import ConfigError

__all__ = ["Ranking", "all_gold", "msd", "ndcg_and_recall", "scaled"]

Ranking = Sequence[tuple[str, float]]
"""Ids and scores, best first."""


def ndcg_and_recall(ranking: Ranking, gold: Mapping[str, int]) -> dict[str, float]:
    """nDCG@10 and R@5 of one question, as the library `ir-measures` has them, from 0 to 1.

    Raises:
        ConfigError: the library is not installed.

    Source: Järvelin and Kekäläinen, 2002, Cumulated gain-based evaluation of IR techniques.

    Example:
        >>> ndcg_and_recall([("a", 0.9), ("b", 0.5)], {"b": 1})
        {'nDCG@10': 0.6309297535714575, 'R@5': 1.0}
    """
    try:
        import ir_measures
        from ir_measures import R, nDCG
    except ImportError as error:
        raise ConfigError('measures of rankings need ir-measures: pip install "planweave-rag[eval]"') from error
    wanted = [nDCG @ 10, R @ 5]
    # By rank, as the library orders equal scores its own way.
    ranked = {name: -float(rank) for rank, (name, _) in enumerate(ranking)}
    found = {metric.measure: metric.value for metric in ir_measures.iter_calc(wanted, {"q": gold}, {"q": ranked})}
    return {str(measure): float(found.get(measure, 0.0)) for measure in wanted}


def all_gold(ranking: Ranking, gold: Mapping[str, int], k: int) -> float:
    """1 where every relevant document is among the first `k`, else 0; also 0 where none is relevant.

    Example:
        >>> all_gold([("a", 0.9), ("b", 0.5), ("c", 0.1)], {"a": 1, "c": 1}, 2)
        0.0
    """
    first = {name for name, _ in ranking[:k]}
    relevant = {name for name, relevance in gold.items() if relevance > 0}
    return float(bool(relevant) and relevant <= first)


def msd(ranking: Ranking, gold: Mapping[str, int]) -> float:
    """How surely relevant documents stand apart from others by their scores, from 0 to 1.

    The mean over the relevant documents of the share that they have in all similarity down to their rank, times
    1 - exp(-m), where m is their mean similarity over that of the others. One that was not found counts as 0. A
    ranking by rank alone has no similarities that tell anything.

    Source: Zuo et al., CVPR 2024, UFineBench, section 5 (mean similarity distribution).
    """
    similarity = scaled([score for _, score in ranking])
    relevant = [gold.get(name, 0) > 0 for name, _ in ranking]
    positives = [s for s, is_relevant in zip(similarity, relevant, strict=True) if is_relevant]
    negatives = [s for s, is_relevant in zip(similarity, relevant, strict=True) if not is_relevant]
    if not positives or not sum(positives):
        return 0.0
    shares, positive, total = list[float](), 0.0, 0.0
    for s, is_relevant in zip(similarity, relevant, strict=True):
        total += s
        if is_relevant and total:  # a score of 0 at the top tells nothing
            positive += s
            shares.append(positive / total)
    apart = fmean(positives) / fmean(negatives) if negatives and sum(negatives) else math.inf
    return sum(shares) / sum(relevance > 0 for relevance in gold.values()) * (1 - math.exp(-apart))


def scaled(scores: Sequence[float]) -> list[float]:
    """The scores as they are where they lie in [0, 1], else spread over it.

    Example:
        >>> scaled([0.75, 0.5]), scaled([12, 6, 0])
        ([0.75, 0.5], [1.0, 0.5, 0.0])
    """
    low, high = min(scores, default=0.0), max(scores, default=0.0)
    if low >= 0 and high <= 1:
        return list(scores)
    return [(score - low) / (high - low) if high > low else 1.0 for score in scores]
