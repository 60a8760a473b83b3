"""What the vote of earlier questions buys where sources are chosen, without a model.

    python -m benchmarks.neighbours

The 199 tools of MetaTool are ranked for each question: by the cosine of question and card ("card"), by how well the
card fits ("fit", what makes the shortlist), by the vote of the nearest of so many earlier questions, and by both.
Questions are parted as in `benchmarks.experience`; those that have a near duplicate on the other side are told apart.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from benchmarks.common import report
from benchmarks.experience import Asked, Known, learnt, metatool, parted, tools
from rag.card import SourceCard
from rag.experience import ExperienceMemory
from rag.run.shortlist import Shortlist

SIZES: Final = (100, 1000, None)
NEAR: Final = 0.9
"""The cosine from which an experience is called a near duplicate of a question."""


def ranked() -> dict[str, Any]:
    """How well tools are ranked with 100, 1,000 and all experiences, and without any."""
    questions, cards = metatool(), {source.card.name: source.card for source in tools()}
    told = {name: f"{name}: {card.about}" for name, card in cards.items()}
    embedder = Known(list({*(q.text for q in questions), *told.values()}))
    pool, asked = parted(questions)
    vectors = embedder.embed([q.text for q in asked])
    near = vectors @ embedder.embed([told[name] for name in cards]).T
    base = {"card": [dict(zip(cards, row.tolist(), strict=True)) for row in near], "fit": fits(asked, cards)}
    twins = (vectors @ embedder.embed([q.text for q in pool]).T).max(axis=1) > NEAR
    return {
        "questions": {f"{n}_tools": sum(len(q.sources) == n for q in asked) for n in (1, 2)},
        "near_duplicates": round(float(twins.mean()), 3),
        "without": {name: measured(asked, scores, twins) for name, scores in base.items()},
        "experiences": {
            str(size or len(pool)): with_votes(asked, base, votes(asked, pool[:size], cards, embedder), twins)
            for size in SIZES
        },
    }


def fits(asked: Sequence[Asked], cards: Mapping[str, SourceCard]) -> list[dict[str, float]]:
    """How well each card fits each question, as the shortlist has it."""
    shortlist, every = Shortlist(), tuple(cards.values())

    async def each() -> list[dict[str, float]]:
        return [await shortlist.fit(q.text, every) for q in asked]

    return asyncio.run(each())


def votes(
    asked: Sequence[Asked], pool: Sequence[Asked], cards: Mapping[str, SourceCard], embedder: Known
) -> list[dict[str, float]]:
    """The neighbours' vote on each question."""
    with ExperienceMemory.open("sqlite://", embedder=embedder, most=len(pool)) as memory:
        for q in pool:
            memory.add(q.text, learnt(q, cards))
        every = tuple(cards.values())
        return [memory.vote(q.text, every) for q in asked]


def with_votes(
    asked: Sequence[Asked],
    base: Mapping[str, Sequence[Mapping[str, float]]],
    voted: Sequence[Mapping[str, float]],
    twins: Sequence[bool],
) -> dict[str, Any]:
    """The vote alone, and joined with each score."""
    both = {f"{name}+vote": list(map(_joined, scores, voted)) for name, scores in base.items()}
    return {name: measured(asked, scores, twins) for name, scores in {"vote": voted, **both}.items()}


def _joined(scores: Mapping[str, float], vote: Mapping[str, float]) -> dict[str, float]:
    # As `rag.run.informed` joins them.
    return {name: score + (1 - score) * vote.get(name, 0.0) for name, score in scores.items()}


def measured(
    asked: Sequence[Asked], scores: Sequence[Mapping[str, float]], twins: Sequence[bool]
) -> dict[str, dict[str, float]]:
    """Shares of questions whose tool is first, or among five; of those with two tools, whose are both among five."""
    ranked = [sorted(score, key=lambda name: (-score[name], name)) for score in scores]
    one = [(q, names, twin) for q, names, twin in zip(asked, ranked, twins, strict=True) if len(q.sources) == 1]
    two = [(q, names) for q, names in zip(asked, ranked, strict=True) if len(q.sources) == 2]
    return {
        "all": _top([pair[:2] for pair in one]),
        "without_near_duplicates": _top([(q, names) for q, names, twin in one if not twin]),
        "two_tools": {"top5": _share(set(q.sources) <= set(names[:5]) for q, names in two)},
    }


def _top(pairs: Sequence[tuple[Asked, Sequence[str]]]) -> dict[str, float]:
    return {f"top{n}": _share(q.sources[0] in names[:n] for q, names in pairs) for n in (1, 5)}


def _share(held: Iterable[bool]) -> float:
    found = list(held)
    return round(sum(found) / len(found), 3)


if __name__ == "__main__":
    report("neighbours", ranked())
