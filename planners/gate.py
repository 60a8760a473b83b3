"""`Gated`: a planner that first asks whether anything needs to be looked up."""

from __future__ import annotations

from collections.abc import Generator
from typing import Final

from planners.actions import affords, answered, complete, execute, planned, read
from planners.conversation import remembered
from planners.popularity import Popularity
from planners.reaper import Reaper
from planners.retrieval import NOTHING
from planners.shown import said_before
from planners.written import objects
from prompts.inert import on_one_line
from rag.card import Schema
from rag.errors import RagError
from rag.plan import Plan
from rag.protocols import Action, Observation, Planner, Steps, Task

__all__ = ["Gated"]

_MOST_TOKENS: Final = 60
_QUESTION_LENGTH: Final = 1000  # characters
_SOURCES_LENGTH: Final = 2000  # characters
_DECISION: Final[Schema] = {
    "type": "object",
    "properties": {"reason": {"type": "string"}, "look_up": {"type": "boolean"}},
    "required": ["reason", "look_up"],
    "additionalProperties": False,
}


class Gated:
    """Has a model answer from what it knows where a gate says that it can; another planner plans the rest.

    Small talk and sums are told by the planners themselves. The gates here are a table of how well known
    things are, and the model's own verdict, for one call more; the first that spares retrieval is named in a
    note. `retrieve=True` and `False` go before them, without a model there is nobody to recall anything, and
    what was said in a conversation is always looked up.

    Args:
        inner: plans what is to be looked up; by default `Reaper`.
        popularity: the table and its threshold.
        asks: whether the model is asked.

    Example:
        >>> from datetime import datetime, timezone
        >>> known = Popularity({"Paris": 9000}, threshold=500)
        >>> steps = Gated(popularity=known).plan(Task("Who founded Paris?", (), datetime.now(timezone.utc), model=True))
        >>> (action,) = next(steps)
        >>> action.plan.notes
        ("no retrieval: 'Paris' is well known (9000, from 500 on)",)
    """

    def __init__(
        self, inner: Planner | None = None, *, popularity: Popularity | None = None, asks: bool = False
    ) -> None:
        self._inner = inner or Reaper()
        self._popularity = popularity or Popularity()
        self._asks = asks

    def plan(self, task: Task) -> Steps:
        """Recall, or plan.

        Raises:
            RagError: the inner planner failed, or the reader.
        """
        why = yield from self._spared(task)
        if not why:
            return (yield from self._inner.plan(task))
        executed = yield from execute(planned(Plan(notes=(f"{NOTHING}{why}",)), task))
        draft = yield from read(task.question, executed.evidence, style="chat")
        return answered(task.question, executed, draft)

    def _spared(self, task: Task) -> Generator[tuple[Action, ...], tuple[Observation, ...], str]:
        """Why nothing is to be looked up; empty where something is."""
        if task.retrieve is not None or not task.model or remembered(task):
            return ""
        if why := self._popularity.why(task.question):
            return why
        return (yield from _judged(task)) if self._asks and affords(task, 0) else ""


def _judged(task: Task) -> Generator[tuple[Action, ...], tuple[Observation, ...], str]:
    values = {
        "sources": "\n".join(
            f"- {on_one_line(f'{card.name}: {card.about}', _SOURCES_LENGTH // len(task.cards))}" for card in task.cards
        ),
        "conversation": said_before(task.turns),
        "question": on_one_line(task.question, _QUESTION_LENGTH),
    }
    try:
        reply = yield from complete("gate", values, schema=_DECISION, max_tokens=_MOST_TOKENS)
    except RagError:  # where it cannot be told, it is looked up
        return ""
    said = next(objects(reply.text), {})
    # Only a plain no spares it: what is broken or missing does not.
    return (
        f"the model sees no need ({on_one_line(str(said.get('reason', '')), 120)})"
        if said.get("look_up") is False
        else ""
    )
