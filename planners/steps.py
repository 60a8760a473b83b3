"""From sources chosen for the parts of a question to a plan's steps: arguments, references, fallbacks."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Final

from planners.choose import Choice, less_frame
from planners.fill import fill, labels
from planners.language import bare, content, leans, named_things
from planners.records import Thing, asks_for_rows, field_said, fields, is_record, nouns
from planners.schemas import enumerated, id_pattern, is_state
from rag.card import SourceCard
from rag.plan import Ref, Step, text

__all__ = ["Assembly", "Part", "carried", "example_of", "name_field"]

# A source knows the things of another when it holds at least this share of what the best one holds on one of them:
# what a record names is searched for there, and not among pages that hold for everything.
_KNOWS: Final = 0.6

# "orders that contain a lamp", "tickets for the printer"
_HELD: Final = re.compile(
    r"\b(?:contain\w*|includ\w*|with|for)\s+(?:(?:an?|the|any|some)\s+)?(?P<what>[\w'’-]+(?:\s+[\w'’-]+)?)",
    re.IGNORECASE,
)

# Of no use beside the name of what they point at.
_POINTING: Final = re.compile(r"\b(?:its|their|his|her|that|this|these|those)\s+(?=\w)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a question with the sources that it goes to, and the thing it names through a record, if any."""

    text: str
    choices: tuple[Choice, ...]
    thing: Thing | None = None


@dataclass
class Assembly:
    """A plan's steps in the making, part by part.

    Attributes:
        today: what relative dates count from.
        known: how much each source holds on one of the things that records name; empty when not asked.
        steps: the steps so far.
        otherwise: steps that stand in for those whose record is not found.
        notes: why each source was chosen, or left out.
    """

    today: date
    known: Mapping[str, float] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)
    otherwise: list[Step] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    _cards: dict[str, SourceCard] = field(default_factory=dict)
    _before: list[Part] = field(default_factory=list)

    def add(self, part: Part) -> None:
        """Make the steps of a part: those over records first, since others may need their rows."""
        for choice in sorted(part.choices, key=lambda choice: not is_record(choice.card)):
            made = self._records(choice.card, part) if is_record(choice.card) else self._texts(choice.card, part)
            if made:
                self.notes.append(f"{choice.card.name}: chosen because {choice.why}")
        self._before.append(part)

    def _records(self, card: SourceCard, part: Part) -> bool:
        for filling in fill(card, part.text, self.today, nouns(card)):
            args = dict(filling.args)
            self._look_for_thing(card, part, args)
            self._refer(card, part, args)
            if words := self._words(card, part, args):
                args[str(card.query_argument)] = words
            if missing := sorted(card.required - args.keys()):
                self.notes.append(f"{card.name}: left out, since the question does not give its {', '.join(missing)}")
                return False
            if not self._append_or_merge(card, part, args):
                self.notes.append(f"{card.name}: not asked, since the question points at none of its rows")
                return False
        return True

    def _words(self, card: SourceCard, part: Part, args: Mapping[str, Any]) -> str:
        """What to search records for, when they must be given words, or nothing else narrows them."""
        if card.query_argument is None or card.query_argument in args:
            return ""
        if card.query_argument in card.required:
            return _query(part)
        if args.keys() - {"table"} or (part.thing and part.thing.source == card.name):
            return ""
        held = _HELD.search(part.text)
        return held["what"] if held else " ".join(named_things(part.text))

    def _look_for_thing(self, card: SourceCard, part: Part, args: dict[str, Any]) -> None:
        """Narrow "my last order" to the one with headphones, unless an id says which it is."""
        if not part.thing or not part.thing.noun or part.thing.source != card.name:
            return
        if any(id_pattern(card, name) for name in args) or set(content(part.thing.noun)) <= fields(card):
            return
        for name, schema in card.properties.items():
            if found := list(labels(schema.get("values", ()), part.thing.noun)):
                args[name] = found[0][0]
                return
        if card.query_argument:
            args[card.query_argument] = part.thing.noun

    def _refer(self, card: SourceCard, part: Part, args: dict[str, Any]) -> None:
        """Fill ids from the fields of the same name that an earlier step's rows have."""
        for name in card.properties:
            if name in args or name == card.query_argument or card.properties[name].get("role"):
                continue
            provider = next((s for s in self.steps if s.source != card.name and self._has(s.source, name)), None)
            if provider and (name in card.required or (name.endswith("id") and self._depends(part))):
                args[name] = Ref(provider.id, (name,))

    def _has(self, source: str, name: str) -> bool:
        return name in (self._cards[source].output or {}).get("properties", {})

    def _depends(self, part: Part) -> bool:
        return bool(part.thing) or leans(part.text)

    def _append_or_merge(self, card: SourceCard, part: Part, args: dict[str, Any]) -> bool:
        """Make the step, or add to one; False when nothing is given that would tell some rows from all."""
        # "my last orders, and which of them are delayed": what a later part asks of the rows does not choose them.
        given = {name: v for name, v in args.items() if name != "table" and not is_state(card, name)}
        for place, step in enumerate(self.steps):
            if step.source == card.name and self._asks_of(step, part, given):
                kinds = {name: value for name, value in args.items() if name == "table"}
                self.steps[place] = step.replace(args=_in_order(card, kinds | given | step.args))
                return True
        is_table = "table" in card.properties or card.query_argument
        if is_table and not args.keys() - {"table"} and not asks_for_rows(card, part.text):
            return False
        self._append(card, args)
        return True

    def _asks_of(self, step: Step, part: Part, given: Mapping[str, Any]) -> bool:
        """Whether a part asks of the rows that a step looks up already: it gives nothing more, or leans on them."""
        if leans(part.text) and self._before:
            return all(step.args.get(name, value) == value for name, value in given.items())
        return all(step.args.get(name) == value for name, value in given.items())

    def _append(self, card: SourceCard, args: Mapping[str, Any]) -> Step:
        self._cards[card.name] = card
        self.steps.append(Step(id=f"s{len(self.steps) + 1}", source=card.name, args=_in_order(card, args)))
        return self.steps[-1]

    def _texts(self, card: SourceCard, part: Part) -> bool:
        # The words of time, and of who spoke, are a memory's to read.
        query, words = card.query_argument, part.text if card.argument_of_role("said") else _query(part)
        if query is None:
            self._append(card, {})
        elif self._knows(card) and (providers := self._providers(part)):
            for provider in providers:
                self._search_for_title(card, query, part, provider)
        elif leans(part.text) and self._before:
            if not self._went_on(card, words):
                named = self._knows(card) or not named_things(self._before[-1].text)
                self._append(card, {query: carried(words, self._before[-1].text) if named else words})
        else:
            self._append(card, {query: words})
        return True

    def _search_for_title(self, card: SourceCard, query: str, part: Part, provider: Step) -> None:
        """Search for the thing that a record names; for what the question calls it, should there be no record."""
        about = [part] if part.thing else self._before
        title = name_field(self._cards[provider.source], about)
        words = _POINTING.sub("", _query(part))
        step = self._append(card, {query: text(words, " ", Ref(provider.id, (title,)))})
        nouns_said = [said.thing.noun for said in (*self._before, part) if said.thing and said.thing.noun not in words]
        plain = " ".join(dict.fromkeys([words, *nouns_said])).strip()
        self.otherwise.append(Step(id=f"{step.id}_else", source=card.name, args={query: plain}, if_empty=provider.id))

    def _providers(self, part: Part) -> list[Step]:
        """The steps whose rows name the things that the part is about: those over one source of records."""
        if not part.thing and not (leans(part.text) and self._before):
            return []
        through = part.thing.source if part.thing and part.thing.field else ""
        named = [s for s in self.steps if s.source == through] or [
            s
            for s in self.steps
            if is_record(self._cards[s.source]) and name_field(self._cards[s.source], self._before)
        ]
        return [step for step in named if step.source == named[0].source]

    def _knows(self, card: SourceCard) -> bool:
        best = max(self.known.values(), default=0.0)
        return card.name not in self.known or self.known[card.name] >= _KNOWS * best

    def _went_on(self, card: SourceCard, words: str) -> bool:
        """Add the words to the step before, when the same source was asked what "it" or "that" points at."""
        last = self.steps[-1] if self.steps else None
        query = card.query_argument or ""
        if last is None or last.source != card.name or not isinstance(last.args.get(query), str):
            return False
        self.steps[-1] = last.replace(args={**last.args, query: f"{last.args[query]}, {words}"})
        return True


