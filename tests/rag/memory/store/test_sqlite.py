"""The SQLite store: files of earlier releases, bytes that must go, and cost that must not grow with others."""

import random
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from rag.errors import StoreError
from rag.memory import Memory
from rag.memory.store import Derived, Wanted
from rag.types import Scope, Turn

ROOT = Path(__file__).parents[4]
NOON = datetime(2026, 5, 3, 12, tzinfo=UTC)
ME, BOB = Scope(tenant="acme", user="CANARY"), Scope(tenant="acme", user="bob")

FORMAT_1 = """
CREATE TABLE turns (
    arrival INTEGER PRIMARY KEY AUTOINCREMENT,
    tenant TEXT, user TEXT, conversation TEXT NOT NULL, turn_id TEXT NOT NULL,
    role TEXT, speaker TEXT NOT NULL, text TEXT NOT NULL,
    at TEXT NOT NULL, zone TEXT NOT NULL, session TEXT, metadata TEXT NOT NULL
);
CREATE UNIQUE INDEX turn_identity ON turns (ifnull(tenant, x''), ifnull(user, x''), conversation, turn_id);
CREATE INDEX turn_order ON turns (tenant, user, conversation, arrival);
PRAGMA user_version = 1;
PRAGMA journal_mode = WAL;
"""

OPEN_AND_DIE = """
import os, signal, sys
from rag.memory import Memory
from rag.memory.store import tables
left = [int(sys.argv[2])]
def civil(at, zone, civil=tables.civil):
    left[0] -= 1
    if not left[0]:
        os.kill(os.getpid(), signal.SIGKILL)
    return civil(at, zone)
tables.civil = civil
Memory.open(sys.argv[1])
"""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "chat.db"


@pytest.fixture
def old(path):
    """A file as the first release left it, with 500 turns."""
    rows = [
        (n + 1, "acme", None, "c", f"t{n}", "user", "Ann", f"text {n}\0✓", at, zone, None, '{"n": [1]}')
        for n in range(500)
        for at, zone in [((NOON + n * timedelta(hours=5)).isoformat(timespec="microseconds"), "Asia/Tokyo")]
    ]
    db = sqlite3.connect(path)
    db.executescript(FORMAT_1)
    db.executemany(f"INSERT INTO turns VALUES ({', '.join('?' * 12)})", rows)
    db.commit()
    db.close()
    return path


def check_upgraded(path):
    scope = Scope(tenant="acme")
    with Memory.open(path) as memory:
        turns = memory.turns("c", scope=scope)
        assert [turn.text for turn in turns] == [f"text {n}\0✓" for n in range(500)]
        assert [turn.at for turn in turns] == [NOON + n * timedelta(hours=5) for n in range(500)]
        assert turns[7].metadata == {"n": [1]}
        memory.add("c", [Turn(turn_id="t7", text="text 7\0✓"), Turn(turn_id="new", text="new")], scope=scope)
        assert memory.store.find(Wanted(scope))[-1].number > 500
        columns = memory.store._db.execute("SELECT civil_date, weekday FROM turns WHERE arrival = 3").fetchone()
        assert columns == ("2026-05-04", 0), "22:00 UTC is Monday in Tokyo"
        assert memory.store._db.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_file_of_the_first_release_is_read_on(old):
    check_upgraded(old)


def test_a_file_of_the_second_format_is_read_on(old):
    Memory.open(old).close()
    db = sqlite3.connect(old)
    # As the second format was at first: without checksums.
    db.executescript("ALTER TABLE turns DROP COLUMN checksum; PRAGMA user_version = 2")
    db.close()
    check_upgraded(old)


@pytest.mark.parametrize("calls", [1, 400])
def test_an_upgrade_that_is_killed_leaves_the_file_as_it_was(old, calls):
    died = subprocess.run(
        [sys.executable, "-c", OPEN_AND_DIE, old, str(calls)], cwd=ROOT, capture_output=True, check=False
    )
    assert died.returncode == -9, died.stderr
    db = sqlite3.connect(old)
    assert db.execute("PRAGMA user_version").fetchone() == (1,)
    assert db.execute("SELECT count(*) FROM turns WHERE at LIKE '2026-%'").fetchone() == (500,)
    db.close()
    check_upgraded(old)


def test_the_first_release_cannot_write_into_an_upgraded_file(path):
    Memory.open(path).close()
    db = sqlite3.connect(path)
    with pytest.raises(sqlite3.IntegrityError):
        db.execute(
            "INSERT INTO turns (conversation, turn_id, speaker, text, at, zone, metadata)"
            " VALUES ('c', '1', '', '', '2026-05-03T12:00:00+00:00', 'UTC', '{}')"
        )
    db.close()


def canaries(path):
    return sum(file.read_bytes().count(b"CANARY") for file in path.parent.iterdir())


def filled(memory):
    """Turns that lie between another's, with ids in no order, so that pages were split and rows moved."""
    draw = random.Random(1)
    for scope, mark in ((ME, "CANARY"), (BOB, "plain")):
        more = {"speaker": mark, "session": mark, "metadata": {mark: mark}, "at": NOON}
        ids = [f"{draw.random()}{mark}" for _ in range(300)]
        turns = [Turn(turn_id=name, text=f"{mark} " * draw.choice([1, 20, 2000]), **more) for name in ids]
        memory.add(mark, turns, scope=scope)
        numbers = [kept.number for kept in memory.store.find(Wanted(scope))]
        memory.store.put_vectors(dict.fromkeys(numbers[::2], mark.encode() * 200), "e", scope)
        memory.store.derive([Derived(mark, mark, mark * 50, tuple(numbers[:3]))], scope)


