"""`Reaper`: one model call writes the whole plan.

Source: REAPER, Joshi et al., CIKM 2024, arXiv 2407.18553. What is ours: the plan is held to a schema
made from the sources, mended where rules can, and checked against what the question says by name;
where no plan can be had, rules plan.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Collection, Generator, Iterator, Mapping, Sequence
from typing import Any, Final

from planners.actions import complete, planned, probes, retrieve_and_read
from planners.choose import by_content
from planners.fill import fill
from planners.names import said_of
from planners.offer import offered_lines, offered_schema
from planners.records import nouns
from planners.rules import Rules, named_choices, named_sources
from planners.schemas import id_pattern
from rag.card import SourceCard
from rag.errors import BudgetExceeded, ModelError, PlanError
from rag.plan import Plan, Step, Template, references, repair
from rag.protocols import Action, Observation, Steps, Task
from rag.types import Turn

__all__ = ["MOST_OFFERED", "Reaper", "read_plan"]

MOST_OFFERED: Final = 12
"""Sources that the model is offered, at most; of more, those that fit the question best."""

_MOST_TOKENS: Final = 600
_TURNS: Final = 4
_TURN_LENGTH: Final = 240  # characters

_TIMELY: Final = re.compile(
    r"\b(?:\d{4}|(?:date|day|week|month|quarter|year|season)s?|spring|summer|autumn|winter|today|yesterday|recent\w*|"
    r"ago|since|until|before|during|between)\b",
    re.IGNORECASE,
)

_Planning = Generator[tuple[Action, ...], tuple[Observation, ...], Plan]


class Reaper:
    """Plans by one model call, with rules for prior and fallback.

    Sources that the question calls by their proper names are the only ones offered, and each is
    asked. Small talk is told by rules and costs no call. Without a model, or when its plan cannot be
    mended, `Rules` plan, and a note says why.

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
        prior = yield from Rules().route(task)
        if not prior.steps:
            return prior
        if not task.model:
            return prior.noted("planned by rules, since there is no model")
        named = named_sources(task.question, task.cards)
        offered = yield from _offered(task, prior, named)
        try:
            text = yield from _written(task, offered, prior)
            plan = _with_fallbacks(_mended(read_plan(text), task, offered))
        except (ModelError, BudgetExceeded) as error:
            return prior.noted(f"planned by rules, since the model wrote no plan: {error}")
        except PlanError as error:
            return prior.noted(f"planned by rules, since the model's plan cannot be used: {error}")
        # A small model gives up easily; what a question names outright is looked up all the same.
        if not plan.steps and named_choices(task):
            return prior.noted("planned by rules, since the model asks nothing though the question names sources")
        return planned(_with_named(plan, [card for card in offered if card.name in named], task.question), task)


def _offered(
    task: Task, prior: Plan, named: Collection[str]
) -> Generator[tuple[Action, ...], tuple[Observation, ...], tuple[SourceCard, ...]]:
    """The sources that the model may choose from, in card order: those named, else all, of many the fittest."""
    kept = set(named)
    if not kept and len(task.cards) > MOST_OFFERED:
        (relevance,) = yield from probes([task.question])
        best = by_content(task.question, task.cards, relevance, close=0.0, most=MOST_OFFERED)
        kept = {*(step.source for step in prior.steps), *(choice.card.name for choice in best)}
    return tuple(card for card in task.cards if card.name in kept) if kept else task.cards


def _written(
    task: Task, offered: Sequence[SourceCard], prior: Plan
) -> Generator[tuple[Action, ...], tuple[Observation, ...], str]:
    given = {card.name: _given(card, task) for card in offered}
    values = {
        "date": f"{task.now:%A, %d %B %Y}",
        "conversation": _conversation(task.turns),
        "sources": offered_lines(offered, given),
        "draft": _draft(prior, said_of(task.question, offered)),
        "question": task.question,
    }
    reply = yield from complete("plan", values, schema=offered_schema(offered, given), max_tokens=_MOST_TOKENS)
    return reply.text


def _given(card: SourceCard, task: Task) -> set[str]:
    """The arguments that the question may give a value for: what rules can read, and dates where it speaks of time."""
    given = {name for filling in fill(card, task.question, task.now.date(), nouns(card)) for name in filling.args}
    if _TIMELY.search(task.question):
        given |= {name for role in ("from", "to") if (name := card.argument_of_role(role))}
    return given


