"""The profile of a user: what their turns tell of them, made beside the turns and never in their place."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from rag.errors import InputError, StoreError
from rag.memory.profile.concepts import Concepts
from rag.memory.profile.context import ProfileContext, in_short
from rag.memory.profile.facts import FACT, RULES, Said, by_rules, facts
from rag.memory.profile.modelled import batches, facts_by
from rag.memory.profile.summaries import EXTRACTION, Summaries
from rag.memory.profile.values import Fact, Summary
from rag.memory.recall import Asked
from rag.memory.store.values import Derived, Wanted
from rag.run.bridge import run
from rag.types import Scope

if TYPE_CHECKING:
    from rag.memory.recall import Recaller
    from rag.protocols import Model

__all__ = ["Profile"]

_BUDGET: Final = 400
_READ: Final = "profile.read"  # rows that say how far a model has read
_log = logging.getLogger(__name__)


class Profile:
    """Summaries, facts and concepts of a memory's users; `memory.profile` is one.

    Facts and summaries are made by `refresh`, which a job calls now and then; reading makes nothing. Both come
    from turns, name them, and go with them. `concepts` are edited by hand.

    Example:
        >>> from rag.memory import Memory
        >>> from rag.types import Turn
        >>> with Memory.open("sqlite://") as memory:
        ...     kept = memory.add("c1", [Turn(turn_id="1", role="user", text="I live in Rome. And you?")])
        ...     summary = memory.profile.refresh()
        ...     str(summary), summary.sentences[0].turns, memory.profile.facts()[0].value
        ('I live in Rome.', ('c1#1',), 'Rome')
    """

    def __init__(self, recaller: Recaller) -> None:
        self._recaller, self._store = recaller, recaller.store
        self.concepts = Concepts(recaller.store, recaller.embedder)

    def refresh(
        self, topic: str = "", *, model: Model | None = None, budget: int = _BUDGET, scope: Scope | None = None
    ) -> Summary:
        """Read facts from the turns that came since, and take them into the summary of a topic.

        Without a model facts are read by rules, and the summary is made of the sentences that tell most.
        Turns that are gone leave nothing behind: the facts and sentences that others bear out stay.

        Args:
            topic: what the summary is about, in words; "" for all that is told of who speaks.
            model: reads facts beside the rules, and writes the summary.
            budget: tokens of the summary at most.
            scope: whose turns.

        Raises:
            InputError: the budget is below 1, or the scope has an `as_of`.
            StoreError: the memory could not be read or written.
            ModelError: the model failed; what was made before stays.
        """
        return run(self.arefresh, topic, model=model, budget=budget, scope=scope)

    async def arefresh(
        self, topic: str = "", *, model: Model | None = None, budget: int = _BUDGET, scope: Scope | None = None
    ) -> Summary:
        """The async twin of `refresh`."""
        scope = scope or Scope()
        if budget < 1:
            raise InputError(f"a summary of {budget} tokens cannot be made: pass a budget of 1 or more")
        if scope.as_of is not None:
            raise InputError("a profile is made of all turns: leave as_of out, and give it when the profile is read")
        summaries = Summaries(self._store, scope)
        await asyncio.to_thread(self._read_facts, scope)
        if model is not None:
            await self._read_facts_by(model, scope)
        await asyncio.to_thread(summaries.follow, topic, model.name if model else EXTRACTION, budget)
        return await summaries.made(topic, budget, model)

    def restore(self, *, scope: Scope | None = None) -> None:
        """Make anew what turns that are left bear out, as far as that needs no model; `memory.forget` calls it.

        What could not be made is made by the next `refresh`.
        """
        scope = scope or Scope()
        try:
            for topic, (by, budget) in Summaries(self._store, scope).topics().items():
                if by == EXTRACTION:
                    self.refresh(topic, budget=budget, scope=scope)
        except StoreError as error:  # the turns are gone, which is what was asked for
            _log.warning("the profile was not made anew after turns were forgotten: %s", error)

    def summary(self, topic: str = "", *, as_of: datetime | None = None, scope: Scope | None = None) -> Summary | None:
        """The summary of a topic as it was last made, or had been at a moment; None where there is none.

        Raises:
            StoreError: the memory could not be read.
        """
        versions = self.versions(topic, scope=_as_of(scope, as_of))
        return versions[-1] if versions else None

    def versions(self, topic: str = "", *, scope: Scope | None = None) -> tuple[Summary, ...]:
        """The versions of a topic's summary, the oldest first; those made of forgotten turns are gone.

        Raises:
            StoreError: the memory could not be read.
        """
        return tuple(Summaries(self._store, scope or Scope()).versions(topic))

    def topics(self, *, scope: Scope | None = None) -> tuple[str, ...]:
        """The topics that are summarised.

        Raises:
            StoreError: the memory could not be read.
        """
        return tuple(Summaries(self._store, scope or Scope()).topics())

    def facts(
        self,
        attribute: str | None = None,
        *,
        at: datetime | None = None,
        as_of: datetime | None = None,
        closed: bool = False,
        scope: Scope | None = None,
    ) -> tuple[Fact, ...]:
        """What is true, as far as is known; or was true at one moment, as far as was known at another.

        Args:
            attribute: only this one, such as "home".
            at: the moment that it is to be true at; by default that of `as_of`, or now.
            as_of: the moment that it was known at; by default the scope's, or now.
            closed: also what is no longer true, or not yet.
            scope: whose facts.

        Raises:
            StoreError: the memory could not be read.
        """
        scope = _as_of(scope, as_of)
        rows = self._store.derived(scope, FACT, attribute and attribute.casefold())
        edits = self.concepts.edits(scope=scope)
        found = facts((Said.model_validate_json(row.body) for row in rows), edits)
        then = at or scope.as_of or datetime.now(UTC)
        return tuple(
            fact
            for fact in found
            if (closed or fact.holds(then)) and (attribute is None or fact.attribute == attribute.casefold())
        )

    def context(
        self,
        question: str,
        conversation: str | None = None,
        *,
        now: datetime | None = None,
        turns: int = 0,
        budget: int = 500,
        scope: Scope | None = None,
    ) -> ProfileContext:
        """What a reader should know to answer a question, in few words.

        What is no longer true is left out.

        Args:
            question: what is asked.
            conversation: where turns are looked for; None is all of the scope's.
            now: what "yesterday" counts from; by default the present.
            turns: how many turns in full, where there is room.
            budget: tokens of all that at most.
            scope: whose profile.

        Raises:
            InputError: `now` has no zone.
            StoreError: the memory could not be read.
        """
        asked = Asked(question, conversation, now, k=max(1, turns), scope=scope or Scope())
        summaries = [self.summary(topic, scope=scope) for topic in self.topics(scope=scope)]
        return in_short(
            self._recaller,
            asked,
            self.facts(closed=True, scope=scope),
            [sentence for summary in summaries if summary for sentence in summary.sentences],
            concepts=self.concepts.named(question, scope=scope),
            turns=turns,
            budget=budget,
        )

    async def asummary(
        self, topic: str = "", *, as_of: datetime | None = None, scope: Scope | None = None
    ) -> Summary | None:
        """The async twin of `summary`."""
        return await asyncio.to_thread(self.summary, topic, as_of=as_of, scope=scope)

    async def aversions(self, topic: str = "", *, scope: Scope | None = None) -> tuple[Summary, ...]:
        """The async twin of `versions`."""
        return await asyncio.to_thread(self.versions, topic, scope=scope)

    async def atopics(self, *, scope: Scope | None = None) -> tuple[str, ...]:
        """The async twin of `topics`."""
        return await asyncio.to_thread(self.topics, scope=scope)

    async def afacts(
        self,
        attribute: str | None = None,
        *,
        at: datetime | None = None,
        as_of: datetime | None = None,
        closed: bool = False,
        scope: Scope | None = None,
    ) -> tuple[Fact, ...]:
        """The async twin of `facts`."""
        return await asyncio.to_thread(self.facts, attribute, at=at, as_of=as_of, closed=closed, scope=scope)

    async def acontext(
        self,
        question: str,
        conversation: str | None = None,
        *,
        now: datetime | None = None,
        turns: int = 0,
        budget: int = 500,
        scope: Scope | None = None,
    ) -> ProfileContext:
        """The async twin of `context`."""
        return await asyncio.to_thread(
            self.context, question, conversation, now=now, turns=turns, budget=budget, scope=scope
        )

    def _read_facts(self, scope: Scope) -> None:
        """Keep what rules read from the turns that are there, and nothing else of theirs."""
        rows = self._store.find(Wanted(scope, order="arrival"))
        due = {(one.numbers, one.body): one for row in rows for one in by_rules(row)}
        kept = [one for one in self._store.derived(scope, FACT) if Said.model_validate_json(one.body).by == RULES]
        known = {(one.numbers, one.body) for one in kept}
        stale = [one.number for one in kept if (one.numbers, one.body) not in due]
        new = [one for key, one in due.items() if key not in known]
        if new or stale:
            self._store.derive(new, scope, replaces=stale)

    async def _read_facts_by(self, model: Model, scope: Scope) -> None:
        """Keep what a model reads from the turns that it has not read yet."""
        rows = await asyncio.to_thread(self._store.find, Wanted(scope, order="arrival"))
        marks = await asyncio.to_thread(self._store.derived, scope, _READ, model.name)
        through = max((int(mark.body) for mark in marks), default=0)
        for batch in batches([row for row in rows if row.number > through]):
            made = [*await facts_by(model, batch), Derived(_READ, model.name, str(batch[-1].number))]
            replaces = [mark.number for mark in marks]
            written = await asyncio.to_thread(self._store.derive, made, scope, replaces=replaces)
            marks = [one for one in written if one.kind == _READ]


def _as_of(scope: Scope | None, as_of: datetime | None) -> Scope:
    scope = scope or Scope()
    return scope if as_of is None else scope.model_copy(update={"as_of": as_of})
