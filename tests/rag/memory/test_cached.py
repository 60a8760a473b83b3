"""What is held of a store in memory: little enough, and read once. That it is right is the contract's to check."""

from datetime import UTC, datetime, timedelta

import pytest

from rag.memory import Memory, cached
from rag.memory.cached import CachedStore
from rag.memory.store import Wanted
from rag.testing import FakeEmbedder
from rag.types import Scope, Turn

NOON = datetime(2026, 5, 3, 12, tzinfo=UTC)
ANN, BOB = Scope(user="ann"), Scope(user="bob")


def turns(*minutes):
    return [Turn(text=f"turn {n} of kettles", at=NOON + n * timedelta(minutes=1)) for n in minutes]


@pytest.fixture
def memory():
    with Memory.open("sqlite://", embedder=FakeEmbedder()) as memory:
        for name in ("c", "d"):
            memory.add(name, turns(*range(6)), scope=ANN)
        yield memory


@pytest.fixture
def reads(memory, monkeypatch):
    """What is read of the store, as it is asked for."""
    found, find = [], memory.store.find
    monkeypatch.setattr(memory.store, "find", lambda wanted: (found.append(wanted), find(wanted))[1])
    return found


def test_a_second_question_reads_only_what_came_since(memory, reads):
    first = memory.recall("kettles", scope=ANN, k=20, now=NOON)
    memory.add("c", turns(7), scope=ANN)
    memory.add("c", turns(7), scope=BOB)
    reads.clear()
    second = memory.recall("kettles", scope=ANN, k=20, now=NOON)
    assert (len(first.turns), len(second.turns)) == (12, 13)
    assert {(wanted.after, wanted.scope) for wanted in reads} == {(12, ANN)}


def test_nothing_is_held_of_what_was_forgotten(memory):
    memory.recall("kettles", scope=ANN, now=NOON)
    memory.forget(whole="user", scope=ANN)
    assert not memory._cached._users
    assert memory.recall("kettles", scope=ANN, now=NOON).turns == ()


def test_a_question_of_a_moment_is_the_stores(memory, reads):
    early = ANN.model_copy(update={"as_of": NOON + timedelta(minutes=2)})
    memory.recall("kettles", scope=ANN, now=NOON)
    assert len(memory.recall("kettles", scope=early, k=20, now=NOON).turns) == 6
    assert reads[-1].scope == early


def test_only_the_latest_turns_are_held_and_earlier_ones_are_read(memory, monkeypatch):
    monkeypatch.setattr(cached, "_MOST", 4)
    held = CachedStore(memory.store)
    for number in range(3):
        for minute in range(8):
            window = Wanted(ANN, start=NOON + minute * timedelta(minutes=1), end=NOON + timedelta(minutes=5))
            for wanted in (Wanted(ANN, last=minute), window, Wanted(ANN, end=window.start), Wanted(ANN)):
                assert held.find(wanted) == memory.store.find(wanted), wanted
        assert len(held._users[None, "ann"].turns[None].rows) == 4
        memory.add("c", turns(number, 9), scope=ANN)


def test_what_was_asked_for_longest_ago_makes_room(memory, monkeypatch):
    monkeypatch.setattr(cached, "_MOST_OF_ALL", 8)
    memory.add("c", turns(*range(6)), scope=BOB)
    held = CachedStore(memory.store)
    for scope, name in ((ANN, "c"), (ANN, "d"), (BOB, "c"), (ANN, "d")):
        wanted = Wanted(scope, name, last=9)
        assert held.find(wanted) == memory.store.find(wanted)
        numbers = [row.number for row in held.find(wanted)]
        assert held.vectors(numbers, "e", scope) == {}
    assert [(key, list(of.turns)) for key, of in held._users.items()] == [((None, "ann"), ["d"])]
