"""Sources of records, and the places in a question that point at some of their rows.

A source of records takes typed arguments; a source of texts takes only words to search for. A text
source may be asked anything, but records are asked only when the question points at rows: by an id,
by "my last order", "which shipments", "the order", "everything I ordered".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Final

from planners.dates import find_days
from planners.fill import fill, ids
from planners.language import content, stem, tokens
from planners.names import is_proper, name_stems
from planners.schemas import enumerated, id_pattern, is_state
from rag.card import SourceCard

__all__ = ["Pointer", "Thing", "asks_for_rows", "field_said", "fields", "is_record", "nouns", "pointers", "thing"]

_WORD: Final = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
_DETERMINERS: Final = frozenset(
    re.findall(
        r"\w+",
        """
        my our his her their the this that these those which any all each every last latest newest recent previous
        first many
        """,
    )
)
_SUBJECTS: Final = frozenset(("i", "we", "he", "she", "they", "has", "have", "had", "ever", "already"))
# Words of a source's name that tell where its rows are kept, and not what they are.
_STORES: Final = frozenset(
    ("db", "database", "data", "table", "tabl", "store", "record", "sql", "api", "source", "log")
)
# What is done to get what an order or a sale records, whatever the records are called.
_BOUGHT: Final = r"(?:bought|purchased|got|received|acquired)"
_BUYING: Final = frozenset(("order", "purchas", "sale", "transact", "invoic"))
_LISTING: Final = re.compile(r"\b(?:list|all|every|everything)\b", re.IGNORECASE)
_IN: Final = r"(?:from|in|on|with|inside|within)"


@dataclass(frozen=True, slots=True)
class Pointer:
    """A place in a text that points at rows of a source."""

    words: str
    start: int
    end: int
    why: str


@dataclass(frozen=True, slots=True)
class Thing:
    """Something that a text names through a record, as in "the headphones from my last order".

    `source` is that of the record, `noun` what the thing is called, `rest` the text without the words
    that lead to the record, `field` the record's field that holds it where the text says which.
    """

    source: str
    noun: str
    rest: str
    field: str = ""


@lru_cache(maxsize=1024)
def is_record(card: SourceCard) -> bool:
    """Whether a source takes arguments besides the words to search for, and those that say by whom or when."""
    return any(name != card.query_argument and told.get("role") != "said" for name, told in card.properties.items())


@lru_cache(maxsize=1024)
def nouns(card: SourceCard) -> frozenset[str]:
    """The stems of what the rows of a source are called: its name, and the kinds that it enumerates.

    Example:
        >>> sorted(nouns(SourceCard(name="tickets_db")))
        ['ticket']
    """
    # "Wired" is no word for rows; "Orders" is, since it has a plural's ending.
    common = not is_proper(card.name) or bool(re.fullmatch(r"[A-Z][a-z]+s", card.name))
    named = [word for word in name_stems(card.name) if word not in _STORES][-1:] if common else []
    bought = ["purchas"] if set(named) & _BUYING else []
    kinds = (
        stem(str(kind).split("_")[-1])
        for name in card.properties
        for kind in enumerated(card, name)
        if not is_state(card, name)
    )
    return frozenset((*named, *bought, *kinds))


@lru_cache(maxsize=1024)
def fields(card: SourceCard) -> frozenset[str]:
    """The stems of the words that the fields of a source's rows are called by."""
    names = (*card.properties, *(card.output or {}).get("properties", {}))
    return frozenset(stem(word) for name in names for word in content(name.replace("_", " ")))


def asks_for_rows(card: SourceCard, text: str) -> bool:
    """Whether a text speaks of the rows of a source as a whole: it names their kind or a field, or asks for a list.

    The name of a source that keeps several kinds of rows says none of them: "the clinic's opening hours".

    Example:
        >>> asks_for_rows(SourceCard(name="orders"), "How many orders are there?")
        True
        >>> asks_for_rows(SourceCard(name="orders"), "What is the weather?")
        False
    """
    called = nouns(card)
    if kinds := enumerated(card, "table") if "table" in card.properties else []:
        called -= set(name_stems(card.name)) - {stem(str(kind).split("_")[-1]) for kind in kinds}
    return bool(set(content(text)) & (called | fields(card)) or _LISTING.search(text))


