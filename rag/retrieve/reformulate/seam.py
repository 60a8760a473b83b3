"""The seam of reformulation: what a reformulator is, and a retriever that searches for what it makes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import overload

from rag.retrieve.algebra import DEPTH, Query, Retriever
from rag.retrieve.fuse import Ranking, fused
from rag.retrieve.way import Way

__all__ = ["Chained", "Reformulated", "Reformulator", "Variant"]


@dataclass(frozen=True, slots=True)
class Variant:
    """A query to search for, with the weight that its hits count for."""

    query: Query
    weight: float = 1.0


class Reformulator(ABC):
    """Makes of a query the queries that are searched for in its place; see the package for its operators."""

    @abstractmethod
    async def variants(self, query: Query, retriever: Retriever, way: Way) -> Sequence[Variant]:
        """The queries to search for; at least one.

        Args:
            query: what is asked.
            retriever: what will search, for reformulators that want to see what the query finds.
            way: every piece of waiting goes through it.

        Raises:
            ModelError: a model that it needs failed.
            RetrievalError: the index cannot be read.
        """

    @overload
    def then(self, other: Retriever) -> Retriever: ...

    @overload
    def then(self, other: Reformulator) -> Reformulator: ...

    def then(self, other: Retriever | Reformulator) -> Retriever | Reformulator:
        """A retriever for what this makes of a query, or another reformulator after this one."""
        return Reformulated(self, other) if isinstance(other, Retriever) else Chained(self, other)

    @overload
    def __rshift__(self, other: Retriever) -> Retriever: ...

    @overload
    def __rshift__(self, other: Reformulator) -> Reformulator: ...

    def __rshift__(self, other: object) -> Retriever | Reformulator:
        return self.then(other) if isinstance(other, Retriever | Reformulator) else NotImplemented


@dataclass(frozen=True, slots=True, repr=False)
class Reformulated(Retriever):
    """What a retriever finds for each variant of the query, fused as all rankings are.

    That is the weighted mean of scores as shares of the best, where a ranking that lacks a hit counts
    for it as `fuse` says. It is near CombSUM, which is a sum, with nothing for what is missing.

    Source: Fox and Shaw, 1994, Combination of Multiple Searches, of whose rules this is a variant.
    """

    by: Reformulator
    inner: Retriever

    async def found(self, query: Query, k: int | None, way: Way) -> Ranking:
        """What the inner one finds for the only variant, or every hit of any variant."""
        variants = await self.by.variants(query, self.inner, way)
        if len(variants) == 1:
            return await self.inner.found(variants[0].query, k, way)
        rankings = [await self.inner.found(each.query, max(k or 0, DEPTH), way) for each in variants]
        weighed = [replace(found, weight=each.weight) for found, each in zip(rankings, variants, strict=True)]
        # Fused, they are one ranking again, and count as the inner one does.
        return replace(fused(weighed), weight=rankings[0].weight)

    def __repr__(self) -> str:
        return f"({self.by!r} >> {self.inner!r})"


@dataclass(frozen=True, slots=True, repr=False)
class Chained(Reformulator):
    """Two reformulators: the second one works on each query that the first one makes."""

    first: Reformulator
    second: Reformulator

    async def variants(self, query: Query, retriever: Retriever, way: Way) -> Sequence[Variant]:
        """What the second one makes of all that the first one makes."""
        found = []
        for before in await self.first.variants(query, retriever, way):
            after = await self.second.variants(before.query, retriever, way)
            found += [replace(each, weight=each.weight * before.weight) for each in after]
        return found

    def __repr__(self) -> str:
        return f"({self.first!r} >> {self.second!r})"
