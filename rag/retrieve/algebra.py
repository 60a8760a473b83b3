"""Retrievers as expressions: `(index.lexical() + index.dense()) % 50 >> rag.rerank(model) % 8`.

| operator | method | meaning |
| --- | --- | --- |
| `a + b` | `a.fuse(b)` | one ranking of both |
| `a * 2` | `a.weighted(2)` | counts twice where it is fused |
| `a % 50` | `a.cut(50)` | its first 50 |
| `a >> step` | `a.then(step)` | what it found, through a step such as `rerank` |
| `by >> a` | `a.reformulated(by)` | what it finds for the query in other words; `by` is of `rag.retrieve.reformulate` |

Precedence is Python's: `*` and `%`, then `+`, then `>>`. Every expression is an immutable value that
can be shared and searched from many threads, and prints itself with all its parentheses.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from rag.errors import ConfigError, InputError
from rag.retrieve.fuse import Ranking, fused
from rag.retrieve.query import Query
from rag.retrieve.way import BLOCKING, IN_LOOP, Way, finished
from rag.types import Hit, Scope

if TYPE_CHECKING:
    from rag.retrieve.reformulate import Reformulator

__all__ = ["DEPTH", "Leaf", "Query", "Retriever", "Step"]

DEPTH: Final = 100
"""Hits that each part of a fusion is asked for; 50 and 200 measured within .002 nDCG@10 of it."""


class Retriever(ABC):
    """Something that finds hits for a query; see the module for its operators."""

    def search(
        self, query: str, k: int | None = None, *, scope: Scope | None = None, collection: str | None = None
    ) -> list[Hit]:
        """The best hits, best first, seen by this scope alone.

        Args:
            query: plain text; an empty one finds nothing.
            k: how many at most; without it as many as the expression gives.
            scope: in whose name; without one, what was stored without one is searched.
            collection: the only collection to look in.

        Raises:
            InputError: `k` is below 1.
            RetrievalError: the index cannot be read.
            ModelError: the embedder, or a model of the expression, failed.
        """
        return finished(self._search(Query(query, scope, collection), k, BLOCKING))

    async def asearch(
        self, query: str, k: int | None = None, *, scope: Scope | None = None, collection: str | None = None
    ) -> list[Hit]:
        """As `search`, in worker threads where it would block the event loop.

        Raises:
            InputError: `k` is below 1.
            RetrievalError: the index cannot be read.
            ModelError: the embedder, or a model of the expression, failed.
        """
        return await self._search(Query(query, scope, collection), k, IN_LOOP)

    async def _search(self, query: Query, k: int | None, way: Way) -> list[Hit]:
        if k is not None and k < 1:
            raise InputError(f"k is {k}; ask for at least 1 hit")
        if not query.text.strip():
            return []
        # Halves of surrogate pairs cannot be encoded by what lies beneath.
        clean = replace(query, text=query.text.encode("utf-8", "replace").decode("utf-8"))
        return list((await self.found(clean, k, way)).hits[:k])

    @abstractmethod
    async def found(self, query: Query, k: int | None, way: Way) -> Ranking:
        """At least the `k` best hits, if there are so many; every piece of waiting goes through `way`."""

    def fuse(self, other: Retriever) -> Retriever:
        """One ranking of what both find; three or more fused are equals."""
        return Fused((*_parts(self), *_parts(other)))

    def weighted(self, weight: float) -> Retriever:
        """The same hits, which count `weight` times where they are fused.

        Raises:
            ConfigError: the weight is not above 0.
        """
        return Weighted(self, weight)

    def cut(self, n: int) -> Retriever:
        """The first `n` hits.

        Raises:
            ConfigError: `n` is below 1.
        """
        return Cut(self, n)

    def then(self, step: Step) -> Retriever:
        """What is found, through a step."""
        return Then(self, step)

    def reformulated(self, by: Reformulator) -> Retriever:
        """What is found for what a reformulator makes of the query."""
        return by.then(self)

    def __add__(self, other: object) -> Retriever:
        return self.fuse(other) if isinstance(other, Retriever) else NotImplemented

    def __mul__(self, weight: object) -> Retriever:
        return self.weighted(weight) if isinstance(weight, int | float) else NotImplemented

    __rmul__ = __mul__

    def __mod__(self, n: object) -> Retriever:
        return self.cut(n) if isinstance(n, int) else NotImplemented

    def __rshift__(self, step: object) -> Retriever:
        return self.then(step) if isinstance(step, Step) else NotImplemented


class Step(ABC):
    """Turns hits into other hits: orders them anew, or leaves some out."""

    @abstractmethod
    async def applied(self, query: Query, hits: Sequence[Hit], way: Way) -> Sequence[Hit]:
        """The hits after this step."""

    def cut(self, n: int) -> Step:
        """The first `n` of what this step leaves.

        Raises:
            ConfigError: `n` is below 1.
        """
        return CutStep(self, n)

    def then(self, step: Step) -> Step:
        """Another step after this one."""
        return ThenStep(self, step)

    def __mod__(self, n: object) -> Step:
        return self.cut(n) if isinstance(n, int) else NotImplemented

    def __rshift__(self, step: object) -> Step:
        return self.then(step) if isinstance(step, Step) else NotImplemented


@dataclass(frozen=True, slots=True, repr=False)
class Leaf(Retriever):
    """A retriever that is a function of a query and a number of hits."""

    name: str
    find: Callable[[Query, int], list[Hit]]

    async def found(self, query: Query, k: int | None, way: Way) -> Ranking:
        """What the function finds."""
        asked = k or DEPTH
        hits = await way.compute(self.find, query, asked)
        return Ranking(hits, complete=len(hits) < asked)

    def __repr__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True, repr=False)
class Fused(Retriever):
    """One ranking of what its parts find, each by its weight."""

    parts: tuple[Retriever, ...]

    async def found(self, query: Query, k: int | None, way: Way) -> Ranking:
        """Every hit of any part."""
        rankings = [await part.found(query, max(k or 0, DEPTH), way) for part in self.parts]
        return fused(rankings)

    def __repr__(self) -> str:
        return f"({' + '.join(map(repr, self.parts))})"


@dataclass(frozen=True, slots=True, repr=False)
class Weighted(Retriever):
    """A retriever that counts for more or less where it is fused."""

    inner: Retriever
    weight: float

    def __post_init__(self) -> None:
        if not 0 < self.weight < math.inf:
            raise ConfigError(f"a weight of {self.weight} cannot work; give a number above 0")

    async def found(self, query: Query, k: int | None, way: Way) -> Ranking:
        """What the inner one finds."""
        found = await self.inner.found(query, k, way)
        return replace(found, weight=found.weight * self.weight)

    def __repr__(self) -> str:
        return f"({self.inner!r} * {self.weight:g})"


@dataclass(frozen=True, slots=True, repr=False)
class Cut(Retriever):
    """The first hits of a retriever."""

    inner: Retriever
    n: int

    def __post_init__(self) -> None:
        _check_cut(self.n)

    async def found(self, query: Query, k: int | None, way: Way) -> Ranking:
        """What the inner one finds first."""
        found = await self.inner.found(query, self.n, way)
        return replace(found, hits=found.hits[: self.n], complete=found.complete and len(found.hits) <= self.n)

    def __repr__(self) -> str:
        return f"({self.inner!r} % {self.n})"


@dataclass(frozen=True, slots=True, repr=False)
class Then(Retriever):
    """A retriever's hits, through a step."""

    first: Retriever
    step: Step

    async def found(self, query: Query, k: int | None, way: Way) -> Ranking:
        """What the step makes of all that the first one gives."""
        found = await self.first.found(query, None, way)
        hits = await self.step.applied(query, found.hits, way)
        # A step may leave hits out, so that what is missing may have matched.
        return replace(found, hits=hits, complete=False)

    def __repr__(self) -> str:
        return f"({self.first!r} >> {self.step!r})"


@dataclass(frozen=True, slots=True, repr=False)
class CutStep(Step):
    """The first hits that a step leaves."""

    inner: Step
    n: int

    def __post_init__(self) -> None:
        _check_cut(self.n)

    async def applied(self, query: Query, hits: Sequence[Hit], way: Way) -> Sequence[Hit]:
        """The first of them."""
        return (await self.inner.applied(query, hits, way))[: self.n]

    def __repr__(self) -> str:
        return f"({self.inner!r} % {self.n})"


@dataclass(frozen=True, slots=True, repr=False)
class ThenStep(Step):
    """Two steps, one after the other."""

    first: Step
    second: Step

    async def applied(self, query: Query, hits: Sequence[Hit], way: Way) -> Sequence[Hit]:
        """What both make of the hits."""
        return await self.second.applied(query, await self.first.applied(query, hits, way), way)

    def __repr__(self) -> str:
        return f"({self.first!r} >> {self.second!r})"


def _parts(retriever: Retriever) -> tuple[Retriever, ...]:
    return retriever.parts if isinstance(retriever, Fused) else (retriever,)


def _check_cut(n: int) -> None:
    if n < 1:
        raise ConfigError(f"cannot cut to {n} hits; keep at least 1")
