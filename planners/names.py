"""Sources that a question names: by proper name, as printed, or by a common noun."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from planners.language import content, stem
from rag.card import SourceCard

__all__ = ["Mention", "common_names", "is_proper", "mentions", "name_stems", "said_of"]

_HEAD_ENDS: Final = re.compile(r"\s+[|–—-]\s+|:\s+|\s+\(")
_DOMAIN: Final = re.compile(r"\.(?:com|org|net|io|co|ai|dev|gov|edu|co\.uk|com\.au)$", re.IGNORECASE)
_CAMEL: Final = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|[_\W]+")
# What stands around a name and belongs to no statement: quotation marks, "'s", "and the" before the next name.
_JOINING: Final = re.compile(
    r"^(?:['’\"”]?s?['’\"”]?\s|\W)+|(?:[\s,'‘\"“]|\b(?:and|or|the|by|in|from|as)\b)+$|[?.!]+$", re.IGNORECASE
)
_SMALL: Final = frozenset(("the", "a", "an", "of", "and", "for", "in", "on"))


@dataclass(frozen=True, slots=True)
class Mention:
    """A place in a text where sources are named: several when they share the name that was used."""

    sources: tuple[str, ...]
    words: str
    start: int
    end: int


def is_proper(name: str) -> bool:
    """Whether a source's name is a proper name, and so matched as printed: it has a capital."""
    return name != name.lower()


def common_names(cards: Sequence[SourceCard]) -> frozenset[str]:
    """The names that are matched as common nouns, in any form: those without capitals.

    Where each name is one plain word, "Reviews" is as common as "reviews"; beside "The Verge" it is
    taken for a proper name.

    Example:
        >>> sorted(common_names([SourceCard(name="Reviews"), SourceCard(name="orders")]))
        ['Reviews', 'orders']
        >>> sorted(common_names([SourceCard(name="Rivals"), SourceCard(name="The Verge")]))
        []
    """
    names = frozenset(card.name for card in cards)
    plain = all(re.fullmatch(r"[A-Z]?[a-z]+", name) for name in names)
    return names if plain else frozenset(name for name in names if not is_proper(name))


def name_stems(name: str) -> tuple[str, ...]:
    """The stems of the words that a name is made of.

    Example:
        >>> name_stems("product_reviews"), name_stems("hrPolicies")
        (('product', 'review'), ('hr', 'polici'))
    """
    return tuple(stem(word) for word in _CAMEL.split(name) if word)


def mentions(text: str, cards: Sequence[SourceCard]) -> tuple[Mention, ...]:
    """Where a text names sources by their proper names, in reading order.

    The longest name wins where names overlap. A name may be shortened to what stands before a
    " | ", " - " or ": "; what sources share then names them all, unless a word of the rest of one
    name is in the text, too.

    Example:
        >>> cards = [SourceCard(name=n) for n in ("The Verge", "Verge", "Ledger - Sports", "Ledger - Travel")]
        >>> [m.sources for m in mentions("Do the Verge and the Ledger's sports pages agree?", cards)]
        [('The Verge',), ('Ledger - Sports',)]
    """
    taken: list[Mention] = []
    # Longest first, so that "The Verge" is taken before "Verge" can be found within it.
    for form, names in _forms(tuple(card.name for card in cards if is_proper(card.name))):
        for match in _pattern(form).finditer(text):
            free = all(match.end() <= m.start or m.end <= match.start() for m in taken)
            if free and _as_printed(form, match.group()):
                taken.append(Mention(_narrowed(names, text), match.group(), match.start(), match.end()))
    return tuple(sorted(taken, key=lambda m: m.start))


def said_of(text: str, cards: Sequence[SourceCard]) -> dict[str, str]:
    """What a text says after each source's name, up to the next name; sources of which it says little are left out.

    Example:
        >>> said_of("Do Wired on old phone batteries and Fortune on new phone makers agree?",
        ...         [SourceCard(name=n) for n in ("Wired", "Fortune", "Mashable")])
        {'Wired': 'on old phone batteries', 'Fortune': 'on new phone makers agree'}
    """
    found: dict[str, list[str]] = {}
    places = mentions(text, cards)
    for mention, end in zip(places, [*(m.start for m in places[1:]), len(text)], strict=False):
        for name in mention.sources:
            found.setdefault(name, []).append(_JOINING.sub("", text[mention.end : end]))
    # Three words at least: "as reported by Wired and Fortune" says nothing of either.
    said = {name: " ".join(pieces).strip() for name, pieces in found.items()}
    return {name: words for name, words in said.items() if len(content(words)) > 2}


@lru_cache(maxsize=64)
def _forms(names: tuple[str, ...]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Each way to write a name, longest first, with the names that it may stand for, in card order."""
    found: dict[str, list[str]] = {}
    for name in names:
        for form in dict.fromkeys(_spellings(name)):
            found.setdefault(form, []).append(name)
    full = set(names)
    return tuple(
        (form, (form,) if form in full else tuple(found[form]))
        for form in sorted(found, key=lambda form: (-len(form), form))
    )


def _spellings(name: str) -> Iterator[str]:
    head, *rest = _HEAD_ENDS.split(name, maxsplit=1)
    # "Ledger | Israel Business Arena" may be called by its second half, when that is a name by itself.
    long = [part for part in rest if len(part.split()) > 2 and " | " in name]
    for form in (name, head.strip(), *long):
        yield form
        bare = _DOMAIN.sub("", form)
        yield bare
        # "CBSSports.com" is spoken of as "CBS Sports".
        if " " not in bare:
            yield " ".join(word for word in _CAMEL.split(bare) if word)


@lru_cache(maxsize=512)
def _pattern(form: str) -> re.Pattern[str]:
    words = r"\s+".join(re.escape(word) for word in form.split())
    return re.compile(rf"(?<!\w){words}(?!\w)", re.IGNORECASE)


def _as_printed(form: str, found: str) -> bool:
    """Whether capitals stand where the name has them.

    A name that no ordinary words make up, such as "TechCrunch" or "Hacker News", may be written in any case.
    """
    words = [word for word in form.split() if word.casefold() not in _SMALL]
    if len(words) > 1 or any(c.isupper() for c in form.rsplit(maxsplit=1)[-1][1:]) or "." in form:
        return True
    return all(
        seen[:1].isupper()
        for word, seen in zip(form.split(), found.split(), strict=True)
        if word[:1].isupper() and word.casefold() not in _SMALL
    )


def _narrowed(names: tuple[str, ...], text: str) -> tuple[str, ...]:
    """Of sources that share the start of their name, those whose rest has a word in the text, else all."""
    if len(names) == 1:
        return names
    said = set(content(text))
    rests = {name: set(content(_HEAD_ENDS.split(name, maxsplit=1)[-1])) for name in names}
    return tuple(name for name in names if rests[name] & said) or names
