"""`Reaper`: one model call writes the whole plan.

Source: REAPER, Joshi et al., CIKM 2024, arXiv 2407.18553. What is ours: the plan is held to a schema
made from the sources, mended where rules can, and checked against what the question says by name;
where no plan can be had, rules plan.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Generator, Sequence
from typing import Final

from planners.actions import complete, planned, probes, retrieve_and_read
from planners.choose import by_content
from planners.draft import drafted
from planners.foresee import foreseen
from planners.language import content
from planners.mend import completed, with_stand_ins
from planners.names import name_stems, said_of
from planners.offer import given_arguments, offered_examples, offered_lines, offered_schema
from planners.repair import sound
from planners.retrieval import NOTHING, spared
from planners.rules import Rules, named_choices, named_sources
from planners.shown import said_before
from planners.written import read_plan
from prompts.inert import inert
from rag.card import SourceCard
from rag.errors import BudgetExceeded, ModelError, PlanError, PromptError
from rag.plan import Plan
from rag.plan.givers import Givers, needs
from rag.protocols import Action, Observation, Steps, Task

__all__ = ["MOST_OFFERED", "Reaper", "read_plan"]

MOST_OFFERED: Final = 12
"""Sources that the model is offered, at most; of more, those that fit the question best."""

MOST_GIVERS: Final = 6
"""Sources that the model is offered besides, since others need what they give."""

_MOST_TOKENS: Final = 1000

_Planning = Generator[tuple[Action, ...], tuple[Observation, ...], Plan]


class Reaper:
    """Plans by one model call, with rules for prior and fallback.

    Sources that the question calls by their proper names are the only ones offered, and each is
    asked. Small talk is told by rules and costs no call. A plan that rules cannot mend goes back to the
    model once. Without a model, or when no plan of its can be used, `Rules` plan, and a note says why.

    Example:
        >>> from datetime import datetime, timezone
        >>> from rag.card import free_query
        >>> from rag.protocols import Completion
        >>> cards = (SourceCard(name="docs", arguments=free_query()),)
        >>> steps = Reaper().plan(Task("How long is the leave?", cards, datetime.now(timezone.utc), model=True))
        >>> (asked,) = next(steps)
        >>> asked.prompt
        'plan'
        >>> reply = '{"steps": [{"id": "s1", "source": "docs", "args": {"query": "length of leave"}}]}'
        >>> (execute,) = steps.send((Completion(reply),))
        >>> print(execute.plan)
        s1  docs(query="length of leave")
    """

    def plan(self, task: Task) -> Steps:
        """Have the plan written, run it, read what it brings.

        Raises:
            RagError: the plan could not be run, or the reader failed.
        """
        plan = yield from self.route(task)
        return (yield from retrieve_and_read(plan, task))

    def route(self, task: Task) -> _Planning:
        """The plan, not yet run."""
        routed = yield from Rules().routed(task)
        prior = routed.plan
        if spared(task):
            return prior
        if not task.model:
            return prior.noted("planned by rules, since there is no model")
        offered = yield from _offered(task, prior, named_sources(task.question, task.cards))
        try:
            text = yield from _written(task, offered, prior)
            written, plan = yield from sound(text, task, offered)
        except (ModelError, BudgetExceeded, PromptError) as error:
            return prior.noted(f"planned by rules, since the model wrote no plan: {error}")
        except PlanError as error:
            return prior.noted(f"planned by rules, since the model's plan cannot be used: {error}")
        if plan.steps:
            return planned(with_stand_ins(completed(plan, routed), task.cards), task)
        # A small model gives up easily; what a question names outright is looked up all the same.
        if task.retrieve or written.steps or named_choices(task):
            return prior.noted("planned by rules, since the model asks for nothing in particular")
        return planned(plan.noted(f"{NOTHING}the model's plan has no step"), task)


def _offered(
    task: Task, prior: Plan, named: Collection[str]
) -> Generator[tuple[Action, ...], tuple[Observation, ...], tuple[SourceCard, ...]]:
    """The sources that the model may choose from, in card order: those named, else all, of many the fittest.

    Beside those that need what the question may not give come others that give it.
    """
    by_name = {card.name: card for card in task.cards}
    if named and not any(needs(by_name[name]) for name in named):
        return tuple(card for card in task.cards if card.name in named)
    if len(task.cards) <= MOST_OFFERED:
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
    fittest = [card for card in task.cards if card.name in kept]
    kept |= {card.name for card in Givers(task.cards).added(fittest, task.fit, MOST_GIVERS)}
    return tuple(card for card in task.cards if card.name in kept) or task.cards


def _called(question: str, cards: Sequence[SourceCard]) -> list[str]:
    """The tools whose names have words of the question, first those with most; a word of n names counts 1/n."""
    said = set(content(question))
    shared = Counter(word for card in cards for word in set(name_stems(card.name)))
    scores = {
        card.name: sum(1 / shared[word] for word in said & set(name_stems(card.name))) for card in cards if needs(card)
    }
    return sorted((name for name, score in scores.items() if score), key=lambda name: -scores[name])


def _written(
    task: Task, offered: Sequence[SourceCard], prior: Plan
) -> Generator[tuple[Action, ...], tuple[Observation, ...], str]:
    given = given_arguments(offered, task)
    values = {
        "date": f"{task.now:%A, %d %B %Y}",
        "conversation": said_before(task.turns),
        "sources": offered_lines(offered, given),
        "examples": offered_examples(task.examples, offered),
        "draft": drafted(prior, said_of(task.question, offered), offered),
        "question": inert(task.question),
    }
    reply = yield from complete(
        "plan",
        values,
        schema=offered_schema(offered, given),
        max_tokens=_MOST_TOKENS,
        keep=True,
        foresee=lambda text: foreseen(text, task, offered),
    )
    return reply.text