def test_no_byte_of_what_is_forgotten_is_left_in_any_file(path):
    with Memory.open(path) as memory:
        filled(memory)
        assert canaries(path) > 1000
        ids = [turn.turn_id for turn in memory.turns("CANARY", scope=ME)]
        memory.forget(conversation="CANARY", turns=ids[::2], scope=ME)
        receipt = memory.forget(whole="user", scope=ME)
        assert (receipt.turns, memory.verify(receipt)) == (150, True)
        assert canaries(path) == 0
        assert memory.store._db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert len(memory.turns("plain", scope=BOB)) == 300
    assert canaries(path) == 0


def test_a_reader_who_holds_on_is_told_of_and_verified_later(path):
    with Memory.open(path) as memory:
        memory.add("c", [Turn(text="CANARY")])
        memory.store._db.execute("PRAGMA busy_timeout = 50")
        reader = sqlite3.connect(path, isolation_level=None)
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM turns").fetchall()
        receipt = memory.forget(conversation="c")
        assert "bytes of them may be left" in receipt.notes[0]
        assert memory.turns("c") == ()
        assert not memory.verify(receipt)
        reader.close()
        assert memory.verify(receipt)
    assert canaries(path) == 0


def test_a_writer_who_comes_when_the_bytes_are_gone_does_not_fail_the_forgetting(path):
    with Memory.open(path) as memory:
        memory.add("c", [Turn(text="CANARY")])
        memory.store._db.execute("PRAGMA busy_timeout = 50")
        writer = sqlite3.connect(path, isolation_level=None)
        memory.store._db.set_trace_callback(
            lambda statement: writer.execute("BEGIN IMMEDIATE") if statement.startswith("DELETE FROM scrubs") else None
        )
        receipt = memory.forget(conversation="c")
        memory.store._db.set_trace_callback(None)
        assert receipt.turns == 1
        assert "bytes of them may be left" in receipt.notes[0]
        writer.close()
        assert memory.verify(receipt)


def test_a_forgetting_that_was_cut_short_is_made_up_for_by_the_next(path, monkeypatch):
    with Memory.open(path) as memory:
        memory.add("c", [Turn(text="CANARY")])
        with monkeypatch.context() as patch:
            patch.setattr("rag.memory.store.forgetting.scrubbed", lambda db: False)
            memory.forget(conversation="c")
        memory.forget(conversation="c")
        assert canaries(path) == 0


def test_no_question_reads_all_rows(path):
    """Each way of looking goes by an index, so that its cost does not grow with what others keep."""
    with Memory.open(path) as memory:
        plans = []
        db = memory.store._db
        db.set_trace_callback(plans.append)
        memory.turns("c", last=5, scope=BOB)
        memory.conversations(BOB)
        memory.sessions("c", scope=BOB)
        memory.add("c", [Turn(text="hi")] * 2, scope=BOB)
        memory.add("c", [Turn(turn_id="1", text="hi")] * 2, scope=BOB)
        for conversation in ("c", None):
            memory.store.find(Wanted(BOB, conversation, NOON, NOON, speaker="x", last=5))
            memory.store.speakers(Wanted(BOB, conversation))
        memory.store.find(Wanted(BOB, numbers=(1,)))
        memory.store.vectors([1], "e", BOB)
        memory.store.derived(BOB, "fact")
        db.set_trace_callback(None)
        steps = [
            step
            for query in plans
            if query.startswith("SELECT")
            for *_, step in db.execute(f"EXPLAIN QUERY PLAN {query}")
        ]
    assert len(steps) > 20
    assert [step for step in steps if "SCAN" in step and "json_each" not in step and "(subquery" not in step] == []


def test_a_window_reads_only_its_own_rows(path):
    with Memory.open(path) as memory:
        db = memory.store._db
        plans = []
        db.set_trace_callback(plans.append)
        memory.store.find(Wanted(BOB, "c", NOON, NOON))
        db.set_trace_callback(None)
        (step,) = [step for *_, step in db.execute(f"EXPLAIN QUERY PLAN {plans[0]}") if "turns" in step]
    assert "turn_time (tenant=? AND user=? AND conversation=? AND at>? AND at<?)" in step


def test_a_full_disk_keeps_what_was_acknowledged(path):
    code = """
import resource, signal, sys
from rag.errors import StoreError
from rag.memory import Memory
from rag.types import Turn
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (3_000_000, 3_000_000))
memory = Memory.open(sys.argv[1])
try:
    for number in range(10_000):
        memory.add("c", [Turn(turn_id=f"{number}", text="x" * 1000)])
        print(number)
except StoreError as error:
    print(error, file=sys.stderr)
"""
    done = subprocess.run([sys.executable, "-c", code, path], cwd=ROOT, capture_output=True, text=True, check=False)
    acknowledged = done.stdout.split()
    assert 50 < len(acknowledged) < 500
    assert str(path) in done.stderr
    assert done.stderr.count("\n") == 1
    with Memory.open(path) as memory:
        assert [turn.turn_id for turn in memory.turns("c")][: len(acknowledged)] == acknowledged


def test_a_store_that_may_not_be_written_says_so_when_it_is_to_forget(path):
    with Memory.open(path) as memory:
        memory.add("c", [Turn(text="hi")])
        memory.store._db.execute("PRAGMA query_only = ON")
        with pytest.raises(StoreError):
            memory.forget(conversation="c")


def test_bytes_that_changed_on_the_disk_are_told(path):
    with Memory.open(path) as memory:
        memory.add("c", [Turn(text="the price is 100 " * 1000), Turn(text="fine")])
    data = path.read_bytes()
    path.write_bytes(data.replace(b"price is 100", b"price is 900", 1))
    with Memory.open(path) as memory, pytest.raises(StoreError, match="damaged at turn 1"):
        memory.turns("c")
