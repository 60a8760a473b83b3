"""What assistants keep for later questions goes with the turns that it was made of."""

from __future__ import annotations

import json
import platform
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

import rag
from rag.memory import Memory
from rag.memory.store.values import Derived, Wanted
from rag.run.cachefile import KeptFile
from rag.testing import FakeModel, FakeSource
from rag.types import Scope, Turn

PLAN = json.dumps({"steps": [{"id": "s1", "source": "docs", "args": {"query": "CANARY kettle"}}]})
ANN, BOB = Scope(tenant="acme", user="ann"), Scope(tenant="acme", user="bob")
QUESTION = "Is the CANARY kettle loud?"


def source():
    source = FakeSource("docs", [{"text": "The CANARY kettle is quiet."}])
    source.card = source.card.model_copy(update={"cacheable": True})
    return source


def asked(assistant, *scopes):
    for scope in scopes:
        assistant.ask(QUESTION, conversation="c1", scope=scope)


def canaries(folder):
    return sum(path.read_bytes().count(b"CANARY") for path in folder.iterdir())


@pytest.fixture
def assistant(tmp_path):
    def answer(messages):
        return PLAN if "You plan" in messages[0].content else "It is quiet [1]."

    with rag.Assistant(
        [source()], model=FakeModel(answer), memory=Memory.open(tmp_path / "chat.db"), cache=tmp_path / "kept.db"
    ) as made:
        yield made


def test_no_byte_of_what_is_forgotten_is_left_in_a_cache(assistant, tmp_path):
    asked(assistant, ANN)
    assert b"CANARY" in b"".join(path.read_bytes() for path in tmp_path.glob("kept.db*"))
    receipt = assistant.memory.forget(conversation="c1", scope=ANN)
    assert receipt.removed["cached"] == 2  # the plan and the rows
    assert (receipt.notes, canaries(tmp_path)) == ((), 0)


@pytest.mark.parametrize("which", [{"conversation": "c1"}, {"whole": "user"}, {"whole": "tenant"}])
def test_a_cache_is_found_when_its_assistant_is_long_closed(assistant, tmp_path, which):
    asked(assistant, ANN)
    assistant.close()
    with Memory.open(tmp_path / "chat.db") as memory:
        receipt = memory.forget(**which, scope=ANN)
        assert receipt.removed == {"turns": 2, "vectors": 0, "derived": 0, "cached": 2}
    assert canaries(tmp_path) == 0


def test_what_others_asked_stays_kept(assistant):
    asked(assistant, ANN, BOB)
    assistant.memory.forget(whole="user", scope=ANN)
    before = len(assistant.sources[0].calls)
    asked(assistant, BOB)
    assert len(assistant.sources[0].calls) == before
    asked(assistant, ANN)
    assert len(assistant.sources[0].calls) == before + 1


def test_a_tenants_cache_goes_with_the_tenant_and_is_known_again_when_it_is_used_again(assistant, tmp_path):
    for _ in range(2):
        asked(assistant, ANN, BOB)
        receipt = assistant.memory.forget(whole="tenant", scope=Scope(tenant="acme"))
        assert receipt.removed["cached"] == 4
        assert canaries(tmp_path) == 0


def test_a_user_without_a_name_takes_no_other_users_cache_out_of_sight(assistant, tmp_path):
    asked(assistant, Scope(), Scope(user="ann"))
    assistant.close()
    with Memory.open(tmp_path / "chat.db") as memory:
        memory.forget(whole="user")
        memory.forget(whole="user", scope=Scope(user="ann"))
    assert canaries(tmp_path) == 0


def test_what_is_kept_in_memory_goes_too():
    with rag.Assistant([source()], memory=Memory.open("sqlite://")) as first:
        assistant = first.replaced(clock=lambda: datetime.now(UTC))
        asked(assistant, ANN)
        assert assistant.memory.forget(whole="user", scope=ANN).removed["cached"] == 1
        asked(assistant, ANN)
        assert len(assistant.sources[0].calls) == 2


def test_what_another_process_has_in_memory_alone_goes_when_it_looks(tmp_path):
    at = datetime(2026, 5, 1, tzinfo=UTC)
    with KeptFile.open(tmp_path / "k") as one, KeptFile.open(tmp_path / "k") as other:
        assert one.get("k") is None
        one.put("k", [{"at": at}], seconds=60, scope=ANN)  # JSON has no times
        assert one.get("k") == [{"at": at}]
        other.forget(ANN)
        assert one.get("k") is None