def pointers(card: SourceCard, text: str) -> tuple[Pointer, ...]:
    """Where a text points at rows of the source, in reading order.

    Example:
        >>> [p.words for p in pointers(SourceCard(name="orders"), "Is a lamp in my last order?")]
        ['my last order']
        >>> pointers(SourceCard(name="orders"), "From what order amount is that?")
        ()
    """
    found = [*_id_pointers(card, text), *_noun_pointers(card, text)]
    return tuple(sorted(found, key=lambda pointer: pointer.start))


def _id_pointers(card: SourceCard, text: str) -> Iterator[Pointer]:
    for name in card.properties:
        if pattern := id_pattern(card, name):
            for _, said in ids(pattern, text):
                at = text.index(said)
                yield Pointer(said, at, at + len(said), f"{said!r} is of the form of its {name}")


def _noun_pointers(card: SourceCard, text: str) -> Iterator[Pointer]:
    called = nouns(card)
    words = list(_WORD.finditer(text))
    for place, match in enumerate(words):
        if stem(match.group()) not in called:
            continue
        before = [(w.group().casefold(), w.start()) for w in words[max(0, place - 3) : place]]
        if (start := _pointing_start(match.group().casefold(), before)) is not None:
            start = match.start() if start < 0 else start
            yield Pointer(text[start : match.end()], start, match.end(), f"the question says {match.group()!r}")


def _pointing_start(word: str, before: list[tuple[str, int]]) -> int | None:
    """Where the phrase around a noun starts (-1: at the noun itself); None when the noun points at no rows."""
    # "everything I ordered", but not "an ordered list".
    if word.endswith("ed"):
        return -1 if any(w in _SUBJECTS for w, _ in before) or not before else None
    # "my last order" starts at "my".
    starts = [at for w, at in before if w in _DETERMINERS]
    if starts:
        return starts[0]
    return -1 if word.endswith("s") else None


def thing(card: SourceCard, text: str) -> Thing | None:
    """The thing that a text names through a record of the source, if it does.

    Example:
        >>> thing(SourceCard(name="orders"), "Can I return the headphones from my last order?")
        Thing(source='orders', noun='headphones', rest='Can I return the headphones?', field='')
        >>> thing(SourceCard(name="orders"), "Is the lamp I ordered last week dimmable?").noun
        'lamp'
        >>> thing(SourceCard(name="orders"), "What is the status of my last order?") is None
        True
    """
    for said in _OF_RECORD.finditer(text):
        length = _record_length(card, text[said.end("lead") :]) if _text_field(card, said["noun"]) else 0
        if length:
            return _in_field(card, text, said, said.end("lead") + length)
    for pointer in pointers(card, text):
        # "in order O-17": the noun before an id belongs to the pointer.
        before = re.sub(rf"\b(?:{'|'.join(nouns(card)) or '(?!)'})s?\s*$", "", text[: pointer.start], flags=re.I)
        if match := _LED_TO.search(before):
            return Thing(card.name, match["noun"], _without(text, match.start("lead"), pointer.end))
    for match in re.finditer(_bought(card), text, re.IGNORECASE):
        end = next((p.end for p in pointers(card, text) if 0 <= p.start - match.end() <= 12), match.end())
        # "the lamp I ordered last week": when it was ordered leads to the record, too.
        if (when := find_days(text[end:], date.max)) and text[end:].lstrip().startswith(when.words):
            end = text.index(when.words, end) + len(when.words)
        return Thing(card.name, match["noun"] or "", _without(text, match.end("kept"), end))
    return None


