"""Concepts that a user tells about by hand: who or what is meant by a name, kept with every edit.

Source: Hao et al., 2024, RAP: Retrieval-Augmented Personalization, section 3: a database of concepts that a
user edits at any time; those that a text names are taken first, then the nearest.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final
from uuid import uuid4

from rag.errors import InputError
from rag.memory.profile.values import ME, Concept, Edit
from rag.memory.store.values import Derived
from rag.types import Scope

if TYPE_CHECKING:
    from rag.memory.store.seam import Derives
    from rag.protocols import Embedder

__all__ = ["Concepts", "mentioned"]

_KIND: Final = "profile.concept"
_GONE: Final = "null"


class Concepts:
    """The concepts of a memory's users; an edit is on disk, and holds, when its call returns.

    Example:
        >>> from rag.memory import Memory
        >>> with Memory.open("sqlite://") as memory:
        ...     concepts = memory.profile.concepts
        ...     rex = concepts.upsert("Rex", category="dog", info="A Beagle that likes cheese.")
        ...     [concept.name for concept in concepts.find("What does Rex like?")]
        ['Rex']
    """

    def __init__(self, store: Derives, embedder: Embedder | None = None) -> None:
        self._store, self._embedder = store, embedder

    def upsert(
        self,
        name: str,
        *,
        tag: str | None = None,
        aliases: Iterable[str] | None = None,
        category: str | None = None,
        info: str | None = None,
        attributes: Mapping[str, str] | None = None,
        scope: Scope | None = None,
    ) -> Concept:
        """Make the concept of that name or tag, or change what is given of it.

        Args:
            name: what it is called.
            tag: what it is known by for good; "me" for the user; by default a new one is made up.
            aliases: other names, in the place of those it had.
            category: what it is, such as "dog".
            info: what is to be known of it.
            attributes: such as {"age": "3"}, in the place of those it had.
            scope: whose concept.

        Raises:
            InputError: it has no name, or a name of another concept.
            StoreError: it could not be written.
        """
        known = {concept.tag: concept for concept in self.all(scope=scope)}
        before = known.get(tag) if tag else next((one for one in known.values() if _is_called(one, name)), None)
        told = {"category": category, "info": info, "attributes": attributes and dict(attributes)}
        changes: dict[str, Any] = {key: value for key, value in told.items() if value is not None}
        if attributes is not None:
            changes["attributes"] = dict(attributes)
        if aliases is not None:
            changes["aliases"] = tuple(aliases)
        if before is None or tag:
            changes["name"] = name
        concept = (before or Concept(tag=tag or uuid4().hex, name=name)).model_copy(update=changes)
        return self._kept(concept, known.values(), scope)

    def rename(self, name: str, new: str, *, scope: Scope | None = None) -> Concept:
        """Call a concept something else from now on; its tag stays, and what it was called is given up.

        Raises:
            InputError: there is no concept of that name, or another one has the new one.
            StoreError: it could not be written.
        """
        known = self.all(scope=scope)
        concept = _of_name(known, name)
        aliases = tuple(alias for alias in concept.aliases if alias.casefold() != new.casefold())
        return self._kept(concept.model_copy(update={"name": new, "aliases": aliases}), known, scope)

    def delete(self, name: str, *, scope: Scope | None = None) -> None:
        """Take a concept out; its history stays until the user is forgotten.

        Raises:
            InputError: there is no concept of that name.
            StoreError: it could not be written.
        """
        concept = _of_name(self.all(scope=scope), name)
        self._store.derive([Derived(_KIND, concept.tag, _GONE)], scope or Scope())

    def all(self, *, scope: Scope | None = None) -> tuple[Concept, ...]:
        """The concepts as they are, or were at the scope's `as_of`, in order of their first edit."""
        return tuple(concept for concept, _ in self.edits(scope=scope))

    def edits(self, *, scope: Scope | None = None) -> tuple[tuple[Concept, datetime], ...]:
        """The concepts as they are, each with the time of its last edit."""
        last = {row.key: _edit(row) for row in self._store.derived(scope or Scope(), _KIND)}
        return tuple((edit.concept, edit.at) for edit in last.values() if edit.concept is not None)

    def history(self, tag: str, *, scope: Scope | None = None) -> tuple[Edit, ...]:
        """What a concept was made into, the oldest edit first; nothing for a tag that is not there."""
        return tuple(map(_edit, self._store.derived(scope or Scope(), _KIND, tag)))

    def named(self, text: str, *, scope: Scope | None = None) -> list[Concept]:
        """The user, where they told of themselves, and the concepts that a text names, in order of mention.

        Raises:
            StoreError: they could not be read.
        """
        known = self.all(scope=scope)
        found = mentioned(text, known)
        return [*(one for one in known if one.tag == ME and one not in found), *found]

    def find(
        self, text: str, *, category: str | None = None, k: int = 2, scope: Scope | None = None
    ) -> tuple[Concept, ...]:
        """The concepts that a text is about: all that it names, then the nearest in meaning, up to `k` in all.

        Raises:
            StoreError: they could not be read.
            RagError: the embedder failed.
        """
        known = [one for one in self.all(scope=scope) if category is None or one.category == category]
        named = mentioned(text, known)
        rest = [one for one in known if one not in named]
        return (*named, *self._nearest(text, rest, k - len(named)))

    def _nearest(self, text: str, concepts: Sequence[Concept], count: int) -> list[Concept]:
        if count < 1 or not concepts:
            return []
        from rag.embed import default_embedder

        embedder = self._embedder or default_embedder()
        vectors = embedder.embed([text, *map(str, concepts)])
        order = (-(vectors[1:] @ vectors[0])).argsort(kind="stable")[:count]
        return [concepts[place] for place in order.tolist()]

    def _kept(self, concept: Concept, known: Iterable[Concept], scope: Scope | None) -> Concept:
        if not all(name.strip() for name in concept.names):
            raise InputError("a concept without a name cannot be found in a text: give it one")
        others = [one for one in known if one.tag != concept.tag]
        taken = next((name for name in concept.names for one in others if _is_called(one, name)), None)
        if taken is not None:
            raise InputError(f"{taken!r} is the name of another concept: pass its tag to change it, or another name")
        self._store.derive([Derived(_KIND, concept.tag, concept.model_dump_json())], scope or Scope())
        return concept

    async def aupsert(
        self,
        name: str,
        *,
        tag: str | None = None,
        aliases: Iterable[str] | None = None,
        category: str | None = None,
        info: str | None = None,
        attributes: Mapping[str, str] | None = None,
        scope: Scope | None = None,
    ) -> Concept:
        """The async twin of `upsert`."""
        return await asyncio.to_thread(
            self.upsert,
            name,
            tag=tag,
            aliases=aliases,
            category=category,
            info=info,
            attributes=attributes,
            scope=scope,
        )

    async def arename(self, name: str, new: str, *, scope: Scope | None = None) -> Concept:
        """The async twin of `rename`."""
        return await asyncio.to_thread(self.rename, name, new, scope=scope)

    async def adelete(self, name: str, *, scope: Scope | None = None) -> None:
        """The async twin of `delete`."""
        await asyncio.to_thread(self.delete, name, scope=scope)

    async def aall(self, *, scope: Scope | None = None) -> tuple[Concept, ...]:
        """The async twin of `all`."""
        return await asyncio.to_thread(self.all, scope=scope)

    async def ahistory(self, tag: str, *, scope: Scope | None = None) -> tuple[Edit, ...]:
        """The async twin of `history`."""
        return await asyncio.to_thread(self.history, tag, scope=scope)

    async def afind(
        self, text: str, *, category: str | None = None, k: int = 2, scope: Scope | None = None
    ) -> tuple[Concept, ...]:
        """The async twin of `find`."""
        return await asyncio.to_thread(self.find, text, category=category, k=k, scope=scope)


