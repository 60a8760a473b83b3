"""The log of turns, on real SQLite files."""

import asyncio
import sqlite3
from datetime import UTC, datetime, timedelta, timezone

import pytest
from pydantic import ValidationError

from rag.errors import ConfigError, InputError, StoreError, TurnConflict
from rag.memory import Memory
from rag.types import Scope, Turn

NOON = datetime(2026, 5, 3, 12, tzinfo=UTC)
ANN = Scope(tenant="acme", user="ann")


def turn(number, text="hi", **more):
    return Turn(turn_id=str(number), text=text, at=NOON, **more)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "chat.db"


@pytest.fixture
def memory():
    with Memory.open("sqlite://") as memory:
        yield memory


def texts(memory, conversation="c1", **how):
    return [turn.text for turn in memory.turns(conversation, **how)]


def test_turns_come_back_whole_after_a_restart(path):
    said = Turn(
        turn_id="7",
        role="user",
        speaker="Ann",
        text="Grüße ✓\0\n日本語",
        at=datetime(2026, 5, 3, 9, 30, 0, 123456, tzinfo=timezone(timedelta(hours=2))),
        zone="Europe/Berlin",
        session="s1",
        metadata={"n": [1, None, {"x": "ü"}]},
    )
    with Memory.open(path) as memory:
        assert memory.add("c1", [said]) == (said,)
    with Memory.open(f"sqlite:///{path}") as memory:
        assert memory.turns("c1") == (said,)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda m: m.add(7, [turn(2)]), "a conversation's name is text, not 7: write it as '7'"),
        (lambda m: m.add(None, [turn(2)]), "is text, not None"),
        (lambda m: m.add("c1", turn(2)), r"write \[turn\]"),
        (lambda m: m.add("c1", [{"text": "hi"}]), "dict is no turn"),
        (lambda m: m.add("c1", 5), "int is no turn"),
        (lambda m: m.add("c1", [turn(2), turn(3, zone="Europe/Belin")]), "'Europe/Belin' is no time zone"),
        (lambda m: m.turns(7), "is text, not 7"),
        (lambda m: m.recall("hi", context=["hello"]), "str is no turn"),
        (lambda m: m.forget(conversation="c1", turns="12"), r"write \['12'\]"),
        (lambda m: m.forget(conversation="c1", turns=[1]), "the id of a turn is text, not 1"),
        (lambda m: m.forget(session=1), "pass one that `sessions` gave"),
        (lambda m: m.expire_after(30), "turns cannot live for 30: pass a timedelta"),
        (lambda m: Memory.open("sqlite://", gap=20), "gap=20 is no length of time"),
        (lambda m: Memory.open("sqlite://", calendar="Europe/Berlin"), r"Calendar\(zone="),
    ],
)
def test_what_does_not_fit_is_refused_at_the_door(memory, wrong, said):
    memory.add("c1", [turn(1)])
    with pytest.raises(InputError, match=said):
        wrong(memory)
    assert [found.turn_id for found in memory.turns("c1")] == ["1"]


def test_turns_of_a_generator_are_kept(memory):
    memory.add("c1", (turn(n) for n in range(3)))
    memory.forget(conversation="c1", turns=(str(n) for n in range(2)))
    assert [found.turn_id for found in memory.turns("c1")] == ["2"]


def test_order_is_of_arrival_whatever_the_times_say(memory):
    memory.add("c1", [Turn(text="late", at=NOON + timedelta(days=1)), Turn(text="early", at=NOON)])
    memory.add("c1", [Turn(text="earlier", at=NOON - timedelta(days=1))])
    assert texts(memory) == ["late", "early", "earlier"]


@pytest.mark.parametrize(
    ("last", "expected"), [(2, ["2", "3"]), (9, ["1", "2", "3"]), (0, []), (None, ["1", "2", "3"])]
)
def test_the_last_turns_are_given_oldest_first(memory, last, expected):
    memory.add("c1", [turn(n, str(n)) for n in (1, 2, 3)])
    assert texts(memory, last=last) == expected


def test_a_negative_number_of_turns_is_refused(memory):
    with pytest.raises(InputError):
        memory.turns("c1", last=-1)


def test_a_turn_without_an_id_or_a_time_gets_them(memory):
    before = datetime.now(UTC)
    first, second = memory.add("c1", [Turn(text="hi"), Turn(text="hi")])
    assert before <= first.at <= datetime.now(UTC)
    assert len(first.turn_id) == 32
    assert first.turn_id != second.turn_id
    assert memory.turns("c1") == (first, second)


def test_the_same_turn_again_is_left_as_it_is(memory):
    memory.add("c1", [turn(1, speaker="Ann")])
    memory.add("c1", [turn(1, speaker="Bob"), turn(2), turn(2)])
    assert [(t.turn_id, t.speaker) for t in memory.turns("c1")] == [("1", "Ann"), ("2", "")]


def test_a_conflict_leaves_out_the_whole_batch(memory):
    memory.add("c1", [turn(1, "kept")])
    with pytest.raises(TurnConflict, match="turn '1' of conversation 'c1'"):
        memory.add("c1", [turn(2), turn(1, "changed")])
    assert texts(memory) == ["kept"]
    memory.add("c1", [turn(3)])


def test_a_conflict_within_a_batch_leaves_it_out(memory):
    with pytest.raises(TurnConflict):
        memory.add("c1", [turn(1, "one"), turn(1, "other")])
    assert texts(memory) == []