def test_a_file_that_is_held_is_told_of_on_the_receipt(assistant, tmp_path, monkeypatch):
    monkeypatch.setattr("rag.run.cachefile._PATIENCE_TO_FORGET", 0.2)
    asked(assistant, ANN)
    other = sqlite3.connect(tmp_path / "kept.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    receipt = assistant.memory.forget(conversation="c1", scope=ANN)
    other.close()
    assert "kept.db is held by another" in receipt.notes[0]
    assistant.memory.forget(conversation="c1", scope=ANN)
    assert canaries(tmp_path) == 0


def test_a_file_of_another_machine_is_told_of_on_the_receipt():
    with Memory.open("sqlite://") as memory:
        memory.store.derive([Derived("cache", "/srv/kept.db", platform.node() + "2")], Scope(tenant="acme"))
        receipt = memory.forget(whole="user", scope=ANN)
    assert "/srv/kept.db lies on" in receipt.notes[0]


def test_a_file_that_is_gone_holds_nothing(assistant, tmp_path):
    asked(assistant, ANN)
    assistant.close()
    (tmp_path / "kept.db").unlink()
    with Memory.open(tmp_path / "chat.db") as memory:
        assert memory.forget(whole="user", scope=ANN).notes == ()


def test_a_cache_of_the_first_format_is_made_anew(tmp_path):
    db = sqlite3.connect(tmp_path / "k")
    db.execute("CREATE TABLE kept (key TEXT PRIMARY KEY, until REAL NOT NULL, value TEXT NOT NULL) WITHOUT ROWID")
    db.execute("INSERT INTO kept VALUES ('k', 1e12, '[1]')")
    db.execute("PRAGMA user_version = 1")
    db.commit()
    db.close()
    with KeptFile.open(tmp_path / "k") as kept:
        assert kept.get("k") is None
        kept.put("k", [2], seconds=60)
        assert kept.get("k") == [2]


def test_what_is_past_its_time_to_live_is_removed_by_the_next_turn_of_anybody(tmp_path):
    with Memory.open(tmp_path / "chat.db") as memory:
        memory.expire_after(timedelta(days=1), scope=ANN)
        memory.add("c1", [Turn(text="CANARY", at=datetime(2026, 5, 1, tzinfo=UTC))], scope=ANN)
    with Memory.open(tmp_path / "chat.db") as memory:
        memory.add("c2", [Turn(text="Hello")], scope=BOB)
    assert canaries(tmp_path) == 0


def test_a_sweep_that_fails_is_no_matter_of_who_adds(caplog, monkeypatch):
    def full(which, scope):
        raise rag.errors.StoreError("the disk is full")

    with Memory.open("sqlite://") as memory:
        monkeypatch.setattr(memory.store, "forget", full)
        memory.add("c1", [Turn(text="Hello")])
        memory._sweep.wait()
        assert len(memory.store.find(Wanted())) == 1
    assert "were not removed, and are hidden: the disk is full" in caplog.text


def test_the_first_turns_of_many_tenants_at_once_are_kept_and_swept(caplog, monkeypatch):
    began, swept = threading.Barrier(8), []
    with Memory.open("sqlite://") as memory:
        forget = memory.store.forget
        monkeypatch.setattr(memory.store, "forget", lambda which, of: (swept.append(of.tenant), forget(which, of))[1])

        def add(tenant):
            began.wait()
            memory.add("c1", [Turn(text="Hello")], scope=Scope(tenant=tenant))

        with ThreadPoolExecutor(8) as pool:
            assert list(pool.map(add, "abcdefgh")) == [None] * 8
    assert (sorted(swept), caplog.text) == (list("abcdefgh"), "")


def test_a_thread_that_cannot_be_had_is_no_matter_of_who_adds(caplog, monkeypatch):
    def refused(self):
        raise RuntimeError("can't start new thread")

    with Memory.open("sqlite://") as memory:
        monkeypatch.setattr(threading.Thread, "start", refused)
        memory.add("c1", [Turn(text="Hello")])
        monkeypatch.undo()
        assert len(memory.store.find(Wanted())) == 1
    assert "not removed now, and are hidden: can't start new thread" in caplog.text
