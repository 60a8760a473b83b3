"""The contract of a store of turns: run it over a store of your own.

Each check takes a function that makes a store over one and the same empty database each time it is called,
and raises an AssertionError that says what was expected:

    def test_my_store():
        check_store(make_my_store)
        check_isolation(make_my_store)
        check_forgetting(make_my_store)

The three may follow each other on one database: each uses conversations and tenants of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from rag.errors import InputError, StoreError, TurnConflict
from rag.memory.memory import Memory
from rag.memory.sessions import GAP, split
from rag.memory.store import Derived, MemoryStore, Wanted
from rag.testing.cached import check_cached
from rag.testing.forgetting import check_forgetting
from rag.testing.isolation import check_isolation
from rag.testing.turns import MINUTE, NOON, VECTOR, expect, ids, turn
from rag.types import Scope, Turn

__all__ = ["check_forgetting", "check_isolation", "check_store"]


def check_store(make_store: Callable[[], MemoryStore]) -> None:
    """Hold a store to what it keeps: turns whole, in order, all or none, found by what they are, and sessions.

    Raises:
        AssertionError: the store does not keep the contract; the message says where.
    """
    for number, check in enumerate((_whole, _all_or_none, _orders, _bounds, _dialogue, _sessions, _beside)):
        scope = Scope(tenant="contract", user=f"{number}")
        store = make_store()
        expect(isinstance(store, MemoryStore), "the store lacks methods of rag.memory.store.MemoryStore")
        check(store, scope)
        kept = store.find(Wanted(scope))
        store.close()
        again = make_store()
        expect(again.find(Wanted(scope)) == kept, f"after {check.__name__[1:]}, a store opened anew finds other turns")
        again.close()
    _names(make_store, Scope(tenant="contract", user="names"))
    check_cached(make_store)


def _whole(store: MemoryStore, scope: Scope) -> None:
    said = Turn(
        turn_id="7",
        role="user",
        speaker="Ann",
        text="Grüße ✓\n\t日本語 \U0001f600 '; DROP TABLE turns; -- \0\x10@\0",
        at=datetime(2026, 5, 3, 9, 30, 0, 123456, tzinfo=timezone(timedelta(hours=2))),
        zone="Europe/Berlin",
        session="s1",
        metadata={"n": [1, None, {"x": "ü"}], "": 0.1},
    )
    plain = Turn(turn_id="", text="", at=NOON)
    store.add("c", [said, plain], scope)
    store.add("c", [said], scope)
    found = [kept.turn for kept in store.find(Wanted(scope))]
    expect(found == [said, plain], f"turns come back changed: {found}")
    told = found[0].at
    expect(told is not None and told.utcoffset() == timedelta(hours=2), f"{told} is not told in the turn's own zone")
    twice = [datetime(2026, 10, 25, 0, 30, tzinfo=UTC) + timedelta(hours=n) for n in (0, 1)]
    store.add(
        "hour that comes twice", [Turn(turn_id=str(at), text="", at=at, zone="Europe/Berlin") for at in twice], scope
    )
    times = [kept.turn.at for kept in store.find(Wanted(scope, "hour that comes twice"))]
    expect(times == twice, f"in the hour that the clock shows twice, {twice} became {times}")
    far = [datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)]
    store.add("ends of time", [Turn(turn_id=str(at), text="", at=at, zone="Asia/Tokyo") for at in far], scope)
    expect([kept.turn.at for kept in store.find(Wanted(scope, "ends of time"))] == far, "the ends of time are lost")


def _names(make_store: Callable[[], MemoryStore], scope: Scope) -> None:
    with Memory(make_store()) as memory:
        for name in (7, None, b"c"):
            try:
                memory.add(name, [turn(1)], scope=scope)  # type: ignore[arg-type]
            except InputError:
                pass
            else:
                raise AssertionError(f"a conversation was called {name!r}, which is no text")
        memory.add(_Name("c"), [turn(1)], scope=scope)
        expect(memory.conversations(scope) == ("c",), "a name that is a kind of text does not come back as its text")
        expect(ids(memory.store, scope, conversation="c") == ["1"], "a conversation is not found by its name")


class _Name(str):
    """Text of a class of its own, as arrays and enumerations have it."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "a name"


def _all_or_none(store: MemoryStore, scope: Scope) -> None:
    store.add("c", [turn(1, "kept")], scope)
    store.add("c", [turn(1, "kept", speaker="other"), turn(2), turn(2)], scope)
    expect(ids(store, scope) == ["1", "2"], "a turn that was there already, with the same text, was added or refused")
    for bad, error in (([turn(3), turn(1, "changed")], TurnConflict), ([turn(3), turn(4, "\ud800")], StoreError)):
        try:
            store.add("c", bad, scope)
        except error:
            pass
        else:
            raise AssertionError(f"{bad} was accepted; {error.__name__} was due")
        expect(ids(store, scope) == ["1", "2"], f"a batch that ended in {error.__name__} was kept in part")
    store.add("c", [turn(3)], scope)
    expect(ids(store, scope) == ["1", "2", "3"], "nothing can be added after a failure")