def test_a_turn_that_cannot_be_kept_leaves_out_the_whole_batch(memory):
    with pytest.raises(StoreError, match="nothing was added"):
        memory.add("c1", [turn(1), Turn(turn_id="2", text="half a pair \ud800")])
    assert texts(memory) == []


def test_the_same_id_elsewhere_is_another_turn(memory):
    for number, (conversation, scope) in enumerate(
        [("c1", None), ("c2", None), ("c1", ANN), ("c1", Scope(user="ann"))]
    ):
        memory.add(conversation, [turn(1, str(number))], scope=scope)
    assert texts(memory) == ["0"]
    assert texts(memory, scope=ANN) == ["2"]


SCOPES = [
    Scope(),
    Scope(tenant="acme"),
    Scope(tenant="ACME"),
    Scope(tenant="acme%"),
    Scope(tenant="acme "),
    Scope(tenant="acme", user="ann"),
    Scope(user="ann"),
    Scope(tenant="acme' OR '1'='1"),
    Scope(tenant="None", user="NULL"),
]


@pytest.mark.parametrize("scope", SCOPES, ids=repr)
def test_a_scope_sees_its_own_turns_and_no_others(memory, scope):
    for other in SCOPES:
        memory.add(f"of {other!r}", [turn(1)], scope=other)
        memory.add("shared name", [turn(1, repr(other))], scope=other)
    assert texts(memory, "shared name", scope=scope) == [repr(scope)]
    assert memory.conversations(scope) == (f"of {scope!r}", "shared name")


def test_as_of_hides_what_was_said_later(memory):
    memory.add("c1", [turn(1, "then"), Turn(text="later", at=NOON + timedelta(seconds=1))])
    assert texts(memory, scope=Scope(as_of=NOON)) == ["then"]
    assert memory.conversations(Scope(as_of=NOON - timedelta(days=1))) == ()


def test_conversations_are_in_order_of_their_first_turn(memory):
    for name in ("b", "a", "b", "c"):
        memory.add(name, [Turn(text="hi")])
    assert memory.conversations() == ("b", "a", "c")


def test_async_twins_do_the_same(path):
    async def talk():
        async with Memory.open(path) as memory:
            await asyncio.gather(*(memory.aadd("c1", [turn(n)], scope=ANN) for n in range(20)))
            return await memory.aturns("c1", last=50, scope=ANN)

    assert len(asyncio.run(talk())) == 20


def test_a_time_without_a_zone_says_how_to_fix_it():
    with pytest.raises(ValidationError, match=r"tzinfo=UTC"):
        Turn(text="hi", at=datetime(2026, 5, 3))


def test_the_file_is_safe_against_power_loss_and_says_its_format(path):
    with Memory.open(path) as memory:
        assert memory.store._db.execute("PRAGMA synchronous").fetchone() == (2,)
        assert memory.store._db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert memory.store._db.execute("PRAGMA user_version").fetchone() == (3,)


def test_a_memory_of_a_later_release_is_left_alone(path):
    Memory.open(path).close()
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 4")
    db.close()
    with pytest.raises(StoreError, match="later release"):
        Memory.open(path)


def test_a_database_of_something_else_is_left_alone(path):
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE orders (id)")
    db.close()
    with pytest.raises(StoreError, match="something else, with tables orders"):
        Memory.open(path)
    db = sqlite3.connect(path)
    assert db.execute("SELECT name FROM sqlite_master").fetchall() == [("orders",)]
    db.close()


def test_a_file_that_is_no_database_is_left_alone(path):
    path.write_text("dear diary " * 1000)
    with pytest.raises(StoreError, match="no SQLite file"):
        Memory.open(path)
    assert path.read_text() == "dear diary " * 1000


def test_a_damaged_file_is_told_in_one_line(path):
    with Memory.open(path) as memory:
        memory.add("c1", [Turn(text="x" * 500) for _ in range(200)])
    data = bytearray(path.read_bytes())
    data[4096 : len(data)] = b"\xff" * (len(data) - 4096)
    path.write_bytes(data)
    with Memory.open(path) as memory, pytest.raises(StoreError, match="damaged") as caught:
        memory.turns("c1")
    assert "\n" not in str(caught.value)


def test_a_missing_folder_and_a_folder_are_told(tmp_path):
    with pytest.raises(StoreError, match="does not exist: make it first"):
        Memory.open(tmp_path / "none" / "chat.db")
    with pytest.raises(StoreError, match="is a folder"):
        Memory.open(tmp_path)


def test_another_database_is_refused_without_its_password():
    with pytest.raises(ConfigError, match="kept in SQLite or PostgreSQL, not mysql") as caught:
        Memory.open("mysql://ann:hidden@host/chat")
    assert "hidden" not in str(caught.value)


def test_a_url_with_a_slash_too_few_is_told():
    with pytest.raises(ConfigError, match="one slash too few"):
        Memory.open("sqlite://chat.db")


def test_a_relative_url_is_relative_to_the_working_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Memory.open("sqlite:///chat.db").close()
    assert (tmp_path / "chat.db").exists()


def test_a_closed_memory_says_so():
    memory = Memory.open("sqlite://")
    memory.close()
    memory.close()
    with pytest.raises(StoreError, match="closed"):
        memory.turns("c1")
