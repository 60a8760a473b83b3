"""The contract of what is held of a store in memory: it is what the store has, at each moment."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final
from uuid import uuid4

from rag.memory.cached import CachedStore
from rag.memory.sessions import GAP
from rag.memory.store import Kept, MemoryStore, Tally, Wanted, Which
from rag.testing.turns import MINUTE, NOON, VECTOR, expect
from rag.types import Scope, Turn

__all__ = ["check_cached"]

_BOUNDS: Final[tuple[dict[str, Any], ...]] = (
    {"last": 100},
    {"last": 2},
    {"start": NOON + 5 * MINUTE, "end": NOON + 90 * MINUTE},
)


def check_cached(make_store: Callable[[], MemoryStore]) -> None:
    """Hold a store to its tallies: what was read once is known to be other, whoever changed it meanwhile.

    Raises:
        AssertionError: what is held in memory is not what the store has; the message says after which change.
    """
    scope = Scope(tenant="contract", user="cached")
    store, cached = make_store(), CachedStore(make_store())
    expect(store.tally(Wanted(scope)) == Tally(0, 0, 0), "the tally of no turns is not all zeros")
    ever: dict[int, None] = {}
    for number, change in enumerate(_changes(store, scope)):
        change()
        for wanted in (Wanted(scope), Wanted(scope, "c")):
            found, due = cached.sessions(wanted, GAP), store.sessions(wanted, GAP)
            expect(found == due, f"after change {number}, the sessions held are {found}, not {due}")
            for bounds in _BOUNDS:
                asked = replace(wanted, **bounds)
                held = cached.find(asked)
                expect(held == store.find(asked), f"after change {number}, {len(held)} turns are held for {bounds}")
            names = cached.speakers(wanted)
            expect(names == store.speakers(wanted), f"after change {number}, the speakers held are {names}")
            ever |= {kept.number: None for kept in store.find(wanted)}
            vectors = store.vectors([*ever], "e", scope)
            expect(cached.vectors([*ever], "e", scope) == vectors, f"after change {number}, other vectors are held")
    cached.close()
    store.close()


def _changes(store: MemoryStore, scope: Scope) -> list[Callable[[], object]]:
    """Turns that come in order, late, in other conversations and sessions, and by others; and turns that go."""

    def add(name: str, minutes: int, session: str | None = None, of: Scope = scope) -> Callable[[], object]:
        turn = Turn(turn_id="", text=name, at=NOON + minutes * MINUTE, session=session, speaker=session or "Ann")
        return lambda: store.add(name, [turn.model_copy(update={"turn_id": uuid4().hex})], of)

    def forget(which: Callable[[list[Kept]], Kept]) -> Callable[[], object]:
        def forgotten() -> None:
            found = which(store.find(Wanted(scope)))
            store.forget(Which(found.conversation, (found.turn.turn_id,)), scope)

        return forgotten

    def embed() -> None:
        store.put_vectors(dict.fromkeys((kept.number for kept in store.find(Wanted(scope))), VECTOR), "e", scope)

    def one_for_another() -> None:
        forget(lambda found: found[0])()
        store.lifetime(scope, None)  # and another comes back, so that neither their count nor the latest tells

    adds = [add("c", 0), add("c", 10), add("c", 40), add("b", 5), add("d", 41, "talk"), add("c", 300, "talk")]
    late = [add("c", 20), add("c", 45), add("c", 290), add("b", -90), add("c", 310, "talk"), add("c", 305, "talk")]
    others = [add("c", 50, of=scope.model_copy(update={"user": "neighbour"})), embed]
    goes = [add("c", 400), add("e", 1), embed, forget(lambda found: found[0]), forget(lambda found: found[-1])]
    ends = [lambda: store.lifetime(scope, datetime.now(UTC) - NOON), add("c", 600), one_for_another, embed]
    return [*adds, *others, *late, *goes, *ends]
