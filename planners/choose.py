"""Which sources a part of a question goes to: by name, else by what they are about and contain."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from planners.fill import labels
from planners.language import content, stem
from planners.names import common_names, name_stems
from planners.records import fields, is_record, nouns
from rag.card import SourceCard

__all__ = ["Choice", "by_content", "by_noun", "less_frame"]

CLOSE: Final = 0.95
"""A source is asked beside the best one when its score is at least this share of the best."""

WEAK: Final = 0.4
"""A best score below this gives way to records that store a name in the text."""

MOST: Final = 3
"""Sources chosen by content for one part, at most."""

# What people say of things: how English asks for it, and what sources of it are called.
_OPINIONS: Final = frozenset(("review", "opinion", "feedback", "rating", "rate", "testimoni", "comment"))
_OPINION_ASKED: Final = re.compile(
    r"\b(?:reviewers?|buyers?|customers?|owners?|users?|people|others|guests?|they|no\s+one|(?:any|every|some|no)(?:one|body))\b"
    r"[^.?!;]{0,60}?\b(?:say|said|think|thought|feel|felt|like|love|hate|find|found|"
    r"(?:complain|report|prais|recommend|mention|describ)\w*)\b"
    r"|\b(?:opinions?|complaints?|recommendations?|well\s+received|worth\s+it)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Choice:
    """A source for a part of a question, and why."""

    card: SourceCard
    why: str


def by_noun(text: str, cards: Sequence[SourceCard]) -> tuple[Choice, ...]:
    """Sources of texts whose common-noun name stands in the text, in any form of its words.

    A name of several words is met by all of them, or by its last one when no other name shares it.

    Example:
        >>> cards = [SourceCard(name="reviews"), SourceCard(name="hr_policies"), SourceCard(name="The Verge")]
        >>> [c.why for c in by_noun("What do reviewers say about the policy?", cards)]
        ["the question says 'reviewers'", "the question says 'policy'"]
    """
    named = {name: name_stems(name) for name in common_names(cards)}
    heads = Counter(stems[-1] for stems in named.values())
    words = {stem(word): word for word in reversed(re.findall(r"[^\W_]+(?:['’-][^\W_]+)*", text))}
    found = []
    for card in cards:
        stems = named.get(card.name, ())
        head = stems[-1:] if stems and heads[stems[-1]] == 1 else stems
        if head and all(each in words for each in head):
            found.append(Choice(card, f"the question says {words[head[-1]]!r}"))
        # "What do buyers say?" asks for reviews without the word.
        elif stems and stems[-1] in _OPINIONS and (asked := _OPINION_ASKED.search(text)):
            found.append(Choice(card, f"{asked.group()!r} asks for opinions"))
    return tuple(found)


def less_frame(text: str) -> str:
    """What a question for opinions is about: a text without "what do buyers say about"; other texts as they are.

    Example:
        >>> less_frame("what do buyers say about their battery"), less_frame("Do people who own it complain?")
        ('their battery', 'Do people who own it complain?')
    """
    match = _OPINION_ASKED.search(text)
    rest = re.sub(r"^\s*(?:about|of|on|that|with|is|are)\b\s*", "", text[match.end() :]) if match else ""
    return rest if content(rest) else text


def by_content(
    text: str,
    cards: Sequence[SourceCard],
    relevance: Mapping[str, float],
    *,
    fit: Mapping[str, float] | None = None,
    ready: Collection[str] = (),
    close: float = CLOSE,
    most: int = MOST,
) -> tuple[Choice, ...]:
    """The sources that hold most on a text: the best one, and those close to it; none only when there are none.

    The score of a source is how well its content meets the text, from 0 to 1, and what share of the
    text's words its card says it is about and few others do, from 0 to 1. Records are asked when their
    fields and values make up the text, and when they store a name in it and no source of texts holds
    much on it; what else they hold competes only where there are no texts.

    Args:
        text: a part of a question.
        cards: the sources to choose from.
        relevance: how well each source's content meets the text, where it can tell.
        fit: how well the cards of the other sources meet it, where there are many.
        ready: sources that need arguments and are given them by the text; asked where nothing else tells.
        close: the share of the best score that a source must have to be asked, too.
        most: how many are asked at most.

    Example:
        >>> cards = [SourceCard(name="a", about="trains and buses"), SourceCard(name="b", about="museums")]
        >>> [c.card.name for c in by_content("When does the bus leave?", cards, {"a": 0.2, "b": 0.25})]
        ['a']
    """
    # An id, a name and the word for a field leave nothing that a text would have to tell.
    covering = [card for card in cards if is_record(card) and _covers(card, text)]
    told = _told(text, cards)
    has_texts = any(not is_record(card) for card in cards)
    scores = {
        card.name: told[card.name] + _met(card, relevance, fit or {}, has_texts=has_texts)
        for card in cards
        if card not in covering
    }
    best = max(scores.values(), default=0.0)
    ranked = sorted((card for card in cards if card.name in scores), key=lambda card: -scores[card.name])
    chosen = [Choice(card, f"{_cut(text)!r} asks for its fields") for card in covering]
    named = {card.name: name for card in ranked if is_record(card) and (name := _stored_name(card, text))}
    if best < WEAK and named:
        storing = [card for card in ranked if card.name in named][:most]
        return (*chosen, *(Choice(card, f"it stores {named[card.name]!r}") for card in storing))
    if best > 0:
        near = [card for card in ranked if scores[card.name] >= close * best][:most]
        chosen += [Choice(card, f"it fits best {_cut(text)!r} ({scores[card.name]:.2f})") for card in near]
    elif ready and not chosen:
        given = [card for card in ranked if card.name in ready][:most]
        chosen += [Choice(card, f"{_cut(text)!r} gives what it needs") for card in given]
    elif not chosen:
        # Better a few sources too many than none; records would be listed whole.
        asked = [card for card in ranked if card.query_argument and not (has_texts and is_record(card))]
        chosen += [Choice(card, "nothing tells the sources apart") for card in asked[:most]]
    return tuple(chosen)


def _met(card: SourceCard, relevance: Mapping[str, float], fit: Mapping[str, float], *, has_texts: bool) -> float:
    """How well a source meets a text, from 0 to 1: by its content where that can tell, else by its card."""
    if card.name not in relevance:
        return fit.get(card.name, 0.0)
    return 0.0 if has_texts and is_record(card) else relevance[card.name]


def _cut(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:60].rsplit(' ', 1)[0]} …"


def _stored_name(card: SourceCard, text: str) -> str:
    """The first name in a text that is, as printed, a value that the rows of a source have; else nothing."""
    for schema in card.properties.values():
        for value, said in labels(schema.get("values", ()), text):
            if said == value and value[:1].isupper() and re.search(rf"(?<!\w){re.escape(value)}(?!\w)", text):
                return value
    return ""


def _told(text: str, cards: Sequence[SourceCard]) -> dict[str, float]:
    """The share of a text's words that each card says its source is about, a word shared by n cards counting 1/n."""
    said = content(text)
    known = {card.name: _own_words(card) for card in cards}
    shared = Counter(word for words in known.values() for word in words)
    return {
        name: sum(1 / shared[word] for word in said if word in words) / max(1, len(said))
        for name, words in known.items()
    }


@lru_cache(maxsize=1024)
def _own_words(card: SourceCard) -> frozenset[str]:
    # A list of tables and columns tells what records look like, and says little of what questions they answer.
    return frozenset(content(card.about)) - (fields(card) | nouns(card))


def _covers(card: SourceCard, text: str) -> bool:
    """Whether a text asks for a field of the records and all else in it are their values or the words for them."""
    said = set(content(text))
    asked = said & fields(card)
    values = (value for schema in card.properties.values() for value, _ in labels(schema.get("values", ()), text))
    known = asked | {word for value in values for word in content(value)}
    return bool(asked) and said <= known
