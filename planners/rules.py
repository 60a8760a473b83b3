"""`Rules`: plans without a model, each choice explained."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from planners.actions import planned, probes, retrieve_and_read
from planners.choose import Choice, by_content, by_noun
from planners.context import in_context
from planners.conversation import asks_of_conversation, considered, memory_of, remembered, without_memory
from planners.fill import fill
from planners.language import content, leans, named_things, tokens
from planners.names import mentions
from planners.parts import asked, parts
from planners.records import Thing, asks_for_rows, fields, is_record, nouns, pointers, thing
from planners.retrieval import spared
from planners.schemas import enumerated
from planners.steps import Assembly, Part, carried, example_of, name_field
from rag.card import SourceCard
from rag.plan import Plan, Step
from rag.protocols import Action, Observation, Steps, Task

__all__ = ["Routed", "Rules", "named_choices", "named_sources"]

# "May I return my last order?" asks for rules as much as for the order.
_PROCEDURE: Final = re.compile(
    r"\b(?:can|may|could|should|must)\s+(?:i|we)\b(?!\s+(?:see|view|find|have|get|check|track|look))"
    r"|\bhow\s+(?:do|can|could|should|long\s+do)\s+(?:i|we)\b(?!\s+(?:find|see|track|check))"
    r"|\b(?:am\s+i|are\s+we)\s+(?:allowed|entitled|able)\b|\bdo\s+(?:i|we)\s+(?:need|have)\s+to\b",
    re.IGNORECASE,
)
# Letters, then digits, as in "A-102" and "P05".
_ID_SHAPED: Final = re.compile(r"(?<![\w-])[A-Za-z]{1,5}-?\d+(?:-\d+)*(?![\w-])")


_FITTING: Final = 0.7
"""The share of the best fit that a source's must be, where there are many, for the source to be asked."""


@dataclass(frozen=True, slots=True)
class Routed:
    """A plan, and the parts of the question with the sources chosen for each."""

    plan: Plan
    parts: tuple[Part, ...] = ()


@dataclass(frozen=True, slots=True)
class _Read:
    """A part as read without asking anyone: what names settle, and the text that content has to settle, if any."""

    text: str
    named: tuple[Choice, ...]
    thing: Thing | None = None
    open: str | None = None


class Rules:
    """Chooses sources by their names, by what they are about and by what they contain; uses no model.

    A compound question is taken apart; typed arguments are filled from the words of each part; a
    part about a thing that a record names waits for the record. Each choice leaves a note on the plan.

    Example:
        >>> from datetime import datetime, timezone
        >>> from rag.card import free_query
        >>> cards = tuple(SourceCard(name=n, arguments=free_query()) for n in ("The Verge", "Wired"))
        >>> task = Task("What did Wired say about lidar?", cards, datetime.now(timezone.utc))
        >>> (action,) = next(Rules().plan(task))
        >>> print(action.plan)
        s1  Wired(query="What did Wired say about lidar")
        >>> action.plan.notes
        ("Wired: chosen because the question names 'Wired'",)
    """

    def plan(self, task: Task) -> Steps:
        """Route the question, run the plan, read what it brings.

        Raises:
            RagError: the plan could not be run, or the reader failed.
        """
        plan = yield from self.route(task)
        return (yield from retrieve_and_read(plan, task))

    def route(self, task: Task) -> Generator[tuple[Action, ...], tuple[Observation, ...], Plan]:
        """The plan, not yet run; probes the sources only where names do not settle which to ask."""
        return (yield from self.routed(task)).plan

    def routed(self, task: Task) -> Generator[tuple[Action, ...], tuple[Observation, ...], Routed]:
        """The plan, not yet run, with the parts of the question that its steps are for."""
        if why := spared(task):
            return Routed(planned(Plan(notes=(why,)), task))
        if said := remembered(task):
            return Routed(planned(said, task))
        task = considered(task)
        told = in_context(task.question, task.turns)
        usable, notes = _usable(replace(task, question=told))
        if told != task.question:
            notes.append(f"read after what was said before, as {told!r}")
        read = _read(usable)
        opened = [(place, part.open) for place, part in enumerate(read) if part.open]
        found = yield from probes([text for _, text in opened])
        relevance = {place: scores for (place, _), scores in zip(opened, found, strict=True)}
        settled = [_settled(part, without_memory(usable), relevance.get(place)) for place, part in enumerate(read)]
        assembly = Assembly(task.now.date())
        if example := _example(settled):
            (assembly.known,) = yield from probes([example])
        for part in settled:
            assembly.add(part)
        steps = (*assembly.steps, *assembly.otherwise)
        assembly.notes.extend(_ids_not_taken(told, steps, task.cards))
        plan = planned(Plan(steps=steps, notes=tuple(dict.fromkeys([*notes, *assembly.notes]))), task)
        return Routed(plan, tuple(settled))