def _orders(store: MemoryStore, scope: Scope) -> None:
    for number, minutes in ((1, 30), (2, 10), (3, 20), (4, 20)):  # a clock that goes backwards, turns that come late
        store.add("c", [turn(number, at=NOON + minutes * MINUTE)], scope)
    numbers = [kept.number for kept in store.find(Wanted(scope, order="arrival"))]
    expect(numbers == sorted(set(numbers)), f"numbers do not grow with arrival: {numbers}")
    for order, last, due in (
        ("arrival", None, "1234"), ("time", None, "2341"), ("arrival", 2, "34"), ("time", 3, "341"), ("time", 0, ""),
        ("time", 9, "2341"),
    ):  # fmt: skip
        found = "".join(ids(store, scope, order=order, last=last))
        expect(found == due, f"order={order!r}, last={last} brings {found!r}, not {due!r}")


def _bounds(store: MemoryStore, scope: Scope) -> None:
    said = [("Ann", "user"), ("ann", "assistant"), ("", None)]
    turns = [turn(n, at=NOON + n * MINUTE, speaker=who, role=role) for n, (who, role) in enumerate(said)]
    store.add("c", turns, scope)
    store.add("d", [turn(3, at=NOON + 3 * MINUTE)], scope)
    numbers = tuple(kept.number for kept in store.find(Wanted(scope)))
    cases: list[tuple[dict[str, Any], str]] = [
        ({"start": NOON + MINUTE}, "123"), ({"end": NOON + MINUTE}, "0"), ({"conversation": "d"}, "3"),
        ({"start": NOON + MINUTE, "end": NOON + 3 * MINUTE, "conversation": "c"}, "12"), ({"speaker": "Ann"}, "0"),
        ({"speaker": ""}, "23"), ({"role": "assistant"}, "1"), ({"numbers": (numbers[3], numbers[1], 10**9)}, "13"),
        ({"after": numbers[1]}, "23"), ({"after": numbers[3]}, ""), ({"numbers": ()}, ""),
        ({"conversation": "%"}, ""), ({"conversation": ""}, ""),
    ]  # fmt: skip
    for wanted, due in cases:
        found = "".join(ids(store, scope, **wanted))
        expect(found == due, f"{wanted} brings {found!r}, not {due!r}")
    early = scope.model_copy(update={"as_of": NOON + MINUTE})
    expect(ids(store, early) == ["0", "1"], "as_of does not hide what was said later")
    expect(store.conversations(early) == ("c",), "as_of does not hide conversations that began later")
    expect(store.speakers(Wanted(scope, "c")) == ("", "Ann", "ann"), "the speakers are not told, each once, in order")


def _dialogue(store: MemoryStore, scope: Scope) -> None:
    for name in ("b", "a", "b", "c", "é", "%"):
        store.add(name, [Turn(turn_id=f"{name}{len(ids(store, scope))}", text="hi", at=NOON)], scope)
    found = store.conversations(scope)
    expect(found == ("b", "a", "c", "é", "%"), f"conversations are not in order of their first turn: {found}")


def _sessions(store: MemoryStore, scope: Scope) -> None:
    turns = [
        turn(n, at=NOON + minutes * MINUTE, session=name, zone=zone)
        for n, (minutes, name, zone) in enumerate(
            [(0, None, "Asia/Tokyo"), (20, None, "UTC"), (41, None, "UTC"), (30, "talk", "UTC"), (900, "talk", "UTC"),
             (50, None, "UTC"), (5, "", "UTC"), (900, None, "Europe/Berlin"), (900, "talk 2", "UTC")]
        )
    ]  # fmt: skip
    store.add("c", turns[::-1], scope)
    store.add("a", turns[3:4], scope)
    for gap in (GAP, timedelta(), timedelta(hours=20)):
        due = split(turns[3:4], gap, conversation="a") + split(turns[::-1], gap, conversation="c")
        found = store.sessions(Wanted(scope), gap)
        expect(found == due, f"with a gap of {gap}, the sessions are {found}, not {due}")
    expect(
        store.sessions(Wanted(scope, "a"), GAP) == split(turns[3:4], conversation="a"), "sessions of one talk differ"
    )
    expect(store.sessions(Wanted(scope, "none"), GAP) == (), "a conversation that is not there has sessions")


def _beside(store: MemoryStore, scope: Scope) -> None:
    store.add("c", [turn(1), turn(2)], scope)
    one, two = (kept.number for kept in store.find(Wanted(scope)))
    store.put_vectors({one: VECTOR, two: VECTOR, 10**9: VECTOR}, "e1", scope)
    store.put_vectors({one: VECTOR * 2}, "e1", scope)
    store.put_vectors({one: VECTOR * 3}, "e2", scope)
    found = store.vectors([one, two, 10**9], "e1", scope)
    expect(found == {one: VECTOR * 2, two: VECTOR}, f"the vectors come back as {found}")
    (first, second) = store.derive(
        [Derived("fact", "tea", '{"x": "ü"}', (one, two)), Derived("fact", "tea", "1")], scope
    )
    expect(store.derived(scope, "fact", "tea") == [first, second], "what was derived comes back changed")
    expect(store.derive([Derived("fact", "tea", "2", (10**9,))], scope) == (), "what stands on no turn was kept")
    (third,) = store.derive([Derived("fact", "tea", "3", (two,))], scope, replaces=[first.number, second.number])
    expect(store.derived(scope, "fact") == [third], "what was replaced is still there")
