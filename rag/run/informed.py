"""What a planner is told before it starts beyond the question itself, and what is learnt from how it went."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Final, Literal

from rag.errors import RagError
from rag.protocols import Relevant, Source, Task
from rag.run.shortlist import Shortlist
from rag.types import Answer

if TYPE_CHECKING:
    from rag.experience import ExperienceMemory

__all__ = ["informed", "learnt"]

_EXAMPLES: Final = 3
_log = logging.getLogger(__name__)


async def informed(
    task: Task, sources: Mapping[str, Source], shortlist: Shortlist, experience: ExperienceMemory | None
) -> Task:
    """The task with the sources that fit the question, where there are many, and with plans that worked before."""
    fit = await shortlist.fit(task.question, task.cards)
    # What a source that can tell by its content holds is asked of itself, and not guessed from its card.
    tells = [card.name for card in task.cards if isinstance(sources[card.name], Relevant)] if fit else ()
    cards = shortlist.shortlisted(task.question, task.cards, fit, tells)
    task = replace(task, cards=cards, fit=fit)
    if experience is None or not task.question:
        return task
    try:
        return replace(task, examples=await experience.aexamples(task.question, cards, _EXAMPLES, scope=task.scope))
    except RagError as error:  # experience helps to plan, and is worth no answer
        _log.warning("planned without experience: %s", error)
        return task


async def learnt(answer: Answer, task: Task, experience: ExperienceMemory | None) -> None:
    """Keep the plan of an answer that says where it is from."""
    if experience is None or not (answer.question and answer.citations):
        return
    outcome: Literal["complete", "partial"] = "partial" if answer.partial else "complete"
    try:
        await experience.aadd(answer.question, answer.plan, outcome=outcome, scope=task.scope)
    except RagError as error:
        _log.warning("a plan that worked was not kept: %s", error)
