"""The few of many sources that fit a question, so that a planner need not be shown them all."""

from __future__ import annotations

import logging
import re
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from rag.card import SourceCard
from rag.errors import RagError
from rag.ingest.sentences import sentences
from rag.read.terms import terms
from rag.retrieve.once import Once
from rag.retrieve.queries import query_vectors
from rag.retrieve.way import IN_LOOP
from rag.run.cardset import CardSet, card_vectors, spoken

if TYPE_CHECKING:
    import numpy as np

    from rag.protocols import Embedder

    Vector = np.ndarray[Any, np.dtype[np.float32]]

__all__ = ["ABOVE", "MOST", "WEIGHTS", "Shortlist", "clauses", "named"]

MOST: Final = 24
"""Sources on a shortlist, besides those that are on it whatever their card says."""

ABOVE: Final = 36
"""Sources beyond which there is a shortlist."""

WEIGHTS: Final = (1.0, 2.0)
"""What words and meaning count for."""

_AT_ONCE: Final = 256  # cards that one question has embedded, at most: about a second
_MOST_CLAUSES: Final = 12
_LEAST: Final = 2  # terms of a clause
_UNRELATED: Final = 0.1  # cosines between texts of different subjects, and of one
_SAME: Final = 0.7
_JOINT: Final = re.compile(r"[,;]\s+|\s+(?:and|then|also|plus|as\s+well\s+as)\s+", re.IGNORECASE)
_HEAD_ENDS: Final = re.compile(r"\s+[|–—-]\s+|:\s+|\s+\(")
_DOMAIN: Final = re.compile(r"\.(?:com|org|net|io|co|ai|dev|gov|edu|co\.uk|com\.au)$", re.IGNORECASE)
_WORD: Final = re.compile(r"[^\W_]+")
_log = logging.getLogger(__name__)


class Shortlist:
    """Ranks the cards of many sources for a question, by their words and by what they are about.

    Each score is the weighted mean of what words (BM25) and meaning (cosine) give, as shares of the
    best; the score of a question is the mean of that of the whole and that of the clause which a card
    fits best, so that each half of a compound question has its sources. Cards are embedded once; of
    thousands, each question embeds 256 more, those first that its words speak for.

    Args:
        most: sources on a shortlist.
        above: sources beyond which there is one.
        embedder: what makes vectors; MiniLM on the CPU when not given. Where it cannot be had, words decide.
        folder: where vectors are kept for the next process.
        weights: what words and meaning count for.

    Example:
        >>> import asyncio
        >>> from rag.testing import FakeEmbedder
        >>> cards = [SourceCard(name="getWeather"), SourceCard(name="bookFlight"), SourceCard(name="sendMail")]
        >>> few = Shortlist(2, 2, embedder=FakeEmbedder())
        >>> question = "Book me a flight to Oslo and find what the weather is there"
        >>> [card.name for card in few.shortlisted(question, cards, asyncio.run(few.fit(question, cards)))]
        ['getWeather', 'bookFlight']
    """

    def __init__(
        self,
        most: int = MOST,
        above: int = ABOVE,
        *,
        embedder: Embedder | None = None,
        folder: Path | None = None,
        weights: tuple[float, float] = WEIGHTS,
    ) -> None:
        self._most = most
        self._above = above
        self._embedder = embedder
        self._folder = folder
        self._weights = weights
        self._sets = Once(lambda held: CardSet(held.cards), size=4)

    async def fit(self, question: str, cards: Sequence[SourceCard]) -> dict[str, float]:
        """How well each card fits the question, from 0 to 1; nothing when there are few cards.

        The best one's score is measured as an index measures how much it holds on a question.
        """
        if len(cards) <= self._above:
            return {}
        return await IN_LOOP.compute(self._fit, question, _Held(cards))

    async def prepare(self, cards: Sequence[SourceCard]) -> None:
        """Embed all cards, so that no question has to: a service's start is the time for it.

        Raises:
            RagError: the embedder failed.
        """
        if len(cards) > self._above:
            await IN_LOOP.compute(self._prepare, _Held(cards))

    def shortlisted(
        self,
        question: str,
        cards: Sequence[SourceCard],
        fit: Mapping[str, float],
        keep: Collection[str] = (),
    ) -> tuple[SourceCard, ...]:
        """The cards that fit best, in card order, with those that the question names; all when there are few.

        `keep` names sources that stay whatever their card says, and take no place from others: those
        that tell by their content how much they hold.
        """
        if len(cards) <= self._above:
            return tuple(cards)
        said = named(question, cards)
        first = sorted(
            (card.name for card in cards if card.name not in keep),
            key=lambda name: (name not in said, -fit.get(name, 0.0)),
        )
        chosen = {*keep, *said, *first[: self._most]}
        return tuple(card for card in cards if card.name in chosen)

    def _prepare(self, held: _Held) -> None:
        self._learnt(self._sets(held), range(len(held.cards)), len(held.cards))

    def _fit(self, question: str, held: _Held) -> dict[str, float]:
        import numpy as np

        known = self._sets(held)
        texts = [question, *(clauses(question) or [question])]
        words = [known.by_words(text) for text in texts]
        order = np.argsort(-np.max([_shares(scores) for scores in words], axis=0), kind="stable")
        cosines = self._cosines(known, texts, order.tolist())
        whole, *parts = [self._fused(*both) for both in zip(words, cosines, strict=True)]
        scores = (whole + np.max(parts, axis=0)) / 2
        best = int(np.argmax(scores))
        nearness = [near[best] for near in cosines]
        strength = max(map(_strength, texts, [known.texts[best]] * len(texts), nearness))
        scaled = _shares(scores) * strength
        return {card.name: float(score) for card, score in zip(known.cards, scaled, strict=True)}

    def _cosines(self, known: CardSet, texts: Sequence[str], order: Sequence[int]) -> list[Vector]:
        try:
            vector = query_vectors(self._learnt(known, order, _AT_ONCE))
            return known.by_meaning([vector(text) for text in texts])
        except RagError as error:
            _log.warning("sources are ranked by words alone: %s", error)
            return [known.by_words("") for _ in texts]

    def _learnt(self, known: CardSet, order: Sequence[int], most: int) -> Embedder:
        """The embedder, once it has embedded so many more cards."""
        from rag.embed import default_embedder

        embedder = self._embedder or default_embedder()
        known.learn(order, card_vectors(self._folder), embedder, most)
        return embedder

    def _fused(self, words: Vector, cosines: Vector) -> Vector:
        import numpy as np

        # As `rag.retrieve.fuse` has it: shares of the best say more than ranks.
        fused: Vector = np.average([_shares(words), _shares(cosines)], axis=0, weights=self._weights)
        return fused