def carried(words: str, before: str) -> str:
    """The words with what "it" or "their" stands for: names said before, else the words said before."""
    if named_things(words):
        return words
    names = named_things(before) or tuple(w for w in re.findall(r"[\w'’-]+", before) if content(w))
    return " ".join([_POINTING.sub("", words), *names])


def _in_order(card: SourceCard, args: Mapping[str, Any]) -> dict[str, Any]:
    return {name: args[name] for name in card.properties if name in args}


def _query(part: Part) -> str:
    words = less_frame(part.thing.rest if part.thing else part.text)
    return bare(re.sub(r",?\s*\bplease\b", "", words, flags=re.IGNORECASE)) or part.text


def name_field(card: SourceCard, about: Sequence[Part]) -> str:
    """The field of the rows that names what parts of a question are about: the last one said, else the title."""
    for part in reversed(about):
        if part.thing and part.thing.source == card.name:
            return part.thing.field or card.title_field or ""
        asks = any(choice.card is card for choice in part.choices)
        if asks and (said := field_said(card, part.text)):
            return said
    return card.title_field or ""


def example_of(card: SourceCard, part: Part) -> str:
    """One of the things that the rows of a source name: to learn which other sources know such things."""
    noun = part.thing.noun if part.thing else ""
    name = name_field(card, [part])
    schema = card.properties.get(name, {})
    values: Sequence[str] = schema.get("values") or (enumerated(card, name) if schema else ())
    fitting: Iterator[str] = (value for value in values if noun and set(content(noun)) <= set(content(value)))
    return next(fitting, values[0] if values else noun)
