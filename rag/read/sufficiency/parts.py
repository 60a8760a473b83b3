"""The parts of a question or claim that evidence must bear out, found without a model.

Names, figures and dates, phrases of what else carries meaning, and the kind of thing that is asked for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal, TypeAlias

from rag.ingest.sentences import sentences
from rag.read.terms import terms

__all__ = ["MONTHS", "Asked", "Kind", "asked", "proper_names"]

Kind: TypeAlias = Literal["person", "time", "place", "number", "thing"]
"""What answers a question: someone, a time, somewhere, a number, or anything else that has a name."""

MONTHS: Final = "January|February|March|April|May|June|July|August|September|October|November|December"
"""A pattern of the months in full; written as names are, so that "may" and "march" are none."""

_WORD = re.compile(r"[^\W_](?:[\w.&'’-]*\w)?")
_QUOTED = re.compile(r"[\"“«]([^\"“”«»]{2,80})[\"”»]")
_WITHIN_NAMES: Final = re.compile(r"of|the|de|van|von|der|den|del|della|di|da|du|la|le|el|al|bin|ibn|y|&")
_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?"
    r"|nov(?:ember)?|dec(?:ember)?)\.?"
)
_DATE = re.compile(
    rf"\b\d{{1,2}}(?:st|nd|rd|th)?(?: of)? {_MONTH}(?:,? \d{{4}})?\b"
    rf"|\b{_MONTH} (?:of )?(?:\d{{1,2}}(?:st|nd|rd|th)?(?:,? \d{{4}})?|\d{{4}})\b",
    re.IGNORECASE,
)
_SPELLED = "two|three|four|five|six|seven|eight|nine|ten|eleven|twelve"
_FIGURE = re.compile(rf"[€$£¥]?\b\d+(?:[.,:/–-]\d+)*(?:st|nd|rd|th|s|%)?(?!\w)|\b(?:{_SPELLED})\b", re.IGNORECASE)

# What asks for the answer, by its kind: the first that fits says it.
_NO_UNIT = r"(?!(?:is|are|was|were|do|does|did|has|have|had|can|the|of|in)\b)"
_KINDS: Final[dict[Kind, str]] = {
    "number": rf"how (?:many|much|long|old|far|tall|high|big|large|deep|wide|heavy|fast|often)\b(?: {_NO_UNIT}[a-z]+)?"
    r"|(?:what|which) (?:is the )?(?:number|percentage|population|amount|age|height|length|size)\b",
    "time": r"when\b|(?:what|which) (?:year|date|day|month|decade|century|time)s?\b",
    "place": r"where\b|(?:what|which) (?:cit(?:y|ies)|countr(?:y|ies)|(?:state|county|town|village|place|venue"
    r"|continent|region|province|district|neighbou?rhood|island)s?)\b",
    "person": r"who(?:m|se)?\b|(?:what|which) (?:person|man|woman|people)\b",
    "thing": rf"(?:what|which)\b(?: {_NO_UNIT}[a-z-]+){{0,2}}",
}
_ANSWERS: Final = {kind: re.compile(rf"\b(?:{pattern})", re.IGNORECASE) for kind, pattern in _KINDS.items()}
# After a comma or a noun these begin a clause that describes; they ask only where nothing else does.
_RELATIVE = re.compile(r"(?<=[\w,] )(?:who(?:m|se)?|which|where|when)\b", re.IGNORECASE)
_ASKS = re.compile(r"\?\s*$|^\s*(?:who|what|when|where|which|how|why)\b", re.IGNORECASE)
_NO_OPENING_NAME = re.compile(
    r"(?:according|name|list|tell|give|find|besides|despite|although|while|during|since|among|between|considering"
    r"|following|concerning|regarding|both|compare|describe|explain|currently|originally|today|yes|[a-z]+(?:ed|ly))$",
    re.IGNORECASE,
)
_TELLS_NOTHING: Final = frozenset(
    terms("name named names call called known know type types kind sort following example located location part")
)


@dataclass(frozen=True, slots=True)
class Asked:
    """A question or claim, taken apart; `answer` is the words that ask, `kind` what they ask for."""

    text: str
    names: tuple[str, ...] = ()
    figures: tuple[str, ...] = ()
    phrases: tuple[str, ...] = ()
    answer: str = ""
    kind: Kind | None = None


@lru_cache(maxsize=256)  # a question is taken apart before it is read, after it, and in each round
def asked(text: str) -> Asked:
    """The parts of a question or claim, each kind in the order of the text.

    Example:
        >>> parts = asked("Where was the director of Alien born?")
        >>> parts.names, parts.phrases, parts.answer, parts.kind
        (('Alien',), ('director', 'born'), 'Where', 'place')
        >>> asked("John Hurt starred in two films of 1979.").figures
        ('two', '1979')
    """
    answer, kind = _answer(text)
    # What kind of thing is asked for is told of it too: "which musician".
    rest = text.replace(answer.split()[0] if kind == "thing" else answer, " | ", 1) if answer else text
    dates = [match[0] for match in _DATE.finditer(rest)]
    rest = _DATE.sub(" | ", rest)
    names = tuple(proper_names(rest))
    for name in names:
        rest = re.sub(rf"(?<!\w){re.escape(name)}(?:['’]s)?(?!\w)", " | ", rest)
    figures = [match[0] for match in _FIGURE.finditer(rest)]
    phrases = tuple(dict.fromkeys(_phrases(_FIGURE.sub(" | ", rest))))
    return Asked(text, names, tuple(dict.fromkeys([*dates, *figures])), phrases, answer, kind)


def proper_names(text: str) -> list[str]:
    """The names in a text: what stands in quotation marks, and runs of words with a capital; each once.

    A word that opens a sentence counts where its capital may be its own. A text in capitals, or with one
    on every word, has none.

    Example:
        >>> proper_names('Which of Tara Strong’s roles is in "Teen Titans Go!", on Cartoon Network?')
        ['Teen Titans Go!', 'Tara Strong', 'Cartoon Network']
    """
    quoted = [name for match in _QUOTED.finditer(text) if terms(name := match[1].strip(" ,."))]
    rest = _QUOTED.sub(" | ", text)
    if rest.isupper() or (rest.istitle() and len(rest.split()) > 3):
        return quoted
    found = [name for start, end in sentences(rest) for name in _capitalised(rest[start:end])]
    return list(dict.fromkeys([*quoted, *found]))


def _answer(text: str) -> tuple[str, Kind | None]:
    if not _ASKS.search(text):
        return "", None
    relative = {match.start() for match in _RELATIVE.finditer(text)}
    found = [
        (match.start() in relative, match.start(), match[0], kind)
        for kind, pattern in _ANSWERS.items()
        for match in pattern.finditer(text)
    ]
    # One that stands where a clause may begin is asked only if nothing else is; of two at one place, the first kind.
    best = min(found, key=lambda each: each[:2], default=None)
    if best is None or (best[0] and re.match(r"\s*(?:is|are|was|were|do|does|did|has|have|had|can)\b", text, re.I)):
        return "", None
    return best[2], best[3]


def _capitalised(sentence: str) -> Iterator[str]:
    run: list[re.Match[str]] = []
    for place, word in enumerate(_WORD.finditer(sentence)):
        if run and not re.fullmatch(r"\s+(?:& )?", sentence[run[-1].end() : word.start()]):
            yield from _name(sentence, run)
            run = []
        is_capital = word[0][0].isupper() and (bool(terms(word[0])) or bool(run) or len(word[0]) == 1)
        opens = place == 0 and bool(_NO_OPENING_NAME.match(word[0]))
        if (is_capital and not opens) or (run and (word[0].isdigit() or _WITHIN_NAMES.fullmatch(word[0]))):
            run.append(word)
        elif run:
            yield from _name(sentence, run)
            run = []
    yield from _name(sentence, run)


def _name(sentence: str, run: list[re.Match[str]]) -> Iterator[str]:
    while run and _WITHIN_NAMES.fullmatch(run[-1][0]):
        run = run[:-1]
    name = re.sub(r"['’]s$", "", sentence[run[0].start() : run[-1].end()]) if run else ""
    if terms(name) and len(name) > 1:
        yield name


def _phrases(text: str) -> Iterator[str]:
    """Runs of words that carry meaning, without those that only say that something has a name or a place."""
    run: list[str] = []
    for piece in re.findall(r"[^\W_][\w'’-]*|[^\w\s]", text):
        stems = terms(piece)
        if stems:
            run += [] if set(stems) <= _TELLS_NOTHING else [piece]
        elif run:
            yield " ".join(run)
            run = []
    if run:
        yield " ".join(run)
