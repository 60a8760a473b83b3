"""PostgreSQL: policies that bind whatever is asked, roles that are refused, writers that meet."""

import os
import threading

import pytest

from rag.errors import ConfigError, StoreError
from rag.memory import Memory
from rag.memory.store import Derived, Wanted
from rag.types import Scope, Turn

ANN, BOB = Scope(tenant="acme", user="ann"), Scope(tenant="acme", user="bob")
TABLES = ["rag_turns", "rag_vectors", "rag_derived", "rag_derived_from", "rag_lifetimes", "rag_owners"]


@pytest.fixture(scope="module")
def urls(databases):
    return databases()


@pytest.fixture
def memory(urls):
    with Memory.open(urls[0]) as memory:
        yield memory


def fill(memory, scope, text):
    memory.add("c", [Turn(turn_id="1", text=text)], scope=scope)
    (kept,) = memory.store.find(Wanted(scope))
    memory.store.put_vectors({kept.number: b"\0\0\x80?" * 3}, "e", scope)
    memory.store.derive([Derived("fact", "k", text, (kept.number,))], scope)
    return kept.number


def test_a_query_without_a_filter_sees_one_scope_alone(memory, urls):
    import psycopg

    fill(memory, ANN, "of ann")
    fill(memory, BOB, "of bob")
    for scope in (ANN, BOB):
        memory.expire_after(None, scope=scope)
    with psycopg.connect(urls[0]) as db:
        for table in TABLES:
            assert db.execute(f"SELECT * FROM {table}").fetchall() == [], f"{table} shows rows to no scope"
        db.execute("SELECT set_config('rag.owner', quote_nullable('acme') || ',' || quote_nullable('ann'), true)")
        assert db.execute("SELECT text FROM rag_turns").fetchall() == [("of ann",)]
        assert db.execute("UPDATE rag_turns SET text = 'stolen'").rowcount == 1
        with pytest.raises(psycopg.Error, match=r"row-level security|rag_turns_check"):
            db.execute("UPDATE rag_turns SET owner = quote_nullable('acme') || ',' || quote_nullable('bob')")
        db.rollback()
        assert db.execute("SELECT * FROM rag_turns").fetchall() == [], "the scope ends with its transaction"
    assert [turn.text for turn in memory.turns("c", scope=BOB)] == ["of bob"]


@pytest.mark.parametrize("place", [1, 2])
def test_a_role_that_bypasses_the_policies_is_refused(urls, place):
    with pytest.raises(ConfigError, match=r"CREATE ROLE rag_app LOGIN .* NOSUPERUSER NOBYPASSRLS") as caught:
        Memory.open(urls[place])
    assert "s3cret" not in str(caught.value)


def test_tables_whose_policies_were_switched_off_are_refused(databases):
    import psycopg

    url, _, root = databases()
    Memory.open(url).close()
    with psycopg.connect(root, autocommit=True) as db:
        db.execute("ALTER TABLE rag_turns NO FORCE ROW LEVEL SECURITY")
    with pytest.raises(StoreError, match="row-level security is off for rag_turns"):
        Memory.open(url)


def test_vectors_are_of_pgvectors_type_where_it_is_there(databases):
    import psycopg

    for pgvector, kind in ((True, "vector"), (False, "bytea")):
        url, _, root = databases(pgvector=pgvector)
        with Memory.open(url) as memory:
            number = fill(memory, ANN, "hi")
            assert memory.store.vectors([number], "e", ANN) == {number: b"\0\0\x80?" * 3}
        with psycopg.connect(root) as db:
            assert db.execute("SELECT DISTINCT pg_typeof(vector)::text FROM rag_vectors").fetchall() == [(kind,)]


def test_what_postgresql_cannot_keep_is_told_and_leaves_out_the_batch(memory):
    with pytest.raises(StoreError, match="NUL"):
        memory.add("nul", [Turn(text="fine"), Turn(turn_id="a\0b", text="")], scope=ANN)
    assert memory.turns("nul", scope=ANN) == ()


def test_writers_that_meet_wait_for_each_other(urls):
    """Batches with the same ids in opposite orders lock each other out, which PostgreSQL ends with an error."""
    ids = [str(n) for n in range(40)]
    failures = []

    def write(order):
        try:
            with Memory.open(urls[0]) as memory:
                for number in range(5):
                    memory.add(f"meet {number}", [Turn(turn_id=n, text=n) for n in order], scope=BOB)
        except Exception as error:
            failures.append(error)

    writers = [threading.Thread(target=write, args=(order,)) for order in (ids, ids[::-1]) * 4]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert failures == []
    with Memory.open(urls[0]) as memory:
        assert sorted(len(memory.turns(f"meet {n}", scope=BOB)) for n in range(5)) == [40] * 5


def test_a_connection_that_was_lost_is_made_anew(memory, urls):
    import psycopg

    memory.add("lost", [Turn(text="before")], scope=ANN)
    with psycopg.connect(urls[2], autocommit=True) as db:
        db.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'app'")
    memory.add("lost", [Turn(text="after")], scope=ANN)
    assert [turn.text for turn in memory.turns("lost", scope=ANN)] == ["before", "after"]


def test_a_server_that_is_not_there_is_told_without_the_password():
    with pytest.raises(StoreError, match="the memory chat on") as caught:
        Memory.open("postgresql://app:s3cret@127.0.0.1:1/chat")
    assert "s3cret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_closed_or_forked_memory_says_so(memory, urls, monkeypatch):
    monkeypatch.setattr(os, "getpid", lambda: 0)
    with pytest.raises(StoreError, match="forked"):
        memory.turns("c", scope=ANN)
    monkeypatch.undo()
    memory.close()
    with pytest.raises(StoreError, match="closed"):
        memory.turns("c", scope=ANN)


def test_nothing_of_what_is_forgotten_is_left_in_any_table(databases):
    import psycopg

    url, _, root = databases()
    with Memory.open(url) as memory:
        fill(memory, Scope(tenant="acme", user="canary"), "canary")
        fill(memory, BOB, "of bob")
        receipt = memory.forget(whole="user", scope=Scope(tenant="acme", user="canary"))
        assert memory.verify(receipt)
        assert "VACUUM" in receipt.notes[0]
    with psycopg.connect(root) as db:
        rows = [str(row) for table in TABLES for row in db.execute(f"SELECT * FROM {table}").fetchall()]
    assert any("of bob" in row for row in rows)
    assert [row for row in rows if "canary" in row] == []


def test_nothing_of_a_profile_is_left_that_forgotten_turns_bore_out(databases):
    import psycopg

    url, _, root = databases()
    with Memory.open(url) as memory:
        turns = [
            Turn(turn_id=str(n), role="user", text=f"I live in {place}.") for n, place in enumerate(("Canary", "Rome"))
        ]
        memory.add("c", turns, scope=ANN)
        memory.profile.refresh(scope=ANN)
        memory.profile.concepts.upsert("canary", scope=BOB)
        assert "Canary" in str(memory.profile.summary(scope=ANN))
        assert memory.verify(memory.forget(conversation="c", turns=["0"], scope=ANN))
        assert memory.verify(memory.forget(whole="user", scope=BOB))
        assert str(memory.profile.summary(scope=ANN)) == "I live in Rome."
        assert [fact.value for fact in memory.profile.facts(closed=True, scope=ANN)] == ["Rome"]
    with psycopg.connect(root) as db:
        rows = [str(row).lower() for table in TABLES for row in db.execute(f"SELECT * FROM {table}").fetchall()]
    assert [row for row in rows if "canary" in row] == []
