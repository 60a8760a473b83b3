"""Typed arguments from a question: ids, labels, enumerated values, dates, numbers, how many of the newest."""

from __future__ import annotations

import calendar
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import Any, Final

from planners.dates import find_days
from planners.language import content, stem
from planners.schemas import enumerated, id_pattern, is_date, is_state, takes_list, value_types
from rag.card import SourceCard

__all__ = ["Filling", "fill", "ids", "is_plain", "labels"]

_COUNTS: Final = {"two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10}
_NEWEST: Final = re.compile(
    rf"\b(?:last|latest|newest|most\s+recent|previous)\s+(?:(?P<count>\d{{1,3}}|{'|'.join(_COUNTS)})\s+)?(?P<noun>[a-z]+)",
    re.IGNORECASE,
)
_FROM_NAMES: Final = re.compile(r"^(?:from|since|after|start|begin)|(?:_|^)(?:from|since|after|start)$")
_TO_NAMES: Final = re.compile(r"^(?:to|until|till|before|end)|(?:_|^)(?:to|until|before|end)$")
_MOST: Final = r"(?:under|below|less\s+than|at\s+most|up\s+to|no\s+more\s+than|cheaper\s+than|within)"
_LEAST: Final = r"(?:over|above|more\s+than|at\s+least|from)"
_NUMBER: Final = r"(?P<number>\d+(?:\.\d+)?)"
_ALONE: Final = re.compile(rf"(?<![\w.-]){_NUMBER}(?P<before>(?!))?(?![\w-])")
_CALENDAR: Final = "|".join([*calendar.day_name, *calendar.month_name[1:]])
_NAME_TAILS: Final = frozenset(("id", "ids", "code", "number", "no", "key", "name", "is", "has", "the"))
# What ends the names of arguments that no name of a person, place or thing is meant for.
_NAMELESS: Final = frozenset(("id", "ids", "token", "key", "slug", "latitude", "longitude", "date", "time", "email"))
# A pattern that takes these takes any word, and so tells nothing.
_ORDINARY: Final = ("the", "order", "Order", "about", "2026")


@dataclass(frozen=True, slots=True)
class Filling:
    """Arguments that a text gives a source, and the words of the text that each was read from."""

    args: dict[str, Any] = field(default_factory=dict)
    words: dict[str, str] = field(default_factory=dict)

    def missing(self, card: SourceCard) -> tuple[str, ...]:
        """Required arguments that are still without a value, the free query aside."""
        return tuple(sorted(card.required - self.args.keys() - {card.query_argument}))


def fill(card: SourceCard, text: str, today: date, nouns: Collection[str] = ()) -> tuple[Filling, ...]:
    r"""What a text gives for the source's typed arguments: one filling, or one for each of several ids or labels.

    Args:
        card: the source.
        text: a part of a question.
        today: what relative dates count from.
        nouns: stems of what the source's rows are called; "last order" asks for the newest of them.

    Example:
        >>> from pydantic import BaseModel, Field
        >>> class Arguments(BaseModel):
        ...     order_id: str | None = Field(None, pattern=r"^O-\d+$")
        ...     newest: int | None = Field(None, json_schema_extra={"role": "newest"})
        >>> card = SourceCard(name="orders", arguments=Arguments)
        >>> [f.args for f in fill(card, "Compare O-1 and O-2", date(2026, 1, 1))]
        [{'order_id': 'O-1'}, {'order_id': 'O-2'}]
        >>> fill(card, "my last two orders", date(2026, 1, 1), {"order"})[0].args
        {'newest': 2}
    """
    return _filled(card, text, today, frozenset(nouns))


@lru_cache(maxsize=512)
def _filled(card: SourceCard, text: str, today: date, nouns: frozenset[str]) -> tuple[Filling, ...]:
    # Kept, since whoever plans looks at the same part of a question more than once.
    found: dict[str, list[tuple[Any, str]]] = {}
    for name in _askable(card, text):
        if values := list(_values(card, name, text, today, nouns)):
            found[name] = values
    if _is_pointed(card, found):
        # "Has O-7 been shipped?" asks for the state: as a filter it would hide a row in another state.
        found = {name: values for name, values in found.items() if not is_state(card, name)}
    return tuple(_fillings(card, _each_word_once(card, found)))


def _each_word_once(card: SourceCard, found: dict[str, list[tuple[Any, str]]]) -> dict[str, list[tuple[Any, str]]]:
    """The values less those whose words gave another argument its value, where only the type told what to look for."""
    kept: dict[str, list[tuple[Any, str]]] = {}
    taken: set[str] = set()
    for name, values in found.items():
        plain = is_plain(card, name)
        kept[name] = [(value, words) for value, words in values if not (plain and words in taken)]
        taken |= {words for _, words in kept[name][:1] if plain}
    return {name: values for name, values in kept.items() if values}


def is_plain(card: SourceCard, name: str) -> bool:
    """Whether nothing but its type tells what values an argument takes."""
    schema = card.properties[name]
    told = schema.get("role") or schema.get("values") or enumerated(card, name) or id_pattern(card, name)
    return not (told or is_date(card, name) or takes_list(card, name))


def _askable(card: SourceCard, text: str) -> Iterator[str]:
    """The arguments to look for: of several pairs of dates the one that the text calls by name, else the first."""
    # A table has many dates: filling each with "in March" would ask for rows that all happened then.
    said = set(content(text))
    pairs: dict[str, list[str]] = {}
    for name in card.properties:
        if card.properties[name].get("role") in ("from", "to"):
            pairs.setdefault(re.sub(r"_?(?:from|to)$", "", name), []).append(name)
        elif name != card.query_argument:
            yield name
    if pairs:
        yield from pairs[max(pairs, key=lambda base: len(said & {stem(word) for word in base.split("_")}))]


def _fillings(card: SourceCard, found: dict[str, list[tuple[Any, str]]]) -> Iterator[Filling]:
    # Two ids are two lookups; where two arguments have several values, the first one spreads.
    spread = next((name for name, values in found.items() if len(values) > 1 and not takes_list(card, name)), None)
    for n in range(len(found[spread]) if spread else 1):
        args, words = {}, {}
        for name, values in found.items():
            value, said = values[n if name == spread else 0]
            args[name] = [v for v, _ in values] if takes_list(card, name) else value
            words[name] = said
        yield Filling(args, words)


def _values(card: SourceCard, name: str, text: str, today: date, nouns: Collection[str]) -> Iterator[tuple[Any, str]]:
    schema, role = card.properties[name], card.properties[name].get("role")
    if role == "newest":
        yield from _newest(text, nouns)
    elif role in ("from", "to") or is_date(card, name):
        yield from _date(name, role, text, today)
    elif choices := enumerated(card, name):
        found = _choices(choices, text)
        yield from found if is_state(card, name) else _asked_for(card, found, text)
    elif pattern := id_pattern(card, name):
        yield from ids(pattern, text)
    elif schema.get("values"):
        yield from labels(schema["values"], text)
    else:
        yield from _plain(card, name, text)


def _plain(card: SourceCard, name: str, text: str) -> Iterator[tuple[Any, str]]:
    """Values of an argument of which only the type is known."""
    types, needed = value_types(card, name), name in card.required
    if "boolean" in types:
        yield from _flag(name, text)
    elif types & {"integer", "number"}:
        yield from _number(name, text, whole="number" not in types, needed=needed)
    elif needed and _last_word(name) not in _NAMELESS:
        yield from _named_thing(name, text)


def _last_word(name: str) -> str:
    return re.split(r"_|(?<=[a-z])(?=[A-Z])", name)[-1].casefold()


def _newest(text: str, nouns: Collection[str]) -> Iterator[tuple[int, str]]:
    """How many of the newest a text asks for, as "my last order" or "the latest 3 orders" do."""
    for match in _NEWEST.finditer(text):
        if stem(match["noun"]) in nouns:
            count = (match["count"] or "1").casefold()
            yield _COUNTS.get(count) or int(count), match.group()
            return


def ids(pattern: str, text: str) -> Iterator[tuple[str, str]]:
    """The ids in a text that fit an anchored pattern, each once, as the pattern spells them."""
    searching = _searching(pattern)
    if any(searching.fullmatch(word) for word in _ORDINARY):
        return
    seen: set[str] = set()
    for match in searching.finditer(text):
        spelled = [s for s in (match.group(), match.group().upper(), match.group().lower()) if re.search(pattern, s)]
        if spelled and spelled[0] not in seen:
            seen.add(spelled[0])
            yield spelled[0], match.group()


@lru_cache(maxsize=256)
def _searching(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w-])(?:{pattern.removeprefix('^').removesuffix('$')})(?![\w-])", re.IGNORECASE)


