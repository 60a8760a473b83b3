"""What people state of themselves, read off their sentences by rules: "I live in Rome" is a home.

The rules are data, in `en.toml`; another language is another file.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Final

from rag.memory.when import expressions
from rag.read.statements import plain, statements
from rag.types import Turn

__all__ = ["Stated", "attributes", "sayings", "stated", "telling"]

_STOP: Final = (
    r"(?=\s+(?:and (?:I|my|we|it|the|that|so)|but|because|since|so|when|while|where|which|who|if|although|"
    r"though|as|after|before|even|especially|for (?:a|the|my|now)|with (?:my|a|the)|at the moment|right now)\b|"
    r"[.,;:!?()\"“”—–]|$)"
)
_WORD: Final = r"(?:[^\s.,;:!?()\"“”—–]|[.,](?=\w))+"
_PLACES: Final = {
    "VALUE": rf"{_WORD}(?: {_WORD}){{0,7}}?{_STOP}",
    "NAME": r"[A-Z][\w'&-]*(?:,? (?:(?:of|the|de|van|von|&) )*[A-Z][\w'&-]*){0,4}",
}


@dataclass(frozen=True, slots=True)
class Stated:
    """What a sentence states of its speaker: an attribute, and its value.

    Of some attributes there are `many` values at a time. What `ends` says that the value is no longer true.
    `since` is when that became so, where the sentence tells.
    """

    attribute: str
    value: str
    text: str
    many: bool = False
    ends: bool = False
    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class _Rule:
    pattern: re.Pattern[str]
    attribute: str
    many: bool
    ends: bool


@dataclass(frozen=True, slots=True)
class _Rules:
    unsure: re.Pattern[str]
    empty: re.Pattern[str]
    trailing: re.Pattern[str]
    cues: tuple[tuple[int, re.Pattern[str]], ...]
    facts: tuple[_Rule, ...]


def sayings(turn: Turn) -> list[str]:
    """The sentences of a turn, each on one line; none where a tool or an assistant says it.

    Example:
        >>> sayings(Turn(role="user", text="I live in Rome. Do you?"))
        ['I live in Rome.', 'Do you?']
    """
    if turn.role not in (None, "user"):
        return []
    return [plain(turn.text[start:end]) for start, end in statements(turn.text)]


def telling(sentence: str) -> int:
    """How much a sentence tells of who says it, from 0 for nothing to 3; a question tells nothing.

    Example:
        >>> telling("I love Rome."), telling("Rome is in Italy."), telling("Do I?")
        (3, 0, 0)
    """
    plain = sentence.replace("’", "'")
    if plain.rstrip("\"' ").endswith("?"):
        return 0
    return max((weight for weight, cue in _rules().cues if cue.search(plain)), default=0)


def stated(turn: Turn) -> Iterator[Stated]:
    """What a turn states of who said it, in order.

    Example:
        >>> [(fact.attribute, fact.value) for fact in stated(Turn(text="I live in Rome, and my car is a Fiat."))]
        [('home', 'Rome'), ('car', 'a Fiat')]
    """
    for sentence in sayings(turn):
        if not _rules().unsure.search(sentence.replace("’", "'")):
            yield from _of_sentence(sentence, turn)


def attributes() -> tuple[str, ...]:
    """The attributes that rules name, in order."""
    return tuple(dict.fromkeys(rule.attribute for rule in _rules().facts if rule.attribute))


def _of_sentence(sentence: str, turn: Turn) -> Iterator[Stated]:
    straight = sentence.replace("’", "'")
    read: set[int | str] = set()
    for rule in _rules().facts:
        for match in rule.pattern.finditer(straight):
            attribute = (rule.attribute or match["attribute"]).casefold()
            # What a rule of its own was read from is not read again by "my … is …".
            if (not rule.attribute and match.start() in read) or (not rule.many and attribute in read):
                continue
            read |= {match.start(), attribute}
            value, since = _timed(sentence, match.span("value"), turn)
            if value and not _rules().empty.match(value):
                yield Stated(attribute, value, sentence, rule.many, rule.ends, since)


def _timed(sentence: str, span: tuple[int, int], turn: Turn) -> tuple[str, datetime | None]:
    """The value less its time words, and the beginning of the time that the sentence names, if it is over."""
    at = turn.at or datetime.now(UTC)
    start, end = span
    since = None
    for time in expressions(sentence, at):
        begun, _ = time.window.bounds
        # "31 last month" is an age, and no time.
        if begun is not None and begun <= at and not time.start <= start < time.end:
            since = since or begun
            if start < time.start < end:
                end = time.start
    return _rules().trailing.sub("", sentence[start:end].strip()).strip(" '\"‘’"), since


@cache
def _rules(language: str = "en") -> _Rules:
    told: dict[str, Any] = tomllib.loads(Path(__file__).with_name(f"{language}.toml").read_text(encoding="utf-8"))
    facts = tuple(
        _Rule(_compiled(fact["pattern"]), fact["attribute"], fact.get("many", False), fact.get("ends", False))
        for fact in told["fact"]
    )
    cues = tuple((cue["weight"], re.compile(cue["pattern"], re.IGNORECASE)) for cue in told["cue"])
    unsure, empty, trailing = (re.compile(told[name], re.IGNORECASE) for name in ("unsure", "empty", "trailing"))
    return _Rules(unsure, empty, trailing, cues, facts)


def _compiled(pattern: str) -> re.Pattern[str]:
    for place, meant in _PLACES.items():
        pattern = pattern.replace(place, meant)
    return re.compile(pattern.replace(r"\bI", r"\b[Ii]"))  # which many who chat write small
