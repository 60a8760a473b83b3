"""Whether anything is looked up: what the task demands, what small talk spares, and what is said of it."""

from __future__ import annotations

from typing import Final

from planners.conversation import considered
from planners.talk import small_talk
from rag.plan import Plan, Step
from rag.protocols import Task

__all__ = ["NOTHING", "everywhere", "held", "spared"]

NOTHING: Final = "no retrieval: "
"""How the note starts that tells why nothing is looked up."""

_OFF: Final = f"{NOTHING}it is switched off"


def spared(task: Task) -> str:
    """The note on why nothing is to be looked up, where that can be told without a plan; else nothing.

    Example:
        >>> from dataclasses import replace
        >>> from datetime import datetime, timezone
        >>> task = Task("Thanks!", (), datetime.now(timezone.utc))
        >>> spared(task), spared(replace(task, retrieve=True))
        ('no retrieval: the question is thanks', '')
    """
    if task.retrieve is False:
        return _OFF
    talk = None if task.retrieve else small_talk(task.question)
    return f"{NOTHING}the question is {talk}" if talk else ""


def held(plan: Plan, task: Task) -> Plan:
    """The plan held to what the task demands: no step where retrieval is switched off, and some where it is forced.

    A plan without a step gets a note on why, unless it has one.
    """
    if task.retrieve is False:
        return plan.replace(steps=(), notes=tuple(dict.fromkeys((*plan.notes, _OFF))))
    if plan.steps:
        return plan
    if task.retrieve:
        forced = everywhere(task)
        notes = [note for note in plan.notes if not note.startswith(NOTHING)]
        why = ("every source is asked the question as it is, since retrieval is forced",) if forced.steps else ()
        return forced.replace(notes=(*notes, *forced.notes, *why))
    if any(note.startswith(NOTHING) for note in plan.notes):
        return plan
    return plan.noted(f"{NOTHING}{'no source fits the question' if task.cards else 'there is no source to ask'}")


def everywhere(task: Task) -> Plan:
    """The plan that sends the question, as it is, to every source that takes one.

    A source that takes no text and needs nothing else is called bare. One that needs more is left out, and so
    is one that may change something; a note tells of each.
    """
    steps: list[Step] = []
    notes: list[str] = []
    for card in considered(task).cards:
        args = {card.query_argument: task.question} if card.query_argument else {}
        if missing := sorted(card.required - args.keys()):
            notes.append(f"{card.name}: left out, since it needs {', '.join(missing)}")
        elif not card.idempotent:
            notes.append(f"{card.name}: left out, since it may change something")
        else:
            steps.append(Step(id=f"s{len(steps) + 1}", source=card.name, args=args))
    return Plan(steps=tuple(steps), notes=tuple(notes))
