"""The memory of executed plans, searched by the meaning of their questions."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal, Self

from rag.errors import ConfigError
from rag.experience.mmr import most_marginal
from rag.experience.served import served
from rag.experience.table import TABLES, Experience, forget, found, key_of, owner, put
from rag.plan import Plan
from rag.protocols import Example
from rag.retrieve.queries import query_vectors
from rag.sqlite import Format, SqliteFile, path_of, transaction
from rag.types import Scope

if TYPE_CHECKING:
    import numpy as np

    from rag.card import SourceCard
    from rag.protocols import Embedder

    Array = np.ndarray[Any, np.dtype[np.float32]]

__all__ = ["BALANCE", "MOST", "NEIGHBOURS", "ExperienceMemory"]

BALANCE: Final = 0.7
"""How much an example's worth counts beside its unlikeness to the others (λ of MMR)."""
MOST: Final = 1000
"""Experiences that are kept of one user, unless told otherwise."""
NEIGHBOURS: Final = 5
"""Experiences that vote for sources, unless told otherwise."""

_PARTIAL: Final = 0.5  # what a plan that left something open is worth beside one that did not


class ExperienceMemory(SqliteFile):
    """Keeps plans that served, in a SQLite file; open it with `ExperienceMemory.open`.

    Of one question one plan is kept. A plan is shown only where each source that it asks is among the
    cards, unchanged. It holds words of its question, so what one user asked is shown to no other: tenant
    and user of the scope say whose experiences are meant, and an absent one matches nothing but itself.
    `as_of` hides later ones. Threads and processes may share the file.

    Source: after Select2Plan, Buoso et al., 2024, arXiv 2411.04006 (demonstrations from experience, by MMR).

    Example:
        >>> from rag.card import SourceCard, free_query
        >>> from rag.plan import Step
        >>> card = SourceCard(name="rules", arguments=free_query())
        >>> step = Step(id="s1", source="rules", args={"query": "parental leave"})
        >>> with ExperienceMemory.open("sqlite://") as experience:
        ...     experience.add("How long is parental leave?", Plan(steps=(step,), sources={"rules": card.fingerprint}))
        ...     (example,) = experience.examples("How long is sick leave?", [card])
        >>> print(example.plan)
        s1  rules(query="parental leave")
    """

    FORMAT: ClassVar = Format("experience memory", "experiences", 1, TABLES)

    def __init__(self, path: str, *, embedder: Embedder | None = None, shared: bool = False, most: int = MOST) -> None:
        if most < 1:
            raise ConfigError(f"most={most} experiences cannot be kept: pass 1 or more")
        super().__init__(path)
        self._given, self._shared, self._most = embedder, shared, most

    @classmethod
    def open(cls, url: str | Path, *, embedder: Embedder | None = None, shared: bool = False, most: int = MOST) -> Self:
        """The experiences at a path or an SQLite URL; the file is made when it is not there.

        Args:
            url: as for `rag.Memory.open`.
            embedder: compares questions; by default, as an index does.
            shared: whether the users of a tenant are shown each other's questions and plans.
            most: how many are kept of each user; the oldest go first.

        Raises:
            ConfigError: the URL is of another database, or `most` is less than one.
            StoreError: the file cannot be opened, holds something else, is damaged, or comes from a later release.
        """
        return cls(path_of(url), embedder=embedder, shared=shared, most=most)

    def add(
        self,
        question: str,
        plan: Plan,
        *,
        outcome: Literal["complete", "partial"] = "complete",
        scope: Scope | None = None,
    ) -> None:
        """Keep a plan that was run and brought something, in the place of what was kept of its question.

        A partial one does not take the place of a complete one. A plan without steps, or one that does
        not state the fingerprint of each source that it asks, is not kept: nobody could tell where it fits.

        Raises:
            PlanError: the plan cannot be put in order.
            ConfigError: the embedder's files are missing.
            StoreError: the experience could not be written.
        """
        plan = served(plan)
        if not plan.steps or {step.source for step in plan.steps} != plan.sources.keys():
            return
        values = {
            "key": key_of(question),
            "question": question,
            "sources": json.dumps(plan.sources, sort_keys=True),
            "plan": plan.replace(question=question).to_json(),
            "outcome": outcome,
            "embedder": self._embedder.name,
            "vector": query_vectors(self._embedder)(question).tobytes(),
        }
        with self._held() as db, transaction(db):
            put(db, owner(scope), values, most=self._most)

    def examples(
        self, question: str, cards: Sequence[SourceCard], k: int = 3, *, scope: Scope | None = None
    ) -> tuple[Example, ...]:
        """Up to k experiences near the question and unlike each other, the nearest first.

        Nearness is the cosine of the questions' vectors, and half of it for a partial experience; see
        `BALANCE` for how it is weighed against likeness. The question itself, asked before, is among them.

        Raises:
            ConfigError: the embedder's files are missing.
            StoreError: the experiences could not be read.
        """
        kept = self._fitting(cards, scope)
        if not kept:
            return ()
        worth, vectors = self._compared(question, kept)
        chosen = [kept[row] for row in most_marginal(worth, vectors, k, balance=BALANCE)]
        return tuple(Example(one.question, Plan.from_json(one.plan), one.outcome) for one in chosen)

    def vote(
        self, question: str, cards: Sequence[SourceCard], k: int = NEIGHBOURS, *, scope: Scope | None = None
    ) -> dict[str, float]:
        """The share of the k nearest experiences that asked each source, from 0 to 1; the greatest first.

        Each experience counts as much as it is near, as for `examples`, so that the votes of distant ones are
        faint beside other scores from 0 to 1. Sources without a vote are left out.

        Raises:
            ConfigError: the embedder's files are missing.
            StoreError: the experiences could not be read.
        """
        kept = self._fitting(cards, scope)
        if not kept:
            return {}
        worth, _ = self._compared(question, kept)
        votes: dict[str, float] = {}
        for row in (-worth).argsort(kind="stable")[:k]:
            for name in kept[row].sources if worth[row] > 0 else ():
                votes[name] = votes.get(name, 0.0) + float(worth[row]) / k
        return dict(sorted(votes.items(), key=lambda vote: (-vote[1], vote[0])))

    def forget(self, scope: Scope, *, question: str | None = None) -> int:
        """Delete a user's experiences, or without a user those of all the tenant's users; how many there were.

        With `as_of`, those kept until then; with a question, those of that question.

        Raises:
            StoreError: the file could not be written.
        """
        with self._held() as db:
            with transaction(db):
                gone = forget(db, owner(scope, everyone=scope.user is None), question)
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # the log holds the deleted pages as they were
        return gone

    async def aadd(
        self,
        question: str,
        plan: Plan,
        *,
        outcome: Literal["complete", "partial"] = "complete",
        scope: Scope | None = None,
    ) -> None:
        """The async twin of `add`."""
        await asyncio.to_thread(self.add, question, plan, outcome=outcome, scope=scope)

    async def aexamples(
        self, question: str, cards: Sequence[SourceCard], k: int = 3, *, scope: Scope | None = None
    ) -> tuple[Example, ...]:
        """The async twin of `examples`."""
        return await asyncio.to_thread(self.examples, question, cards, k, scope=scope)

    async def avote(
        self, question: str, cards: Sequence[SourceCard], k: int = NEIGHBOURS, *, scope: Scope | None = None
    ) -> dict[str, float]:
        """The async twin of `vote`."""
        return await asyncio.to_thread(self.vote, question, cards, k, scope=scope)

    async def aforget(self, scope: Scope, *, question: str | None = None) -> int:
        """The async twin of `forget`."""
        return await asyncio.to_thread(self.forget, scope, question=question)

    @property
    def _embedder(self) -> Embedder:
        from rag.embed import default_embedder

        return self._given or default_embedder()

    def _fitting(self, cards: Sequence[SourceCard], scope: Scope | None) -> list[Experience]:
        """What the scope may see of plans whose sources are all among the cards, unchanged."""
        marks = {card.name: card.fingerprint for card in cards}
        with self._held() as db:
            seen = found(db, owner(scope, everyone=self._shared))
        return [one for one in seen if one.sources.items() <= marks.items()]

    def _compared(self, question: str, kept: Sequence[Experience]) -> tuple[Array, Array]:
        """What each experience is worth to the question, and the unit vectors of their questions."""
        import numpy as np

        vectors = self._vectors(kept)
        worth = vectors @ query_vectors(self._embedder)(question)
        partial = np.array([one.outcome == "partial" for one in kept])
        return np.where(partial, worth * np.float32(_PARTIAL), worth), vectors

    def _vectors(self, kept: Sequence[Experience]) -> Array:
        import numpy as np

        embedder = self._embedder
        known = {one.arrival: one.vector for one in kept if one.embedder == embedder.name}
        if foreign := [one for one in kept if one.arrival not in known]:
            known |= self._embedded_anew(foreign, embedder)
        joined = b"".join(known[one.arrival] for one in kept)
        return np.frombuffer(joined, dtype=np.float32).reshape(len(kept), -1)

    def _embedded_anew(self, foreign: Sequence[Experience], embedder: Embedder) -> dict[int, bytes]:
        """The vectors of what another embedder was used for, which are kept from now on."""
        fresh = embedder.embed([one.question for one in foreign])
        known = {one.arrival: vector.tobytes() for one, vector in zip(foreign, fresh, strict=True)}
        with self._held() as db, transaction(db):
            changes = [(embedder.name, vector, arrival) for arrival, vector in known.items()]
            db.executemany("UPDATE experiences SET embedder = ?, vector = ? WHERE arrival = ?", changes)
        return known