def _ids_not_taken(question: str, steps: Sequence[Step], cards: Sequence[SourceCard]) -> Iterator[str]:
    """A note for each word of a question that looks like an id and that no step has for one."""
    words_like_ids = dict.fromkeys(_ID_SHAPED.findall(question))
    if not words_like_ids:
        return
    by_name = {card.name: card for card in cards}
    # What search words are to sources of texts is any text: an id among them is looked up nowhere.
    taken: dict[bool, set[str]] = {True: set(), False: set()}
    for step in steps:
        words = " ".join(str(value) for value in step.args.values())
        taken[is_record(by_name[step.source])].update(_ID_SHAPED.findall(words.upper()))
    has_records = any(is_record(card) for card in cards)
    for said in words_like_ids:
        if said.upper() not in taken[True] | taken[False]:
            yield f"{said} was not used: no source takes it"
        elif has_records and said.upper() not in taken[True]:
            yield f"{said} was only searched for as a word: no source takes it as an id"


def _usable(task: Task) -> tuple[Task, list[str]]:
    """The task less the sources that need what neither the question nor another source's rows give.

    A note tells of those that the question speaks of.
    """
    # Two parts may each give one of two cities, where the whole gives neither for sure.
    texts = (task.question, *parts(task.question))
    usable, notes = [], []
    for card in task.cards:
        if not card.required - {card.query_argument}:
            usable.append(card)
            continue
        others = (other for other in task.cards if other is not card)
        from_rows = {name for other in others for name in (other.output or {}).get("properties", {})}
        missing = min((set(_missing(card, text, task)) - from_rows for text in texts), key=len)
        if not missing:
            usable.append(card)
        elif mentions(task.question, [card]) or nouns(card) & set(content(task.question)):
            needs = ", ".join(sorted(missing))
            notes.append(f"{card.name}: left out, since the question does not give its {needs}")
    return replace(task, cards=tuple(usable)), notes


def _missing(card: SourceCard, text: str, task: Task) -> tuple[str, ...]:
    return fill(card, text, task.now.date(), nouns(card))[0].missing(card)


def named_sources(question: str, cards: Sequence[SourceCard]) -> tuple[str, ...]:
    """The sources that a question calls by their proper names, in card order."""
    said = {name for mention in mentions(question, cards) for name in mention.sources}
    return tuple(card.name for card in cards if card.name in said)


def named_choices(task: Task) -> tuple[Choice, ...]:
    """The sources that names settle: proper names, common nouns, ids; one choice for each, in reading order."""
    found: dict[str, Choice] = {}
    for part in _read(_usable(task)[0]):
        for choice in part.named:
            found.setdefault(choice.card.name, choice)
    return tuple(found.values())


def _read(task: Task) -> list[_Read]:
    texts = parts(task.question)
    if any(mentions(task.question, task.cards)):
        return _read_named(task.question, texts, task.cards)
    memory, task = memory_of(task.cards), without_memory(task)
    read: list[_Read] = []
    for text in texts:
        if memory and asks_of_conversation(text, task.turns):
            read.append(_Read(text, (Choice(memory, "the question is about the conversation"),)))
        else:
            read.append(_read_part(text, task, read))
    return read


def _read_named(question: str, texts: Sequence[str], cards: Sequence[SourceCard]) -> list[_Read]:
    """One part for each source that the question names: what it says of the source, and what it says of none."""
    by_name = {card.name: card for card in cards}
    said = [{name: m.words for m in mentions(text, cards) for name in m.sources} for text in texts]
    read = []
    for name in named_sources(question, cards):
        words = next((names[name] for names in said if name in names), name)
        own = " ".join(text for text, names in zip(texts, said, strict=True) if name in names or not names)
        read.append(_Read(own, (Choice(by_name[name], f"the question names {words!r}"),)))
    return read


