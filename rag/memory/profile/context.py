"""What a reader is told of a profile: concepts, facts, sentences of what was said, and a few turns."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel, ConfigDict

from rag.errors import RagError
from rag.memory.places import Places
from rag.memory.profile.relevant import bearing
from rag.memory.profile.values import Concept, Fact, Sentence
from rag.memory.recall import Asked, Recaller
from rag.memory.recalled import Recall
from rag.memory.store.values import Kept
from rag.memory.told import line
from rag.read.terms import terms
from rag.tokens import estimate
from rag.types import Turn

if TYPE_CHECKING:
    import numpy as np

    Floats = np.ndarray[Any, np.dtype[Any]]

__all__ = ["ProfileContext", "in_short"]

_MOST_FACTS: Final = 8
_log = logging.getLogger(__name__)


class ProfileContext(BaseModel):
    """What a question needs of what is known: `str(context)` is the text for a reader.

    `concepts` are those that the question names, and the nearest; `facts` are those that hold and that it names;
    `said` are sentences of turns and summaries, the best first; `turns` are the best in full.

    Example:
        >>> print(ProfileContext(concepts=(Concept(tag="r", name="Rex", info="A Beagle."),)))
        Rex: A Beagle.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    concepts: tuple[Concept, ...] = ()
    facts: tuple[Fact, ...] = ()
    said: tuple[Sentence, ...] = ()
    turns: tuple[Turn, ...] = ()

    @property
    def tokens(self) -> int:
        """The size of the text in tokens, estimated on the high side."""
        return estimate(str(self))

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        yield from map(str, self.concepts)
        yield from map(str, self.facts)
        yield from (sentence.text for sentence in self.said)
        yield from map(line, self.turns)


def in_short(
    recaller: Recaller,
    asked: Asked,
    facts: Sequence[Fact],
    summary: Iterable[Sentence],
    *,
    concepts: Sequence[Concept],
    turns: int,
    budget: int,
) -> ProfileContext:
    """What fits into a budget of tokens, of what bears on a question.

    Args:
        recaller: finds the turns.
        asked: the question, and whose turns are meant.
        facts: all that are known, also those that are true no longer.
        summary: sentences of summaries.
        concepts: those that the question is about.
        turns: how many turns in full.
        budget: tokens.
    """
    now = asked.now or datetime.now(UTC)
    recall = recaller.recall(asked)
    gone = [fact for fact in facts if not fact.holds(now)]
    said = [one for one in _said(recaller, asked, recall, summary) if not any(_says(one, fact) for fact in gone)]
    # Others are told by the sentences that they were read from.
    told = [fact for fact in facts if fact.holds(now) and fact.is_named(asked.question)][:_MOST_FACTS]
    context = ProfileContext(concepts=tuple(concepts), facts=tuple(told), turns=recall.turns[:turns])
    while context.turns and context.tokens > budget:
        context = context.model_copy(update={"turns": context.turns[:-1]})
    return context.model_copy(update={"said": tuple(_fitting(said, budget - context.tokens))})


def _said(recaller: Recaller, asked: Asked, recall: Recall, summary: Iterable[Sentence]) -> list[Sentence]:
    """Sentences of the turns that the question may mean, and of summaries, the best first."""
    from rag.embed import default_embedder

    places = Places(recaller.sessions(asked))
    rows, _ = recaller.rows(asked, recall.window, places)
    sessions = [places.number(row) for row in rows]
    embedder = recaller.embedder or default_embedder()
    return bearing(asked.question, rows, sessions, _near(recaller, asked, rows), embedder=embedder, summary=summary)


def _near(recaller: Recaller, asked: Asked, rows: Sequence[Kept]) -> Floats | None:
    from rag.memory.meaning import Meaning

    try:
        meaning = Meaning(recaller.store, recaller.embedder, asked.scope)
        meaning.embed(rows, most=0)  # recalling has made those that were missing
        return meaning.cosines(asked.question, rows)
    except RagError as error:
        _log.warning("sentences are compared by words alone: %s", error)
        return None


def _says(sentence: Sentence, fact: Fact) -> bool:
    value = set(terms(fact.value))
    return not set(fact.turns).isdisjoint(sentence.turns) and value <= set(terms(sentence.text))


def _fitting(said: Iterable[Sentence], budget: int) -> Iterator[Sentence]:
    left = budget
    for sentence in said:
        left -= estimate(sentence.text) + 1
        if left < 0:
            return
        yield sentence
