"""What rules see to in a plan that a model wrote: repairs, ids, parts that it forgot, stand-ins."""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Sequence
from typing import Any, Final

from planners.dates import find_days
from planners.fill import fill
from planners.language import content
from planners.records import is_record, nouns, pointers
from planners.rules import Routed
from planners.schemas import id_pattern
from rag.card import SourceCard
from rag.plan import Plan, Step, Template, references, repair
from rag.plan.givers import needs
from rag.protocols import Task

__all__ = ["completed", "less_references", "mended", "with_stand_ins"]

_ID_NAMES: Final = frozenset(("id", "ids", "code", "key", "no", "nr", "number", "ref", "reference", "sku", "tracking"))
_WORD: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
# Days, quarters and hours have patterns as ids do, but people say them in other words.
_WHEN: Final = re.compile(r"(?:19|20)\d\d(?:-|$)|\d\d?:\d\d")
_WHOLE: Final = 0.8
"""The share of a question's words that a query must have to be the question over again."""

_LEAST: Final = 5
"""Words that a question must have for that to tell anything: "Sony headphones complaints?" is a query by itself."""


def mended(plan: Plan, task: Task, offered: Sequence[SourceCard]) -> Plan:
    """The plan repaired, with ids as the question has them, and without lookups of nothing in particular.

    Raises:
        PlanError: what cannot be mended.
    """
    plan = repair(plan, offered, question=task.question)
    by_name = {card.name: card for card in offered}
    for step in plan.steps:
        args, notes = _with_said_ids(step, by_name[step.source], task)
        if notes:
            plan = plan.replace(steps=tuple(s.replace(args=args) if s.id == step.id else s for s in plan.steps))
            plan = plan.noted(*notes)
    for step in plan.steps:
        needed = any(step.id in other.waits_for for other in plan.steps)
        if not needed and not _is_particular(step, by_name[step.source], task):
            plan = plan.without(step.id).noted(f"{step.id} dropped, since it looks up nothing in particular")
    return plan


def _with_said_ids(step: Step, card: SourceCard, task: Task) -> tuple[dict[str, Any], list[str]]:
    """The arguments with no id made up and none left out, and a note on each change."""
    said = _said(task)
    args, notes = dict(step.args), []
    for name, value in step.args.items():
        if name not in card.required and _is_made_up(card, name, value, said):
            del args[name]
            notes.append(f"{step.id}: {name}={value!r} dropped, since nobody said it")
    # An id in the question is the surest filter there is, and the one that small models forget.
    if not any(id_pattern(card, name) for name in args):
        for name, value in _only_ids(card, task).items():
            args[name] = value
            notes.append(f"{step.id}: {name}={value!r} added from the question")
    return args, notes


def _said(task: Task) -> str:
    return "\n".join([task.question, *(turn.text for turn in task.turns)]).casefold()


def _is_made_up(card: SourceCard, name: str, value: Any, said: str) -> bool:
    pattern = id_pattern(card, name)
    if not pattern or not isinstance(value, str):
        return False
    return not re.search(pattern, value) or (_is_id(name, value) and value.casefold() not in said)


def _is_id(name: str, value: str) -> bool:
    """Whether a value of a given form is an id, which must be said, and not a day or a code such as "EUR"."""
    digits = sum(c.isdigit() for c in value)
    if not digits or _WHEN.match(value):
        return False
    called = {word.casefold() for word in _WORD.findall(name)}
    return bool(called & _ID_NAMES) or (digits > 1 and any(c.isalpha() for c in value))


def _only_ids(card: SourceCard, task: Task) -> dict[str, Any]:
    """The ids of a source that the question gives, when it gives no two of a kind."""
    fillings = fill(card, task.question, task.now.date(), nouns(card))
    return {k: v for k, v in fillings[0].args.items() if id_pattern(card, k)} if len(fillings) == 1 else {}


def _is_particular(step: Step, card: SourceCard, task: Task) -> bool:
    """Whether a step over records looks for some of them: the question points at them, or an argument chooses."""
    if not is_record(card) or not _lists(card) or pointers(card, _said(task)):
        return True
    return any(_chooses(name, value, card, task) for name, value in step.args.items() if name != "table")


def _lists(card: SourceCard) -> bool:
    """Whether a source that is asked for nothing lists its rows, as a table does: a tool does what it is for."""
    return not needs(card) and bool(card.query_argument or card.argument_of_role("newest"))


def _chooses(name: str, value: Any, card: SourceCard, task: Task) -> bool:
    """Whether an argument picks rows out: words but not the whole question, and days only where it has them."""
    role = card.properties[name].get("role")
    if name == card.query_argument and isinstance(value, str):
        asked = len(content(task.question))
        return asked < _LEAST or len(content(value)) < _WHOLE * asked
    if role in ("from", "to"):
        return find_days(task.question, task.now.date()) is not None
    return role != "newest"


def completed(plan: Plan, routed: Routed, named: Collection[str] = ()) -> Plan:
    """The plan with a step for each part of the question that none of its steps is for.

    A source that rules did not think of may be for any part, so that where the plan asks one nothing
    is added but those that the question calls by their proper names (`named`). Nor is one that needs more
    than words to search for, or that may change something: rules only guess at that.
    """
    asked = {step.source for step in plan.steps}
    unforeseen = asked - {step.source for step in routed.plan.steps}
    taken = {step.id for step in plan.steps}
    free = (f"s{n}" for n in itertools.count(1) if f"s{n}" not in taken)
    for part in routed.parts:
        whys = {choice.card.name: choice.why for choice in part.choices}
        guessed = any(needs(choice.card) or not choice.card.idempotent for choice in part.choices)
        if not whys or asked & whys.keys() or guessed or (unforeseen and not whys.keys() & set(named)):
            continue
        for step in routed.plan.steps:
            args = {name: less_references(value) for name, value in step.args.items()}
            if step.source in whys and not step.if_empty and not any(references(args)):
                plan = plan.replace(steps=(*plan.steps, Step(id=next(free), source=step.source, args=args)))
                plan = plan.noted(f"{plan.steps[-1].id}: added, since {whys[step.source]}")
                asked.add(step.source)
    return plan


def with_stand_ins(plan: Plan, cards: Sequence[SourceCard]) -> Plan:
    """The plan with a step in place of each that searches for a record's field, should there be no record.

    What may change something has none: a message without what it was to tell is not to be sent.
    """
    queries = {card.name: card.query_argument for card in cards}
    harmless = {card.name for card in cards if card.idempotent}
    more = []
    for step in plan.steps:
        # Words to search for say enough without the field; a sum or a message does not.
        query = queries.get(step.source) or ""
        args = {**step.args, query: less_references(step.args[query])} if query in step.args else step.args
        stands = not any(references(args)) and "" not in args.values()
        if len(step.needs) == 1 and not step.if_empty and stands and step.source in harmless:
            (needed,) = step.needs
            more.append(Step(id=f"{step.id}_else", source=step.source, args=args, if_empty=needed))
    return plan.replace(steps=(*plan.steps, *more))


def less_references(value: Any) -> Any:
    """A text without the references in it; any other value as it is."""
    if not isinstance(value, Template):
        return value
    return re.sub(r"\s+", " ", " ".join(part for part in value.parts if isinstance(part, str))).strip()
