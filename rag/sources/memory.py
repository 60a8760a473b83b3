"""A memory as a source: what was said before, by whom and when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel, ConfigDict, Field

from rag.card import Schema, ScopeField, SourceCard
from rag.errors import SourceError
from rag.protocols import Row, Source
from rag.run.task import Asked
from rag.sources.arguments import admit, make_card, read_arguments, translated
from rag.sources.threads import Threads
from rag.types import Hit, Scope, Turn

if TYPE_CHECKING:
    from rag.memory import Memory
    from rag.memory.profile import Concept, Fact
    from rag.memory.recalled import Recall
    from rag.memory.when.reading import Reading

__all__ = ["MEMORY", "MemorySource", "remembering"]

MEMORY: Final = "memory"
"""What an assistant's memory is called as a source."""

_ABOUT: Final = "what was said earlier in conversations with this user; only for questions about those"
_ENFORCED: Final[frozenset[ScopeField]] = frozenset({"tenant", "user", "as_of"})
_MOST: Final = 50  # turns that a question of a time alone brings
_RANKED: Final = 8
_STATING: Final = 3  # the best turns, whose facts are what the question asks for
_MOST_FACTS: Final = 4
_AT_ONCE: Final = 8
_THREADS: Final = Threads(_AT_ONCE)


class MemoryArguments(BaseModel):
    """What is looked for in a memory; without a time, in all that was said."""

    model_config = ConfigDict(extra="forbid")

    query: str | None = Field(
        None, min_length=1, description="what it was about, in plain words", json_schema_extra={"role": "query"}
    )
    when: str | None = Field(
        None,
        min_length=1,
        description='when it was said, such as "last Tuesday" or "two conversations ago"',
        json_schema_extra={"role": "said"},
    )
    speaker: str | None = Field(
        None,
        min_length=1,
        description='who said it: "user", "assistant", or a name',
        json_schema_extra={"role": "said"},
    )


_ROW: Final[Schema] = {
    "type": "object",
    "properties": {
        "doc_id": {"type": "string"},
        "chunk_id": {"type": "string"},
        "title": {"type": "string", "role": "title"},
        "text": {"type": "string"},
        "score": {"type": "number"},
        "metadata": {"type": "object"},
    },
}


@lru_cache(maxsize=1)
def _card() -> SourceCard:
    # One for all, so that what is worked out of a card is worked out once.
    return make_card(
        MEMORY, about=_ABOUT, arguments=MemoryArguments, output=_ROW, enforces=_ENFORCED, concurrency=_AT_ONCE
    )


@dataclass(frozen=True, slots=True)
class MemorySource:
    """Finds turns of a memory for one question.

    `conversation` is the one that the question belongs to, `turns` are its last ones, and `now` is when it is
    asked. All conversations of the scope's user are searched; where the scope names no user, that one alone,
    since the others may be anybody's. The session that is under way does not count as the last one.
    """

    memory: Memory
    now: datetime
    conversation: str | None = None
    turns: tuple[Turn, ...] = ()

    @property
    def card(self) -> SourceCard:
        """What planners are told."""
        return _card()

    async def call(self, args: Mapping[str, Any], scope: Scope) -> Sequence[Row]:
        """The turns that are asked for: all of a time, in order, or the best for a query, best first.

        Raises:
            ScopeError: the scope asks for labels, which turns do not have.
            SourceError: an argument does not fit, the time cannot be read, or the memory could not.
        """
        admit(self.card, scope)
        wanted = read_arguments(self.card, args)
        with translated(MEMORY):
            return await _THREADS.run(self._found, MemoryArguments.model_validate(wanted.model_dump()), scope)

    def _found(self, wanted: MemoryArguments, scope: Scope) -> list[Row]:
        from rag.memory.rank import near_best
        from rag.memory.recall import Asked as Question

        if scope.user is None and self.conversation is None:
            return []
        asked = Question(
            _question(wanted),
            conversation=None if scope.user else self.conversation,
            now=self.now,
            context=() if wanted.when else self.turns,
            k=_RANKED,
            scope=scope,
            within=self.conversation,
        )
        recaller = self.memory.recaller
        reading, sessions = recaller.reading(asked)
        reading = _as_told(reading, wanted)
        recall = recaller.answer(asked, reading, sessions)
        if reading.pure:
            shown, notes = _spread(recall.hits)
            return [*_looked(recall, notes), *map(_row, shown)]
        best = near_best(recall.hits, lambda hit: hit.score)
        return [*_looked(recall), *self._known(wanted, best, scope), *map(_row, best)]

    def _known(self, wanted: MemoryArguments, hits: Sequence[Hit], scope: Scope) -> list[Row]:
        """What the profile knows of the query: concepts that it names, and facts that it names or its turns state.

        They stand first: a turn that says what was true once says nothing of its being over.
        """
        if wanted.when or wanted.speaker or not wanted.query:
            return []
        from rag.memory.store import Wanted

        profile = self.memory.profile
        facts = profile.facts(at=self.now, scope=scope)
        if scope.user is None:
            said = self.memory.store.find(Wanted(scope, self.conversation))
            ours = {kept.reference for kept in said}
            # What was edited by hand comes from no turn, and so from nobody that is known.
            facts = tuple(fact for fact in facts if fact.turns and ours.issuperset(fact.turns))
        best = [hit.passage.chunk_id for hit in hits[:_STATING]]
        named = profile.concepts.named(wanted.query, scope=scope) if scope.user is not None else []
        told = [fact for fact in facts if fact.is_named(wanted.query) or not set(best).isdisjoint(fact.turns)]
        return [*map(_concept_row, named), *map(_fact_row, told[:_MOST_FACTS])]


