"""The contract of forgetting: all that is meant goes, with what was made of it, and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from rag.memory.memory import Memory
from rag.memory.store import Derived, Kept, MemoryStore, Wanted
from rag.testing.turns import MINUTE, NOON, VECTOR, expect, ids, turn
from rag.types import Scope

__all__ = ["check_forgetting"]


def check_forgetting(make_store: Callable[[], MemoryStore]) -> None:
    """Hold a store to what is forgotten: by turn, conversation, session, age, user and time to live.

    Raises:
        AssertionError: something is left, or too much went; the message says what.
    """
    scope = Scope(tenant="contract", user="forgetting")
    with Memory(make_store()) as memory:
        cases: list[tuple[dict[str, Any], str]] = [
            ({"conversation": "c", "turns": ["1", "5"]}, "c0 c2 c3 d0 d1 d2 d3"),
            ({"conversation": "c"}, "d0 d1 d2 d3"),
            ({"conversation": "d", "before": NOON + MINUTE}, "c0 c1 c2 c3 d1 d2 d3"),
            ({"before": NOON + 2 * MINUTE}, "c2 c3 d2 d3"),
            ({"whole": "user", "before": NOON + 3 * MINUTE}, "c3 d3"),
            ({"whole": "user"}, ""),
            ({"conversation": "%"}, "c0 c1 c2 c3 d0 d1 d2 d3"),
            ({"expired": True}, "c0 c1 c2 c3 d0 d1 d2 d3"),
        ]
        for what, left in cases:
            _fill(memory, scope)
            _check_forgotten(memory, scope, what, left)
        _check_session(memory, scope)
        _check_lifetime(memory, scope)
        _check_tenant(memory)


def _fill(memory: Memory, scope: Scope) -> None:
    memory.forget(whole="user", scope=scope)
    for name in ("c", "d"):
        memory.add(name, [turn(n, f"{name}{n}", at=NOON + n * MINUTE) for n in range(4)], scope=scope)
    found = memory.store.find(Wanted(scope))
    memory.store.put_vectors({kept.number: VECTOR for kept in found}, "e", scope)
    memory.store.derive([Derived("fact", kept.turn.text, "{}", (kept.number,)) for kept in found], scope)


def _check_forgotten(memory: Memory, scope: Scope, what: dict[str, Any], left: str) -> None:
    before = memory.store.find(Wanted(scope))
    receipt = memory.forget(**what, scope=scope)
    after = memory.store.find(Wanted(scope))
    texts = " ".join(sorted(kept.turn.text for kept in after))
    expect(texts == left, f"after forget({what}), {texts!r} is left, not {left!r}")
    gone = len(before) - len(after)
    counts = {"turns": gone, "vectors": gone, "derived": gone}
    expect((receipt.turns, dict(receipt.removed)) == (gone, counts), f"the receipt of {what} is wrong: {receipt}")
    expect(len(memory.store.vectors([k.number for k in before], "e", scope)) == len(after), f"{what} leaves vectors")
    made = sorted(one.key for one in memory.store.derived(scope, "fact"))
    expect(made == left.split(), f"after forget({what}), what was derived from {made} is left")
    expect(memory.verify(receipt), f"the receipt of {what} is not borne out")
    if gone:
        missing = next(kept for kept in before if kept not in after)
        memory.add(missing.conversation, [missing.turn], scope=scope)
        expect(not memory.verify(receipt), f"the receipt of {what} is borne out with {missing.turn.text!r} back")
        expect(
            _number(memory.store, scope, missing) > before[-1].number, "the number of a turn that went is used again"
        )


def _check_session(memory: Memory, scope: Scope) -> None:
    memory.forget(whole="user", scope=scope)
    turns = [turn(n, at=NOON + minutes * MINUTE, session=name) for n, minutes, name in _TALKS]
    memory.add("c", turns, scope=scope)
    for place, left in ((1, "0134"), (1, "013"), (0, "3")):
        memory.forget(session=memory.sessions("c", scope=scope)[place], scope=scope)
        found = "".join(sorted(ids(memory.store, scope)))
        expect(found == left, f"after a session is forgotten, the turns {found} are left, not {left}")


_TALKS: Final = ((0, 0, None), (1, 10, None), (2, 5, "talk"), (3, 70, "later"), (4, 50, None))


def _check_lifetime(memory: Memory, scope: Scope) -> None:
    memory.forget(whole="user", scope=scope)
    now = datetime.now(UTC)
    memory.add("c", [turn(1, at=now - timedelta(days=3)), turn(2, at=now - timedelta(hours=1))], scope=scope)
    for kept in memory.store.find(Wanted(scope)):
        memory.store.derive([Derived("fact", kept.turn.turn_id, "{}", (kept.number,))], scope)
    memory.expire_after(timedelta(days=2), scope=scope)
    expect(ids(memory.store, scope) == ["2"], "a turn is read past its time to live")
    expect(memory.sessions(scope=scope)[0].turns == 1, "a session counts turns past their time to live")
    expect(ids(memory.store, scope, start=now - timedelta(days=9)) == ["2"], "a window reaches past the time to live")
    made = [one.key for one in memory.store.derived(scope, "fact")]
    expect(made == ["2"], f"what was made of a turn past its time to live is read: {made}")
    memory.expire_after(timedelta(days=9), scope=scope)
    expect(ids(memory.store, scope) == ["1", "2"], "a longer time to live does not take the place of the shorter")
    memory.expire_after(timedelta(days=2), scope=scope)
    receipt = memory.forget(expired=True, scope=scope)
    memory.expire_after(None, scope=scope)
    expect((receipt.turns, ids(memory.store, scope)) == (1, ["2"]), "what expired is not removed, or more than that")


def _check_tenant(memory: Memory) -> None:
    """All of a tenant goes, also of a user who has no turn, or has none any more."""
    without, once, other = (Scope(tenant="contract 2", user=name) for name in ("without", "once", "other"))
    memory.add("c", [turn(1)], scope=once)
    memory.forget(whole="user", scope=once)
    for scope in (without, once):
        memory.store.derive([Derived("concept", "dog", "{}")], scope)
        memory.expire_after(timedelta(days=1), scope=scope)
    memory.add("c", [turn(1)], scope=other)
    receipt = memory.forget(whole="tenant", scope=Scope(tenant="contract 2"))
    expect((receipt.turns, receipt.removed["derived"]) == (1, 2), f"of a tenant's 1 turn and 2 concepts: {receipt}")
    for scope in (without, once):
        expect(memory.store.derived(scope, "concept") == [], f"{scope} has a concept after its tenant was forgotten")
        memory.add("c", [turn(1)], scope=scope)
        expect(ids(memory.store, scope) == ["1"], f"{scope} has a time to live after its tenant was forgotten")


def _number(store: MemoryStore, scope: Scope, like: Kept) -> int:
    found = store.find(Wanted(scope, like.conversation))
    return next(kept.number for kept in found if kept.turn.turn_id == like.turn.turn_id)
