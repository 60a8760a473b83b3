"""Which sources a part of a question goes to: by name, else by what they are about and contain."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from planners.fill import enumerated
from planners.language import content, stem
from planners.names import is_proper, name_stems
from planners.records import is_record
from rag.card import SourceCard

__all__ = ["Choice", "by_content", "by_noun"]

CLOSE: Final = 0.95
"""A source is asked beside the best one when its score is at least this share of the best."""

MOST: Final = 3
"""Sources chosen by content for one part, at most."""


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
    named = {card.name: name_stems(card.name) for card in cards if not is_proper(card.name)}
    heads = Counter(stems[-1] for stems in named.values())
    words = {stem(word): word for word in reversed(re.findall(r"[^\W_]+(?:['’-][^\W_]+)*", text))}
    found = []
    for card in cards:
        stems = named.get(card.name, ())
        head = stems[-1:] if stems and heads[stems[-1]] == 1 else stems
        if head and all(each in words for each in head):
            found.append(Choice(card, f"the question says {words[head[-1]]!r}"))
    return tuple(found)


def by_content(text: str, cards: Sequence[SourceCard], relevance: Mapping[str, float]) -> tuple[Choice, ...]:
    """The sources that hold most on a text: the best one, and those close to it; none only when there are none.

    The score of a source is how well its content meets the text, from 0 to 1, and what share of the
    text's words its card has and few others' have, from 0 to 1.

    Example:
        >>> cards = [SourceCard(name="a", about="trains and buses"), SourceCard(name="b", about="museums")]
        >>> [c.card.name for c in by_content("When does the bus leave?", cards, {"a": 0.2, "b": 0.25})]
        ['a']
    """
    if not cards:
        return ()
    told = _told(text, cards)
    scores = {card.name: relevance.get(card.name, 0.0) + told[card.name] for card in cards}
    best = max(scores.values())
    ranked = sorted(cards, key=lambda card: -scores[card.name])
    if best <= 0:
        return tuple(Choice(card, "nothing tells the sources apart") for card in ranked if card.query_argument)[:MOST]
    close = [card for card in ranked if scores[card.name] >= CLOSE * best][:MOST]
    return tuple(Choice(card, f"it fits best what is asked ({scores[card.name]:.2f})") for card in close)


def _told(text: str, cards: Sequence[SourceCard]) -> dict[str, float]:
    said = content(text)
    known = {card.name: frozenset(_vocabulary(card)) for card in cards}
    shared = Counter(word for words in known.values() for word in words)
    return {
        name: sum(1 / shared[word] for word in said if word in words) / max(1, len(said))
        for name, words in known.items()
    }


def _vocabulary(card: SourceCard) -> Iterator[str]:
    """The stems that a card tells of its source: what it is about, and, for records, their fields and values."""
    yield from content(card.about)
    if not is_record(card):
        return
    fields = (card.output or {}).get("properties", {})
    for name in (*card.properties, *fields):
        yield from content(name.replace("_", " "))
    for name in card.properties:
        for value in enumerated(card, name):
            yield from content(str(value).replace("_", " "))
