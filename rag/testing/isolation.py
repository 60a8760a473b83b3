"""The contract of a store's scopes: what one tenant or user keeps is nobody else's to read, change or remove."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Callable, Collection, Iterator
from datetime import timedelta
from typing import Any, Final

from rag.memory.memory import Memory
from rag.memory.store import Derived, MemoryStore, Wanted
from rag.testing.fakes import FakeEmbedder
from rag.testing.turns import MINUTE, NOON, expect
from rag.types import Scope, Turn

__all__ = ["check_isolation"]


_NAMES: Final = (
    None, "acme", "acme2", "acm", "acme ", " acme", "ACME", "ac_e", "a%", "%", "_", "acme%", "acme' OR '1'='1",
    "acme\\", "acme/", "acmе", "ａcme", "acme\u200b", "acm\u0065\u0301", "acm\u00e9", "None", "NULL", "null", "''", "*",
)  # fmt: skip
"""Names that are taken for each other by a prefix, a wildcard, letter case, blanks, quotes or look-alike letters."""


_TURNS: Final = (
    "turns", "find", "conversations", "sessions", "speakers", "derived", "numbers", "held turns", "held sessions",
)  # fmt: skip
_PROFILE: Final = ("facts", "summary", "versions", "topics", "concepts", "concept", "history", "context")
"""Paths by which each scope finds what is its own."""


def check_isolation(make_store: Callable[[], MemoryStore]) -> None:
    """Hold a store to its scopes: nothing that one tenant or user keeps is read, changed or removed by another.

    Every path that reads is tried from every one of the neighbouring scopes, by method and by its async twin.

    Raises:
        AssertionError: the store leaks; the message says what, to whom.
    """
    with Memory(make_store(), embedder=FakeEmbedder()) as memory:
        scopes = [Scope(tenant=name, user="ann") for name in _NAMES] + [Scope(tenant="acme", user=n) for n in _NAMES]
        marks = {scope: f"secret{number}q" for number, scope in enumerate([*scopes, Scope(user="acme"), Scope()])}
        for scope, mark in marks.items():
            memory.add("shared", [Turn(turn_id="1", text=mark, at=NOON, speaker=mark)], scope=scope)
            memory.add(mark, [Turn(turn_id="1", text=f"I live in {mark}.", at=NOON, session=mark)], scope=scope)
        everyone = tuple(memory.store.find(Wanted(scope))[0].number for scope in marks)
        for (scope, mark), number in zip(marks.items(), everyone, strict=True):
            memory.store.put_vectors(dict.fromkeys(everyone, _vector(mark)), "e", scope)
            memory.store.derive([Derived("fact", "k", mark, (number,)), Derived("fact", "k", mark, everyone)], scope)
            memory.profile.refresh(f"{mark} where I live", scope=scope)
            memory.profile.concepts.upsert(mark, tag="me", info=mark, scope=scope)
        for (scope, mark), number in zip(marks.items(), everyone, strict=True):
            _check_seen(memory, scope, mark, marks.values())
            _check_profile(memory, scope, mark, marks.values())
            vectors = memory.store.vectors(everyone, "e", scope)
            expect(vectors == {number: _vector(mark)}, f"{scope} reads the vectors {vectors}")
        asyncio.run(_check_seen_async(memory, marks))
        _check_forgets_own(memory, marks)


def _check_seen(memory: Memory, scope: Scope, mark: str, marks: Collection[str]) -> None:
    _check_own(scope, mark, marks, dict(_reads(memory, scope, list(marks))), _TURNS)


def _check_profile(memory: Memory, scope: Scope, mark: str, marks: Collection[str]) -> None:
    _check_own(scope, mark, marks, dict(_profile_reads(memory, scope, list(marks))), _PROFILE)


def _check_own(scope: Scope, mark: str, marks: Collection[str], reads: dict[str, Any], own: tuple[str, ...]) -> None:
    """Each path brings the scope its own, and nothing of others."""
    for path, read in reads.items():
        others = [other for other in marks if other != mark and other in repr(read)]
        expect(not others, f"by {path}, {scope} reads what {len(others)} others own: {others[:3]}")
    for path in own:
        expect(mark in repr(reads[path]), f"by {path}, {scope} does not find its own {mark}")


def _reads(memory: Memory, scope: Scope, marks: list[str]) -> Iterator[tuple[str, Any]]:
    store, everything = memory.store, tuple(range(1, 10 * len(marks)))
    yield "turns", memory.turns("shared", scope=scope)
    yield "last turns", memory.turns("shared", last=9, scope=scope)
    yield "find", store.find(Wanted(scope))
    yield "numbers", store.find(Wanted(scope, numbers=everything))
    yield "bounds", store.find(Wanted(scope, start=NOON, end=NOON + MINUTE))
    yield "conversations", memory.conversations(scope)
    yield "sessions", memory.sessions(scope=scope)
    yield "speakers", store.speakers(Wanted(scope))
    yield "held turns", memory.recaller.store.find(Wanted(scope, last=9))
    yield "held sessions", memory.recaller.store.sessions(Wanted(scope), memory.gap)
    yield "derived", store.derived(scope, "fact")
    for name in (*marks, "%", "_", "shared%", "", "*"):
        yield f"conversation {name!r}", store.find(Wanted(scope, name))
    for name in (*marks[:3], "%", "_", ""):
        yield f"speaker {name!r}", store.find(Wanted(scope, speaker=name))


def _profile_reads(memory: Memory, scope: Scope, marks: list[str]) -> Iterator[tuple[str, Any]]:
    profile, everything = memory.profile, ", ".join(marks)
    topics = {*profile.topics(scope=scope), *(f"{mark} where I live" for mark in marks[:3]), "%", ""}
    yield "facts", profile.facts("home", closed=True, scope=scope)
    yield "facts of a moment", profile.facts(as_of=NOON, scope=scope)
    yield "summary", [profile.summary(topic, scope=scope) for topic in topics]
    yield "versions", [profile.versions(topic, scope=scope) for topic in topics]
    yield "topics", profile.topics(scope=scope)
    yield "concepts", profile.concepts.all(scope=scope)
    yield "concept", profile.concepts.find(everything, scope=scope)
    yield "history", [profile.concepts.history(tag, scope=scope) for tag in ("me", "%", "_", "", "*")]
    yield "context", profile.context("Where do I live?", now=NOON, turns=1, scope=scope)


async def _check_seen_async(memory: Memory, marks: dict[Scope, str]) -> None:
    async def seen(scope: Scope) -> str:
        profile, topic = memory.profile, f"{marks[scope]} where I live"
        reads = (
            memory.aturns("shared", scope=scope), memory.aconversations(scope), memory.asessions(scope=scope),
            profile.afacts(closed=True, scope=scope), profile.asummary(topic, scope=scope),
            profile.aversions(topic, scope=scope), profile.atopics(scope=scope),
            profile.concepts.aall(scope=scope), profile.concepts.ahistory("me", scope=scope),
            profile.concepts.afind("Where do I live?", scope=scope), profile.acontext("Where do I live?", scope=scope),
        )  # fmt: skip
        return repr(await asyncio.gather(*reads))

    for (scope, mark), read in zip(marks.items(), await asyncio.gather(*map(seen, marks)), strict=True):
        others = [other for other in marks.values() if other != mark and other in read]
        expect(not others and mark in read, f"asked at once with others, {scope} reads {others[:3]}")


def _check_forgets_own(memory: Memory, marks: dict[Scope, str]) -> None:
    (scope, mark), *others = marks.items()
    memory.expire_after(timedelta(days=1), scope=others[-1][0])
    expect(memory.turns("shared", scope=scope) != (), "a time to live of one scope hides turns of another")
    memory.expire_after(None, scope=others[-1][0])
    receipt = memory.forget(whole="user", scope=scope)
    expect(receipt.turns == 2, f"{scope} had 2 turns, and {receipt.turns} went")
    for other, mark in others:
        _check_seen(memory, other, mark, marks.values())
    tenant = Scope(tenant="acme", user="ann")
    due = sum(2 for other in marks if other.tenant == "acme" and other != scope)
    receipt = memory.forget(whole="tenant", scope=tenant)
    expect(receipt.turns == due, f"the tenant had {due} turns, and {receipt.turns} went")
    for other, mark in others:
        if other.tenant != "acme":
            _check_seen(memory, other, mark, marks.values())
    _check_profile(memory, *others[-1], marks.values())


def _vector(mark: str) -> bytes:
    return struct.pack("<f", int("".join(filter(str.isdigit, mark))))
