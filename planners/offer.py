"""What a model is shown of the sources when it plans: a line for each, and a schema that fits the lines."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Final

from planners.fill import fill
from planners.language import content
from planners.records import fields, is_record, nouns
from planners.schemas import enumerated, id_pattern
from prompts.inert import inert, on_one_line
from rag.card import Schema, SourceCard
from rag.plan import plan_schema
from rag.plan.check import MAX_STEPS
from rag.plan.givers import Givers, givers_among, gives_passages, needs, row_fields
from rag.protocols import Example, Task

__all__ = [
    "given_arguments",
    "offered",
    "offered_arguments",
    "offered_examples",
    "offered_lines",
    "offered_schema",
]

MOST_ARGUMENTS: Final = 6
"""Arguments of one source that a model is shown, at most; required ones always are."""

_MOST_FIELDS: Final = 16
_IDENTITY: Final = frozenset(("doc_id", "chunk_id"))
_MOST_GIVING: Final = 3
_ABOUT: Final = 140  # characters
_BEFORE: Final = "Earlier questions, and the plans that served them:"
_QUESTION: Final = 240
_PLAN: Final = 800

# What makes dates worth offering as arguments; "how many days" does not.
_TIMELY: Final = re.compile(
    r"\b(?:(?:19|20)\d\d|quarter|season|spring|summer|autumn|winter|today|yesterday|recent\w*|ago|since|until|before|during|"
    r"between|(?:last|this|next|past)\s+(?:\w+\s+)?(?:day|week|month|year)s?)\b",
    re.IGNORECASE,
)


def offered(cards: Sequence[SourceCard], task: Task) -> tuple[dict[str, str], Schema]:
    """What each prompt that plans is given: the date, a line for each source, the question; and a plan's schema."""
    given = given_arguments(cards, task)
    values = {
        "date": f"{task.now:%A, %d %B %Y}",
        "sources": offered_lines(cards, given),
        "question": inert(task.question),
    }
    return values, offered_schema(cards, given)


def given_arguments(cards: Sequence[SourceCard], task: Task) -> dict[str, set[str]]:
    """By source, the arguments that the question may give a value for.

    Those that rules can read, and dates where the question speaks of time.
    """
    given, timely = {}, _TIMELY.search(task.question)
    for card in cards:
        fillings = fill(card, task.question, task.now.date(), nouns(card))
        given[card.name] = {name for filling in fillings for name in filling.args}
        if timely:
            given[card.name] |= {name for role in ("from", "to") if (name := card.argument_of_role(role))}
    return given


def offered_arguments(card: SourceCard, given: Collection[str] = ()) -> tuple[str, ...]:
    """The arguments of a source that a model is shown, in the order of the card.

    First come the required ones, those that the question gives a value for, and those with a role;
    then ids, enumerated ones, and the rest. A small model drowns in a table's thirty columns.

    Example:
        >>> from rag.card import free_query
        >>> offered_arguments(SourceCard(name="docs", arguments=free_query()))
        ('query',)
    """

    def place(name: str) -> int:
        role = card.properties[name].get("role")
        if (
            name in card.required
            or name in given
            or (role in ("query", "newest") and card.argument_of_role(role) == name)
        ):
            return 0
        return 1 if id_pattern(card, name) else 2 if enumerated(card, name) else 3

    # Shown in the card's order all the same: a grammar made from the schema asks for that order.
    ranked = sorted(card.properties, key=place)
    kept = {*ranked[:MOST_ARGUMENTS], *card.required}
    return tuple(name for name in card.properties if name in kept)


def offered_lines(cards: Sequence[SourceCard], given: Mapping[str, Collection[str]]) -> str:
    """One line for each source: its call, the fields of its rows where they are records, what it is about."""
    return _lines(tuple(cards), _by_card(cards, given))


# Lines and schema are kept: most questions are offered the same sources, with the same arguments.
@lru_cache(maxsize=128)
def _lines(cards: tuple[SourceCard, ...], given: tuple[frozenset[str], ...]) -> str:
    among = givers_among(cards)
    return "\n".join(_line(card, names, among) for card, names in zip(cards, given, strict=True))


def _by_card(cards: Sequence[SourceCard], given: Mapping[str, Collection[str]]) -> tuple[frozenset[str], ...]:
    return tuple(frozenset(given.get(card.name, ())) for card in cards)


def _line(card: SourceCard, given: Collection[str], among: Givers) -> str:
    line = card.signature_of(offered_arguments(card, given))
    if shown := _shown_fields(card)[:_MOST_FIELDS]:
        line += f" returns {', '.join(shown)}"
    # A list of tables and columns tells nothing that the call and the fields do not.
    tells = set(content(card.about)) - fields(card) - nouns(card)
    told = [on_one_line(card.about, _ABOUT)] if len(tells) > 1 else []
    told += [f"{name} from {' or '.join(giving)}" for giving, name in _from_others(card, among)]
    # Made of what documents and databases hold: it may start no line, and speak as nobody else.
    return inert(" ".join((f"{line}: {'; '.join(told)}" if told else line).splitlines()))


def _shown_fields(card: SourceCard) -> list[str]:
    """The fields of a source's rows, of nested ones the innermost; none where rows are passages of text."""
    if not is_record(card) and gives_passages(card):
        return []
    paths = list(row_fields(card))
    inner = [path for path in paths if not any(other[: len(path)] == path and other != path for other in paths)]
    return [".".join(path) for path in inner if path[0] not in _IDENTITY]


def _from_others(card: SourceCard, among: Givers) -> Iterator[tuple[tuple[str, ...], str]]:
    """The arguments that a source needs and others may give, by who gives them."""
    by_givers: dict[tuple[str, ...], list[str]] = {}
    for name in card.properties:
        if name in needs(card) and (giving := among.of(card, name)[:_MOST_GIVING]):
            by_givers.setdefault(giving, []).append(name)
    return ((giving, ", ".join(names)) for giving, names in by_givers.items())


def offered_schema(cards: Sequence[SourceCard], given: Mapping[str, Collection[str]]) -> Schema:
    """The schema of a plan over the sources, with the arguments that the lines show and no others."""
    return _schema(tuple(cards), _by_card(cards, given))


@lru_cache(maxsize=128)
def _schema(cards: tuple[SourceCard, ...], given: tuple[frozenset[str], ...]) -> Schema:
    schema = plan_schema(cards, max_steps=MAX_STEPS) if any(needs(card) for card in cards) else plan_schema(cards)
    steps = schema["properties"]["steps"]["items"].get("anyOf", ())
    for card, names, step in zip(cards, given, steps, strict=True):
        shown = offered_arguments(card, names)
        args = step["properties"]["args"]
        args["properties"] = {name: kind for name, kind in args["properties"].items() if name in shown}
    return schema


def offered_examples(examples: Sequence[Example], cards: Sequence[SourceCard]) -> str:
    """Earlier questions with the plans that served them, of those plans that ask the cards' sources alone.

    Plans that are very long are left out; "" where none is left.
    """
    names = {card.name for card in cards}
    pairs = []
    for example in examples:
        plan = json.dumps({"steps": [step.saved() for step in example.plan.steps]}, ensure_ascii=False)
        if {step.source for step in example.plan.steps} <= names and len(plan) <= _PLAN:
            # Whatever an earlier question was made of: it may start no line, and speak as nobody else.
            pairs.append(f"Question: {on_one_line(example.question, _QUESTION)}\n{on_one_line(plan, _PLAN)}")
    return "\n\n".join([f"{_BEFORE}\n{pairs[0]}", *pairs[1:], ""]) if pairs else ""