def labels(values: Collection[str], text: str) -> Iterator[tuple[str, str]]:
    """The labels that a text names in full, longest first; else the one label that fits a name cut short."""
    folded, taken = _folded(text), ""
    for value in sorted(values, key=lambda v: (-len(v), v)):
        form = _folded(value)
        if len(form) > 4 and form in folded and form not in taken:
            taken += form
            yield value, value
    if taken:
        return
    for run in re.findall(r"[A-Z][\w'’-]*(?:\s+(?:[A-Z0-9][\w'’.-]*))+", text):
        holding = [value for value in values if " " in value and _folded(run).strip() in _folded(value)]
        if len(holding) == 1:
            yield holding[0], run


def _folded(text: str) -> str:
    words = re.findall(r"[a-z0-9]+", text.casefold())
    return f" {' '.join(re.sub(r'(?<=[a-z]{3})s$', '', word) for word in words)} "


def _choices(choices: tuple[Any, ...], text: str) -> list[tuple[Any, str]]:
    """Enumerated values that stand in the text as whole words; a plural noun is met by its singular, too."""
    folded = _folded(text)
    said = [choice for choice in choices if isinstance(choice, str) and len(choice) > 1]
    return [(choice, choice) for choice in said if _folded(choice.replace("_", " ")) in folded]


