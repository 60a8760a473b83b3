"""The seam of a store of turns: what the memory asks of it, and what else it may be able to do.

All that a store reads is of one tenant and user: an absent one matches nothing but itself. A turn later than
the scope's `as_of`, or older than the scope's time to live, is not read either.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Protocol, runtime_checkable

from rag.memory.sessions import Session
from rag.memory.store.values import Derived, Kept, Receipt, Tally, Wanted, Which
from rag.types import Scope, Turn

__all__ = ["Derives", "Forgets", "MemoryStore", "Store", "Talks", "Vectors"]


@runtime_checkable
class Store(Protocol):
    """Keeps turns, on disk before `add` returns; safe for threads."""

    def add(self, conversation: str, turns: Iterable[Turn], scope: Scope) -> tuple[Turn, ...]:
        """Append turns that have an id and a time, all or none; they come back as kept.

        A turn that is there already, with the same id and text, is left as it is.

        Raises:
            TurnConflict: a turn of the same id is there with another text.
            StoreError: the turns could not be written.
        """
        ...

    def find(self, wanted: Wanted) -> list[Kept]:
        """The turns that are wanted, by time and then arrival, or by arrival alone.

        Raises:
            StoreError: the turns could not be read.
        """
        ...

    def close(self) -> None:
        """Let go of files and connections."""
        ...


@runtime_checkable
class Talks(Protocol):
    """Says what conversations there are, without reading what was said in them."""

    def conversations(self, scope: Scope) -> tuple[str, ...]:
        """The names of the scope's conversations, in order of their first turn's arrival."""
        ...

    def sessions(self, wanted: Wanted, gap: timedelta) -> tuple[Session, ...]:
        """The sessions that the turns wanted fall into: those of `split`, numbered within each conversation."""
        ...

    def tally(self, wanted: Wanted) -> Tally:
        """What tells whether the turns wanted are still those that they were; zeros where there are none."""
        ...

    def speakers(self, wanted: Wanted) -> tuple[str, ...]:
        """Who speaks in the turns wanted, each once, in alphabetical order; "" where nobody is named."""
        ...


@runtime_checkable
class Vectors(Protocol):
    """Keeps vectors beside turns. They are put later than the turns, by whoever needs them first."""

    def vectors(self, numbers: Sequence[int], embedder: str, scope: Scope) -> dict[int, bytes]:
        """The vectors (float32, little-endian) of the embedder for turns of the scope, as far as they are there."""
        ...

    def put_vectors(self, vectors: Mapping[int, bytes], embedder: str, scope: Scope) -> None:
        """Keep vectors of turns of the scope; those of turns that are not there (any more) are dropped."""
        ...


@runtime_checkable
class Derives(Protocol):
    """Keeps what is made from turns; it goes in the same transaction as one of its turns."""

    def derive(self, made: Iterable[Derived], scope: Scope, *, replaces: Sequence[int] = ()) -> tuple[Derived, ...]:
        """Keep what was made, numbered, in the place of those of the scope that it `replaces`, all or nothing.

        What was made from turns that are not there (any more) is dropped.
        """
        ...

    def derived(self, scope: Scope, kind: str, key: str | None = None) -> list[Derived]:
        """What is kept of a kind, and of a key where one is given, in the order that it was written.

        What was made from a turn past its time to live is not read.
        """
        ...


@runtime_checkable
class Forgets(Protocol):
    """Forgets turns and all that was made of them, now or when they are old."""

    def forget(self, which: Which, scope: Scope) -> Receipt:
        """Remove turns with their vectors, index entries and what was derived from them.

        Raises:
            StoreError: nothing was removed.
        """
        ...

    def verify(self, receipt: Receipt) -> bool:
        """Whether nothing is left of what the receipt says is gone."""
        ...

    def lifetime(self, scope: Scope, lasts: timedelta | None) -> None:
        """Hide the scope's turns when they are older than this, from now on; None keeps them for ever."""
        ...


@runtime_checkable
class MemoryStore(Store, Talks, Vectors, Derives, Forgets, Protocol):
    """All that a memory stands on; `rag.testing.memory` holds a store of your own to it."""