def remembering(sources: Mapping[str, Source], memory: object, asked: Asked, now: datetime) -> Mapping[str, Source]:
    """The sources of a question, with the memory among them where it can keep to the scope.

    A source that has its name goes before it.
    """
    from rag.memory import Memory

    somebodys = asked.scope.user is not None or asked.conversation is not None
    if not isinstance(memory, Memory) or MEMORY in sources or asked.scope.labels or not somebodys:
        return sources
    return {**sources, MEMORY: MemorySource(memory, now, asked.conversation, asked.turns)}


def _question(wanted: MemoryArguments) -> str:
    if wanted.when:
        return f"What did we talk about {wanted.when}?"
    return wanted.query or "What did we talk about?"


def _as_told(reading: Reading, wanted: MemoryArguments) -> Reading:
    """The reading with what the arguments say in so many words."""
    told: dict[str, Any] = {}
    if wanted.when:
        if reading.window is None:
            raise SourceError(
                f"{MEMORY}: when={wanted.when!r} is no time that can be read here; write one such as"
                ' "last Tuesday", "5 May" or "two conversations ago", or leave it out',
                source=MEMORY,
            )
        told |= {"content": wanted.query or "", "pure": not wanted.query}
    if wanted.speaker:
        role = wanted.speaker.casefold()
        told |= {"role": role, "speaker": None} if role in ("user", "assistant") else {"speaker": wanted.speaker}
    return reading.model_copy(update=told)


def _spread(hits: Sequence[Hit]) -> tuple[list[Hit], tuple[str, ...]]:
    """As many turns as are shown, taken evenly over all of them, so that no day of a long time is left out."""
    if len(hits) <= _MOST:
        return list(hits), ()
    shown = [hits[n * len(hits) // _MOST] for n in range(_MOST)]
    return shown, (f"{_MOST} of the {len(hits):,} turns of that time are shown, evenly spread",)


def _looked(recall: Recall, more: tuple[str, ...] = ()) -> list[Row]:
    """What has to be said of where was looked, as a row of its own: who reads the turns must know it."""
    text = "; ".join((*recall.notes, *more))
    return [_known_row(MEMORY, f"{MEMORY}#looked", "Where was looked", f"{text[0].upper()}{text[1:]}.")] if text else []


def _fact_row(fact: Fact) -> Row:
    name = fact.turns[-1] if fact.turns else f"{fact.subject}#{fact.attribute}"
    return _known_row("profile", f"{name}#{fact.attribute}", fact.subject or "user", str(fact))


def _concept_row(concept: Concept) -> Row:
    return _known_row("profile", f"concept#{concept.tag}", concept.name, str(concept))


def _known_row(doc_id: str, chunk_id: str, title: str, text: str) -> Row:
    row = {"doc_id": doc_id, "chunk_id": chunk_id, "title": title, "text": text}
    return row | {"score": 1.0, "metadata": {}, "told": True}


def _row(hit: Hit) -> Row:
    passage = hit.passage
    return {
        "doc_id": passage.doc_id,
        "chunk_id": passage.chunk_id,
        "title": passage.title,
        "text": passage.text,
        "score": hit.score,
        "metadata": passage.metadata,
        # A turn tells by being there: a reader without a model lists it, whatever its words.
        "told": True,
    }