def _read_part(text: str, task: Task, before: Sequence[_Read]) -> _Read:
    records = [card for card in task.cards if is_record(card)]
    rest = [card for card in task.cards if not is_record(card)]
    pointed = [choice for card in records if (choice := _pointed(card, text, task))]
    through = next((found for choice in pointed if (found := thing(choice.card, text))), None)
    named = _less_passing(by_noun(text, rest), text, through)
    # Of many sources it would be the only one whose arguments happen to be given.
    if len(task.cards) == 1 and not task.fit:
        return _Read(text, (Choice(task.cards[0], "it is the only source"),), through)
    # Records that are asked of themselves ("where is my order?") answer it alone.
    if named or (pointed and not through and not _PROCEDURE.search(text)):
        return _Read(text, (*pointed, *named), through)
    if not pointed and before and leans(text):
        if went_on := tuple(choice for choice in before[-1].named if _asks_field(choice.card, text)):
            return _Read(text, went_on)
        # "and what would that cost?" says too little to be routed by itself.
        if len(content(text)) < 2:
            return _Read(text, (), None, carried(text, before[-1].text))
    return _Read(text, tuple(pointed), through, asked(through.rest if through else text))


def _asks_field(card: SourceCard, text: str) -> bool:
    """Whether "its tracking number" or "which are delayed" asks for a field of the records spoken of before."""
    if not is_record(card):
        return False
    # "that product" and "its number" point at what was found; they ask for no field of it.
    vague = {*content(card.title_field or ""), "number", "date", "time"}
    states = (str(value) for name in card.properties for value in enumerated(card, name))
    said = f" {' '.join(tokens(text))} "
    return bool(set(content(text)) & fields(card) - vague) or any(f" {state} " in said for state in states)


def _pointed(card: SourceCard, text: str, task: Task) -> Choice | None:
    filled = any(filling.args.keys() - {"table"} for filling in fill(card, text, task.now.date(), nouns(card)))
    if (found := pointers(card, text)) and (filled or asks_for_rows(card, text)):
        return Choice(card, found[0].why)
    called = nouns(card) & set(content(text))
    if called and filled:
        return Choice(card, f"the question says {min(called)!r}")
    # "the drug prescribed to Eva Frost": her name leads to the record without a word for it.
    if filled and (through := thing(card, text)) and through.field:
        return Choice(card, f"the question says {through.noun!r}, a field of its rows")
    return None


def _less_passing(named: tuple[Choice, ...], text: str, through: Thing | None) -> tuple[Choice, ...]:
    """Of several sources those that are not named in passing, as "products" is by "that product"."""
    if len(named) < 2:
        return named
    # "What do buyers say of that product?" is for the reviews: the product is only what they are about.
    passing = re.findall(r"\b(?:this|that|these|those)\s+(\w+)", text, re.IGNORECASE)
    words = {repr(word) for word in [*passing, *([through.noun] if through else [])]}
    return tuple(choice for choice in named if choice.why.rsplit(" ", 1)[-1] not in words) or named


def _settled(part: _Read, task: Task, relevance: Mapping[str, float] | None) -> Part:
    if part.open is None:
        return Part(part.text, part.named, part.thing)
    fitting = _FITTING * max(task.fit.values(), default=0.0)
    among = [
        card
        for card in task.cards
        if not (part.named and is_record(card))
        # One that fits far worse than others is no stand-in for those that the question gives too little.
        and (card.name in (relevance or {}) or task.fit.get(card.name, 0.0) >= fitting)
    ]
    needy = [card for card in among if card.required - {card.query_argument}]
    ready = [card.name for card in needy if not _missing(card, part.text, task)]
    chosen = by_content(part.open, among, relevance or {}, fit=task.fit, ready=ready)
    return Part(part.text, (*part.named, *chosen), part.thing)


def _example(settled: Sequence[Part]) -> str:
    """A thing that some part is about but does not name: to learn which sources know such things."""
    for place, part in enumerate(settled):
        waiting = [part] if part.thing else [other for other in settled[place + 1 :] if leans(other.text)]
        if all(is_record(choice.card) for other in waiting for choice in other.choices):
            continue
        records = [choice.card for choice in part.choices if is_record(choice.card) and name_field(choice.card, [part])]
        named = named_things(part.text)
        if example := example_of(records[0], part) if records else " ".join(named[-1:]):
            return example
    return ""