# Up to four words, none of which starts another phrase.
_NOUN: Final = r"[\w'’-]+(?:\s+(?!from\b|in\b|on\b|with\b|and\b|or\b|of\b|is\b|are\b|that\b|which\b)[\w'’-]+){0,3}?"
_LED_TO: Final = re.compile(
    rf"\b(?:the|my|that|this|those|these|which|our)\s+(?P<noun>{_NOUN})(?P<lead>\s+{_IN}\s+(?:the\s+|my\s+|an?\s+)?)$",
    re.I,
)


# "the drug prescribed to": read ahead, so that "the effects of the drug in" is found at either "the".
_OF_RECORD: Final = re.compile(
    r"(?P<of>\s+(?:of|about|for|on)\s+|\b)(?=(?:the|which|what|its|my|that|this|his|her|their)\s+"
    r"(?P<noun>[\w'’-]+(?:\s+[\w'’-]+)??)"
    r"(?P<lead>(?:\s+[a-z]+(?:ed|en))?\s+(?:of|in|on|for|from|to|by|with|at|under)\s+))",
    re.IGNORECASE,
)
_ASKING: Final = re.compile(r"^(?:what|which|who)(?:\s+(?:is|are|was|were)|['’]s)\s+(?:the\s+)?", re.IGNORECASE)


def _in_field(card: SourceCard, text: str, match: re.Match[str], end: int) -> Thing | None:
    """The thing that a field of a record holds; None when the text asks for the fields of the record alone."""
    rest = _without(text, match.end("noun"), end)
    if set(content(rest)) <= fields(card) | nouns(card):
        return None
    if match["of"].strip():
        # "the side effects of the drug": its name comes in place of "the drug".
        rest = _ASKING.sub("", _without(text, match.start(), end))
    return Thing(card.name, match["noun"], rest, _text_field(card, match["noun"]))


def field_said(card: SourceCard, text: str) -> str:
    """The first field of the rows that a text calls by its whole name and that names things; else nothing."""
    found = ((word, _text_field(card, word)) for word in tokens(text))
    return next((field for word, field in found if field and stem(word) == stem(field)), "")


def _text_field(card: SourceCard, noun: str) -> str:
    """The field that a noun calls by its name and that names things: a text that is no id, date or state."""
    said = set(content(noun))
    for name, schema in (card.output or {}).get("properties", {}).items():
        argument = card.properties.get(name, {})
        told = said and said <= {stem(word) for word in name.split("_")}
        if not told or name.endswith("id") or schema.get("type", "string") != "string" or schema.get("format"):
            continue
        if not argument or not (id_pattern(card, name) or (is_state(card, name) and not argument.get("sampled"))):
            return str(name)
    return ""


def _record_length(card: SourceCard, text: str) -> int:
    """How much of a text, from its start, points at rows: by an id, a label, a day, a noun; 0 when nothing does."""
    said = [p.words for p in pointers(card, text)]
    for filling in fill(card, text, date.max, nouns(card)):
        said += [words for name, words in filling.words.items() if name != "table"]
    ends = [text.index(words) + len(words) for words in said if words in text and _leads(card, text, words)]
    return max(ends, default=0)


def _leads(card: SourceCard, text: str, words: str) -> bool:
    return set(content(text[: text.index(words)])) <= nouns(card)


def _bought(card: SourceCard) -> str:
    """A pattern of "the lamp I ordered" and "what we bought"; matches nothing for records of other doings."""
    called = nouns(card)
    own = [rf"{re.escape(noun)}e?d" for noun in sorted(called)]
    verbs = "|".join([*own, _BOUGHT] if called & _BUYING else own) or "(?!)"
    by = rf"\s+(?:(?:that|which)\s+)?(?:i|we)(?:['’]ve|\s+have)?(?:\s+(?:just|last|recently))?\s+(?:{verbs})\b"
    return rf"\b(?P<kept>(?:the|my|that|those|these)\s+(?P<noun>{_NOUN})|what){by}"


def _without(text: str, start: int, end: int) -> str:
    return re.sub(r"\s+(?=[.,;?!]|$)", "", re.sub(r"\s{2,}", " ", f"{text[:start]} {text[end:]}")).strip()
