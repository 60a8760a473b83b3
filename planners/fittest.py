"""Which sources a model is offered: of many, those that fit the question best."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Generator, Sequence
from dataclasses import replace
from typing import Final

from planners.actions import probes
from planners.choose import by_content
from planners.language import content
from planners.names import name_stems
from planners.records import is_record
from rag.card import SourceCard
from rag.plan import Plan
from rag.plan.givers import givers_among, gives_passages, needs
from rag.protocols import Action, Observation, Task

__all__ = ["MOST_GIVERS", "MOST_OFFERED", "fittest"]

MOST_OFFERED: Final = 12
"""Sources that the model is offered, at most; of more, those that fit the question best."""

MOST_GIVERS: Final = 6
"""Sources that the model is offered besides, since others need what they give."""


def fittest(
    task: Task, prior: Plan, named: Collection[str]
) -> Generator[tuple[Action, ...], tuple[Observation, ...], tuple[SourceCard, ...]]:
    """The sources that the model may choose from, in card order: all but rivals of those named, of many the fittest.

    Beside those that need what the question may not give come others that give it.
    """
    task = replace(task, cards=_less_rivals(task.cards, named))
    by_name = {card.name: card for card in task.cards}
    if len(task.cards) <= MOST_OFFERED or len(task.cards) == len(named):
        return task.cards
    kept = {*named, *(step.source for plan in (prior, *(one.plan for one in task.examples)) for step in plan.steps)}
    (relevance,) = yield from probes([task.question])
    if task.fit:
        # Of the same measure; a source that can tell by its content knows better than its card.
        meets = {**task.fit, **relevance}
        kept |= set(sorted(by_name, key=lambda name: -meets.get(name, 0.0))[:MOST_OFFERED])
    else:
        best = by_content(task.question, task.cards, relevance, close=0.0, most=MOST_OFFERED)
        ranked = [*_called(task.question, task.cards)[: MOST_OFFERED // 2], *(choice.card.name for choice in best)]
        kept |= set(list(dict.fromkeys(ranked))[:MOST_OFFERED])
    few = [card for card in task.cards if card.name in kept]
    kept |= {card.name for card in givers_among(task.cards).added(few, task.fit, MOST_GIVERS)}
    return tuple(card for card in task.cards if card.name in kept) or task.cards


def _less_rivals(cards: Sequence[SourceCard], named: Collection[str]) -> tuple[SourceCard, ...]:
    """The sources without those that are of the kind of one that the question names, as another publisher is.

    Records stay, and what gives ids: "What does Wired think of the phone that I bought?" needs the purchases.
    """
    kinds = {frozenset(card.properties) for card in cards if card.name in named and not is_record(card)}
    return tuple(
        card
        for card in cards
        if card.name in named or is_record(card) or not gives_passages(card) or frozenset(card.properties) not in kinds
    )


def _called(question: str, cards: Sequence[SourceCard]) -> list[str]:
    """The tools whose names have words of the question, first those with most; a word of n names counts 1/n."""
    said = set(content(question))
    shared = Counter(word for card in cards for word in set(name_stems(card.name)))
    scores = {
        card.name: sum(1 / shared[word] for word in said & set(name_stems(card.name))) for card in cards if needs(card)
    }
    return sorted((name for name, score in scores.items() if score), key=lambda name: -scores[name])
