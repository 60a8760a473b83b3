"""`Reaper`: one model call writes the whole plan.

Source: REAPER, Joshi et al., CIKM 2024, arXiv 2407.18553. What is ours: the plan is held to a schema
made from the sources, mended where rules can, and checked against what the question says by name;
where no plan can be had, rules plan.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import Final

from planners.actions import complete, planned, retrieve_and_read
from planners.conversation import considered, remembered
from planners.draft import drafted
from planners.fittest import MOST_OFFERED, fittest
from planners.foresee import foreseen
from planners.mend import completed, with_stand_ins
from planners.names import said_of
from planners.offer import offered, offered_examples
from planners.repair import Reading, reading, sound, usable
from planners.retrieval import NOTHING, spared
from planners.rules import Rules, named_choices, named_sources
from planners.shown import said_before
from planners.written import read_plan
from rag.card import SourceCard
from rag.errors import BudgetExceeded, ModelError, PlanError, PromptError
from rag.plan import Plan
from rag.protocols import Action, Observation, Steps, Task

__all__ = ["MOST_OFFERED", "Reaper", "read_plan"]

_MOST_TOKENS: Final = 1000

_Planning = Generator[tuple[Action, ...], tuple[Observation, ...], Plan]


class Reaper:
    """Plans by one model call, with rules for prior and fallback.

    Each source that the question calls by its proper name is asked, and none of its kind is offered
    that the question does not name. Small talk is told by rules and costs no call. A plan that rules
    cannot mend goes back to the model once. Without a model, or when no plan of its can be used,
    `Rules` plan, and a note says why.

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
        if spared(task) or remembered(task):
            return prior
        task = considered(task)
        if not task.model:
            return prior.noted("planned by rules, since there is no model")
        named = named_sources(task.question, task.cards)
        cards = yield from fittest(task, prior, named)
        read = reading(task, cards)
        try:
            text = yield from _written(task, cards, prior, read)
            written, plan = yield from sound(text, read, task, cards)
        except (ModelError, BudgetExceeded, PromptError) as error:
            return prior.noted(f"planned by rules, since the model wrote no plan: {error}")
        except PlanError as error:
            return prior.noted(f"planned by rules, since the model's plan cannot be used: {error}")
        if plan.steps:
            return planned(with_stand_ins(completed(plan, routed, named), task.cards), task)
        # A small model gives up easily; what a question names outright is looked up all the same.
        if task.retrieve or written.steps or named_choices(task):
            return prior.noted("planned by rules, since the model asks for nothing in particular")
        return planned(plan.noted(f"{NOTHING}the model's plan has no step"), task)


def _written(
    task: Task, cards: Sequence[SourceCard], prior: Plan, read: Reading
) -> Generator[tuple[Action, ...], tuple[Observation, ...], str]:
    values, schema = offered(cards, task)
    values |= {
        "conversation": said_before(task.turns),
        "examples": offered_examples(task.examples, cards),
        "draft": drafted(prior, said_of(task.question, cards), cards),
    }
    reply = yield from complete(
        "plan",
        values,
        schema=schema,
        max_tokens=_MOST_TOKENS,
        keep=lambda text: usable(text, read),
        foresee=lambda text: foreseen(text, task, cards),
    )
    return reply.text
