"""What a planner is told before it starts beyond the question itself, and what is learnt from how it went."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Final, Literal

from rag.errors import RagError
from rag.plan.givers import givers_among
from rag.protocols import Example, Relevant, Source, Task
from rag.run.shortlist import Shortlist
from rag.types import Answer

if TYPE_CHECKING:
    from rag.experience import ExperienceMemory

__all__ = ["informed", "learnt"]

_EXAMPLES: Final = 3
_GIVERS: Final = 8  # sources on the shortlist since others on it need what they give
_log = logging.getLogger(__name__)


async def informed(
    task: Task, sources: Mapping[str, Source], shortlist: Shortlist, experience: ExperienceMemory | None
) -> Task:
    """The task with the sources that fit the question, where there are many, and with plans that worked before."""
    asked = _asked(task)
    fit = await shortlist.fit(asked, task.cards)
    examples, votes = await _experienced(task, experience, vote=bool(fit))
    fit = {name: score + (1 - score) * votes.get(name, 0.0) for name, score in fit.items()}
    # What a source that can tell by its content holds is asked of itself, and not guessed from its card.
    tells = {card.name for card in task.cards if isinstance(sources[card.name], Relevant)} if fit else set()
    served = {step.source for example in examples for step in example.plan.steps}
    few = shortlist.shortlisted(asked, task.cards, fit, tells | served)
    # What a question needs first is often none of its words: the id of what it calls by a name, say.
    givers = givers_among(task.cards).added(few, fit, _GIVERS) if fit else ()
    kept = {card.name for card in (*few, *givers)}
    return replace(task, cards=tuple(card for card in task.cards if card.name in kept), fit=fit, examples=examples)


def _asked(task: Task) -> str:
    """The question after the one before it: "And in Lisbon?" alone tells nothing of the sources it needs."""
    before = [turn.text for turn in task.turns if turn.role == "user"][-1:]
    return "\n\n".join([*before, task.question])


async def _experienced(
    task: Task, experience: ExperienceMemory | None, *, vote: bool
) -> tuple[tuple[Example, ...], Mapping[str, float]]:
    """Plans that worked for like questions, and how much these speak for each source."""
    if experience is None or not task.question:
        return (), {}
    try:
        votes = await experience.avote(task.question, task.cards, scope=task.scope) if vote else {}
        return await experience.aexamples(task.question, task.cards, _EXAMPLES, scope=task.scope), votes
    except RagError as error:  # experience helps to plan, and is worth no answer
        _log.warning("planned without experience: %s", error)
        return (), {}


async def learnt(answer: Answer, task: Task, experience: ExperienceMemory | None) -> None:
    """Keep the plan of an answer that says where it is from, but not of one that may lean on what was said before."""
    if experience is None or task.turns or not (answer.question and answer.citations):
        return
    outcome: Literal["complete", "partial"] = "partial" if answer.partial else "complete"
    try:
        await experience.aadd(answer.question, answer.plan, outcome=outcome, scope=task.scope)
    except RagError as error:
        _log.warning("a plan that worked was not kept: %s", error)