def mentioned(text: str, concepts: Iterable[Concept]) -> list[Concept]:
    """The concepts that a text names, as whole words in any case, in order of mention.

    Example:
        >>> rex = Concept(tag="r", name="Rex", aliases=("the Beagle",))
        >>> [one.name for one in mentioned("Is THE BEAGLE fed?", [rex])], mentioned("Rexford", [rex])
        (['Rex'], [])
    """
    found = [(min(places), concept) for concept in concepts if (places := list(_places(text, concept)))]
    return [concept for _, concept in sorted(found, key=lambda pair: pair[0])]


def _places(text: str, concept: Concept) -> Iterable[int]:
    for name in concept.names:
        # RAP's names stand in angle brackets, so that a word boundary would not find them.
        if match := re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text, re.IGNORECASE):
            yield match.start()


def _is_called(concept: Concept, name: str) -> bool:
    return any(known.casefold() == name.casefold() for known in concept.names)


def _of_name(concepts: Iterable[Concept], name: str) -> Concept:
    found = next((one for one in concepts if _is_called(one, name) or one.tag == name), None)
    if found is None:
        raise InputError(f"there is no concept {name!r}: upsert it first")
    return found


def _edit(row: Derived) -> Edit:
    concept = None if row.body == _GONE else Concept.model_validate_json(row.body)
    return Edit(concept=concept, at=row.recorded or datetime.now(UTC))
