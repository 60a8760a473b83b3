"""What else holds words of a memory's turns: answers and plans that assistants keep for later questions."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol
from weakref import WeakSet

from rag.errors import StoreError
from rag.memory.store.values import Derived, Receipt, Which
from rag.types import Scope

if TYPE_CHECKING:
    from rag.memory.store.seam import MemoryStore

__all__ = ["Copies", "Copy"]

_KIND: Final = "cache"


class Copy(Protocol):
    """Holds what was made of a scope's turns, and forgets it."""

    def forget(self, scope: Scope, *, tenant_wide: bool = False) -> int:
        """Drop all that is of the scope's user, or of its tenant; how many values went.

        Raises:
            StoreError: something of it may be left.
        """
        ...


@dataclass(frozen=True, slots=True)
class Copies:
    """The copies that go when turns are forgotten: all that they hold of the scope, since who asked is all they know.

    Those in this process are held weakly. Files are written down in the store, so that they are found by
    whoever forgets, also when the assistant that made them is long closed.
    """

    store: MemoryStore
    _here: WeakSet[Any] = field(default_factory=WeakSet)

    def add(self, copy: Copy) -> None:
        """Have a copy in this process forget with the memory, for as long as it lives."""
        self._here.add(copy)

    def note(self, path: Path, scope: Scope) -> None:
        """Write down that a file is about to hold words of the scope's tenant.

        Raises:
            StoreError: it could not be written.
        """
        of = Scope(tenant=scope.tenant)
        known = self.store.derived(of, _KIND, str(path))
        if all(one.body != platform.node() for one in known):
            self.store.derive([Derived(_KIND, str(path), platform.node())], of)

    def forget(self, which: Which, scope: Scope) -> Receipt:
        """Forget turns, and then the copies; the receipt counts both, and says which copies could not be reached.

        Raises:
            StoreError: nothing was removed.
        """
        of = Scope(tenant=scope.tenant)
        noted = self.store.derived(of, _KIND)
        if which.whole and not which.expired:  # else they would go, and be counted, with what was made of turns
            self.store.derive((), of, replaces=[one.number for one in noted])
        receipt = self.store.forget(which, scope)
        if which.whole == "user" and not which.expired:
            self.store.derive(noted, of)
        copies = {_path(copy): copy for copy in (*_files(noted), *self._here) if not getattr(copy, "closed", False)}
        if not copies or (which.expired and not receipt.turns):
            return receipt
        counts, notes = _forgotten(copies.values(), scope, tenant_wide=which.whole == "tenant")
        return receipt.model_copy(
            update={"removed": {**receipt.removed, "cached": sum(counts)}, "notes": (*receipt.notes, *notes)}
        )


@dataclass(frozen=True, slots=True)
class _File:
    """A file that was written down; one that is gone holds nothing."""

    path: Path
    host: str

    def forget(self, scope: Scope, *, tenant_wide: bool = False) -> int:
        from rag.run.cachefile import KeptFile

        if self.host != platform.node():
            raise StoreError(f"the cache {self.path} lies on {self.host}: remove that file there")
        if not self.path.exists():
            return 0
        with closing(KeptFile.open(self.path)) as file:
            return file.forget(scope, tenant_wide=tenant_wide)


def _path(copy: Copy) -> object:
    """What tells copies apart: one that has its file open goes before the file."""
    return getattr(copy, "path", None) or id(copy)


def _files(noted: Sequence[Derived]) -> Iterator[_File]:
    return (_File(Path(one.key), one.body) for one in {(one.key, one.body): one for one in noted}.values())


def _forgotten(copies: Iterable[Copy], scope: Scope, *, tenant_wide: bool) -> tuple[list[int], list[str]]:
    counts, notes = [], []
    for copy in copies:
        try:
            counts.append(copy.forget(scope, tenant_wide=tenant_wide))
        except StoreError as error:
            notes.append(f"answers kept for later questions may be left: {error}")
    return counts, notes