class _Held:
    """Cards as a key: they have no hash of their own, and their ids hold for as long as they are held."""

    def __init__(self, cards: Sequence[SourceCard]) -> None:
        self.cards = tuple(cards)
        self._ids = tuple(map(id, self.cards))

    def __hash__(self) -> int:
        return hash(self._ids)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Held) and self._ids == other._ids


def clauses(question: str) -> list[str]:
    """The sentences and clauses of a question, in order; one that says little goes with the next.

    Where something is listed, a comma parts no less than an "and" does: scored beside the whole, a
    part too many does little harm.

    Example:
        >>> clauses("Please, book a flight and find the weather there. Thanks!")
        ['Please book a flight', 'find the weather there. Thanks!']
    """
    found: list[str] = []
    for start, end in sentences(question):
        rest = ""
        for piece in _JOINT.split(question[start:end]):
            rest = f"{rest} {piece}".strip()
            if len(terms(rest)) >= _LEAST:
                found.append(rest)
                rest = ""
        if rest:
            found = [*found[:-1], f"{found[-1]} {rest}"] if found else [rest]
    half = _MOST_CLAUSES // 2
    # What is asked of a long text stands before it or after it.
    return found if len(found) <= _MOST_CLAUSES else [*found[:half], *found[-half:]]


def named(question: str, cards: Sequence[SourceCard]) -> frozenset[str]:
    """The names that a question says, in any form of their words, whole or up to what sets off their rest.

    Example:
        >>> cards = [SourceCard(name=n) for n in ("hr_policies", "Ledger | Sports", "getWeather", "Wired")]
        >>> sorted(named("What do the Ledger and our HR policy say of weather?", cards))
        ['Ledger | Sports', 'hr_policies']
    """
    said = f" {_stems(question)} "
    return frozenset(card.name for card in cards if any(f" {form} " in said for form in _forms(card.name)))


@lru_cache(maxsize=16_384)
def _forms(name: str) -> tuple[str, ...]:
    head = _HEAD_ENDS.split(name, maxsplit=1)[0]
    ways = (form for way in (name, head, _DOMAIN.sub("", name)) for form in (way, spoken(way)))
    return tuple(stems for stems in dict.fromkeys(map(_stems, ways)) if stems)


def _stems(text: str) -> str:
    # Without stop words "getWeather" would be said by each question about the weather.
    return " ".join(" ".join(terms(word)) or word for word in _WORD.findall(text.lower()))


def _shares(scores: Vector) -> Vector:
    """Scores as shares of the best one, from 0 to 1."""
    best = scores.max(initial=0.0)
    shares: Vector = scores.clip(min=0) / best if best > 0 else scores.clip(0, 0)
    return shares


def _strength(text: str, told: str, cosine: float) -> float:
    """How much a card holds on a text, from 0 to 1: the mean of nearness and of the share of its terms that it has."""
    asked = set(terms(text))
    coverage = len(asked & set(terms(told))) / max(1, len(asked))
    return float((min(1.0, max(0.0, (cosine - _UNRELATED) / (_SAME - _UNRELATED))) + coverage) / 2)