def _asked_for(card: SourceCard, kinds: list[tuple[Any, str]], text: str) -> list[tuple[Any, str]]:
    """The kind of rows that a text asks for: the first that it names, ids' own words aside, else a column's."""
    folded = _folded(text)
    before_ids = {
        said for _, said in kinds if re.search(rf"{_folded(said.replace('_', ' ')).rstrip()} [a-z]* ?\d", folded)
    }
    named = [kind for kind in kinds if kind[1] not in before_ids]
    named.sort(key=lambda kind: folded.index(_folded(kind[1].replace("_", " "))))
    return (named or _kinds_of_columns(card, text) or kinds)[:1]


def _kinds_of_columns(card: SourceCard, text: str) -> list[tuple[Any, str]]:
    """The kinds of rows that have the columns named in a text, as the descriptions "kind.column" of arguments say."""
    said, found = set(content(text)), []
    for name, schema in card.properties.items():
        homes = re.findall(r"\b(\w+)\.\w+", schema.get("description", ""))
        if len(homes) == 1 and said & {stem(word) for word in name.split("_") if word not in _NAME_TAILS}:
            found.append((homes[0], name))
    return found


def _date(name: str, role: str | None, text: str, today: date) -> Iterator[tuple[str, str]]:
    days = find_days(text, today)
    if days is None:
        return
    if role == "from" or (role is None and _FROM_NAMES.search(name)):
        bound = days.start
    elif role == "to" or (role is None and _TO_NAMES.search(name)):
        bound = days.end
    else:
        bound = days.start if days.start == days.end else None
    if bound:
        yield bound.isoformat(), days.words


def _flag(name: str, text: str) -> Iterator[tuple[bool, str]]:
    said = r"[\s-]+".join(re.escape(word) for word in name.split("_") if word not in _NAME_TAILS)
    if said and (match := re.search(rf"\b(?P<no>not\s+|non-?|without\s+|un)?{said}\b", text, re.IGNORECASE)):
        yield not match["no"], match.group()


def _number(name: str, text: str, *, whole: bool, needed: bool) -> Iterator[tuple[int | float, str]]:
    """A number beside the argument's name; for one that must be given, the only number of the text."""
    words = [word for word in name.split("_") if word not in _NAME_TAILS] or [name]
    noun = rf"{re.escape(words[-1].removesuffix('s'))}s?"
    beside = rf"\b(?:{noun}\s+(?:of\s+)?{_NUMBER}|(?P<before>\d+(?:\.\d+)?)\s+{noun})\b"
    bound = {"max": _MOST, "min": _LEAST}.get(words[0])
    match = re.search(rf"\b{bound}\s+\W?{_NUMBER}" if bound else beside, text, re.IGNORECASE)
    if match is None and needed and len(alone := list(_ALONE.finditer(text))) == 1:
        match = alone[0]
    if match:
        said = match["number"] or match["before"]
        if not whole or said.isdigit():
            yield int(said) if said.isdigit() else float(said), match.group()


def _named_thing(name: str, text: str) -> Iterator[tuple[str, str]]:
    """A name in the text for an argument that must have one: what "from" or "in" leads to, else the only one."""
    lead = name.split("_", maxsplit=1)[0]
    leads = (lead,) if lead in ("from", "to") else ("in", "at", "near", "for", "of")
    run = rf"(?P<thing>(?!(?:{_CALENDAR})\b)[A-Z][\w'’-]*(?:\s+(?!(?:{_CALENDAR})\b)[A-Z][\w'’-]*)*)"
    quoted = re.findall(r"[\"“]([^\"”]{2,60})[\"”]", text)
    led = re.findall(rf"\b(?:{'|'.join(leads)})\s+{run}", text)
    inner = re.findall(rf"(?<=[\w,]\s){run}", text)
    for found in (quoted, led, inner):
        if len(set(found)) == 1:
            yield found[0], found[0]
            return


def _is_pointed(card: SourceCard, found: Collection[str]) -> bool:
    return any(card.properties[name].get("role") == "newest" or id_pattern(card, name) for name in found)
