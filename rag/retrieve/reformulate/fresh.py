"""Fresh events: questions about now, with words of the newest documents."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final

from rag.errors import ConfigError
from rag.retrieve.algebra import DEPTH, Query, Retriever
from rag.retrieve.reformulate.rm3 import relevance_model
from rag.retrieve.reformulate.seam import Reformulator, Variant
from rag.retrieve.reformulate.words import counted, joined
from rag.retrieve.way import Way
from rag.types import Hit

__all__ = ["Fresh", "about_now", "clock"]

_NOW: Final = re.compile(
    r"\b(?:now|nowadays|today|tonight|yesterday|current(?:ly)?|latest|newest|recent(?:ly)?|breaking|just|ongoing"
    r"|(?:this|last|past)\s+(?:hour|day|morning|evening|night|week|weekend|month|quarter|season|year)"
    r"|at\s+the\s+moment|up\s+to\s+date|so\s+far|news)\b",
    re.IGNORECASE,
)


def clock() -> datetime:
    """The time now."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, repr=False)
class Fresh(Reformulator):
    """A question about now, with the words of the newest documents that it finds; any other question as it is.

    Of what the question finds, the hits dated within the window are taken as its events. They count by
    their scores, halved with every half window of age. Search by words counts the question's words, and
    the events' likeliest ones at `weight`; search by meaning adds the events' titles to the question's vector.

    Args:
        now: tells the time; one without a zone is UTC, as in documents.
        window: how old an event may be.
        events: how many are looked at.
        terms: words of theirs that are added.
        weight: what the events count for beside the question's 1.
        date: the name in the metadata under which a document has its date, in ISO 8601.

    Raises:
        ConfigError: a number is not above 0.

    Source: Yang et al., 2023, arXiv 2312.00372 (a query meets the events of its hour); trained
    attention is replaced by scores and age.
    """

    now: Callable[[], datetime] = clock
    window: timedelta = timedelta(days=7)
    events: int = 3
    terms: int = 8
    weight: float = 0.5
    date: str = "date"

    def __post_init__(self) -> None:
        if min(self.events, self.terms, self.weight, self.window.total_seconds()) <= 0:
            raise ConfigError("window, events, terms and weight of Fresh must be above 0")

    async def variants(self, query: Query, retriever: Retriever, way: Way) -> Sequence[Variant]:
        """One query; the same one where it is not about now, or nothing new is found."""
        if not about_now(query.text):
            return [Variant(query)]
        found = await retriever.found(query, DEPTH, way)
        events = self._events(found.hits)
        likely = relevance_model(events, self.terms)
        if not likely:
            return [Variant(query)]
        own = query.words or counted(query.text)
        length = sum(count for _, count in own)
        words = (*own, *((word, self.weight * length * share) for word, share in likely))
        total = sum(hit.score for hit in events)
        titles = [(hit.passage.title or hit.passage.text[:200], self.weight * hit.score / total) for hit in events]
        texts = (*query.meant, *titles)
        text = joined(query.text, [word for word, _ in likely])
        return [Variant(replace(query, text=text, words=words, texts=texts))]

    def _events(self, hits: Sequence[Hit]) -> list[Hit]:
        """The best hits of the window, with scores that fall with age."""
        told = self.now()
        now = told if told.tzinfo else told.replace(tzinfo=UTC)
        aged = []
        for hit in hits:
            age = _age(hit.passage.metadata.get(self.date), now)
            if age is not None and timedelta() <= age <= self.window and hit.score > 0:
                aged.append(hit.model_copy(update={"score": hit.score * 0.5 ** (2 * (age / self.window))}))
        return sorted(aged, key=lambda hit: -hit.score)[: self.events]

    def __repr__(self) -> str:
        return f"fresh({self.window.days} days)"


def about_now(question: str) -> bool:
    """Whether a question is about what is the case now, by its words.

    Example:
        >>> about_now("What is the latest on the strike?"), about_now("Who was the first queen?")
        (True, False)
    """
    return bool(_NOW.search(question))


def _age(written: object, now: datetime) -> timedelta | None:
    """How long ago a date is; a day counts as its start, and a time without a zone is UTC."""
    try:
        at = datetime.fromisoformat(str(written))
    except ValueError:
        return None
    return now - (at if at.tzinfo else at.replace(tzinfo=UTC))