def _draft(prior: Plan, said: Mapping[str, str]) -> str:
    """The plan that rules made, in the form that the model is to write: without fallbacks, its queries short."""
    steps = [step.replace(after=()).saved() for step in prior.steps if not step.if_empty]
    # Short drafts make short plans: a model copies what it is shown, word by word, at a cost.
    for step in steps:
        if (words := said.get(step["source"])) and isinstance(step["args"].get("query"), str):
            step["args"]["query"] = words
    return json.dumps({"steps": steps}, ensure_ascii=False)


def _conversation(turns: Sequence[Turn]) -> str:
    said = [f"{turn.role or turn.speaker}: {turn.text[:_TURN_LENGTH]}" for turn in turns[-_TURNS:]]
    return "\n".join(["Said before:", *said, "", ""]) if said else ""


def read_plan(text: str) -> Plan:
    r"""The plan in what a model wrote: its outermost JSON object with "steps", whatever stands around it.

    Raises:
        PlanError: there is none, or it is not of a plan's form.

    Example:
        >>> print(read_plan('Sure! ```json\n{"steps": []}\n``` Anything else?'))
        (no retrieval)
    """
    return Plan.from_json(next(_objects(text), text))


def _objects(text: str) -> Iterator[dict[str, Any]]:
    decoder, end = json.JSONDecoder(), 0
    for match in re.finditer(r"\{", text):
        if match.start() < end:
            continue
        try:
            found, end = decoder.raw_decode(text, match.start())
        except (ValueError, RecursionError):
            continue
        if "steps" in found:
            yield found


def _mended(plan: Plan, task: Task, offered: Sequence[SourceCard]) -> Plan:
    """The plan repaired, with ids as the question has them: none made up, none left out."""
    plan = repair(plan, offered, question=task.question)
    by_name = {card.name: card for card in offered}
    said = "\n".join([task.question, *(turn.text for turn in task.turns)]).casefold()
    for step in plan.steps:
        card, args, notes = by_name[step.source], dict(step.args), []
        for name, value in step.args.items():
            if name not in card.required and _is_made_up(id_pattern(card, name), value, said):
                del args[name]
                notes.append(f"{step.id}: {name}={value!r} dropped, since nobody said it")
        # An id in the question is the surest filter there is, and the one that small models forget.
        if not any(id_pattern(card, name) for name in args):
            for name, value in _only_ids(card, task).items():
                args[name] = value
                notes.append(f"{step.id}: {name}={value!r} added from the question")
        if notes:
            plan = plan.replace(steps=tuple(step.replace(args=args) if s.id == step.id else s for s in plan.steps))
            plan = plan.noted(*notes)
    return plan


def _is_made_up(pattern: str | None, value: Any, said: str) -> bool:
    if not pattern or not isinstance(value, str):
        return False
    return not re.search(pattern, value) or value.casefold() not in said


def _only_ids(card: SourceCard, task: Task) -> dict[str, Any]:
    """The ids of a source that the question gives, when it gives no two of a kind."""
    fillings = fill(card, task.question, task.now.date(), nouns(card))
    return {k: v for k, v in fillings[0].args.items() if id_pattern(card, k)} if len(fillings) == 1 else {}


def _with_fallbacks(plan: Plan) -> Plan:
    """The plan with a step in place of each that needs a record's field, should there be no record."""
    more = []
    for step in plan.steps:
        args = {name: _less_references(value) for name, value in step.args.items()}
        stands = not any(references(args)) and "" not in args.values()
        if len(step.needs) == 1 and not step.if_empty and stands:
            (needed,) = step.needs
            more.append(Step(id=f"{step.id}_else", source=step.source, args=args, if_empty=needed))
    return plan.replace(steps=(*plan.steps, *more))


def _less_references(value: Any) -> Any:
    if not isinstance(value, Template):
        return value
    return re.sub(r"\s+", " ", " ".join(part for part in value.parts if isinstance(part, str))).strip()


def _with_named(plan: Plan, named: Sequence[SourceCard], question: str) -> Plan:
    """The plan with a step for each source that the question names and that the model left out."""
    asked = {step.source for step in plan.steps}
    taken = {step.id for step in plan.steps}
    free = (f"s{n}" for n in itertools.count(1) if f"s{n}" not in taken)
    for card in named:
        query = card.query_argument
        if card.name in asked or card.required - {query}:
            continue
        step = Step(id=next(free), source=card.name, args={query: question} if query else {})
        plan = plan.replace(steps=(*plan.steps, step)).noted(f"{step.id}: added, since the question names {card.name}")
    return plan
