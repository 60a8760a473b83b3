"""`Rules`: a plan without a model."""

from __future__ import annotations

import re
from collections.abc import Generator

from planners.actions import planned, probe, retrieve_and_read
from rag.card import SourceCard
from rag.errors import RagError
from rag.plan import Plan, Step
from rag.protocols import Action, Observation, Steps, Task

__all__ = ["Rules"]


class Rules:
    """Chooses sources by their names and by what they contain; uses no model."""

    def plan(self, task: Task) -> Steps:
        """Route the question, run the plan, read what it brings.

        Raises:
            RagError: the plan could not be run, or the reader failed.
        """
        plan = yield from self.route(task)
        return (yield from retrieve_and_read(plan, task))

    def route(self, task: Task) -> Generator[tuple[Action, ...], tuple[Observation, ...], Plan]:
        """The plan alone, not yet run."""
        cards = [card for card in task.cards if not card.required - {card.query_argument}]
        chosen = [card for card in cards if _named(card, task.question)]
        if not chosen and cards:
            chosen = [(yield from self._most_relevant(task, cards))]
        steps = tuple(
            Step(
                id=f"s{n}",
                source=card.name,
                args={card.query_argument: task.question} if card.query_argument else {},
            )
            for n, card in enumerate(chosen, 1)
        )
        return planned(Plan(steps=steps), task)

    def _most_relevant(
        self, task: Task, cards: list[SourceCard]
    ) -> Generator[tuple[Action, ...], tuple[Observation, ...], SourceCard]:
        try:
            scores = (yield from probe(task.question)).scores
        except RagError:
            scores = {}
        return max(cards, key=lambda card: scores.get(card.name, 0.0))


def _named(card: SourceCard, question: str) -> bool:
    return bool(re.search(rf"(?<!\w){re.escape(card.name.removesuffix('s'))}s?(?!\w)", question, re.IGNORECASE))
