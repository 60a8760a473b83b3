"""Caches of assistants go with turns in PostgreSQL as well, where each row is bound to its owner."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from rag.memory import Memory
from rag.run.cachefile import KeptFile
from rag.types import Scope, Turn

ANN, BOB = Scope(tenant="acme", user="ann"), Scope(tenant="acme", user="bob")


@pytest.fixture
def postgres_url(databases):
    url, *_ = databases()
    return url


def test_a_cache_is_found_through_the_database(postgres_url, tmp_path):
    with Memory.open(postgres_url) as memory, KeptFile.open(tmp_path / "k") as kept:
        kept.announce = memory.copies.note
        for number, scope in enumerate((ANN, BOB)):
            memory.add("c", [Turn(text="CANARY")], scope=scope)
            kept.put(f"k{number}", ["CANARY"], seconds=60, scope=scope)
    with Memory.open(postgres_url) as memory:
        assert memory.forget(whole="user", scope=ANN).removed["cached"] == 1
        assert memory.forget(whole="tenant", scope=Scope(tenant="acme")).removed["cached"] == 1
    assert b"CANARY" not in (tmp_path / "k").read_bytes()


def test_what_is_past_its_time_to_live_is_swept(postgres_url):
    with Memory.open(postgres_url) as memory:
        memory.expire_after(timedelta(days=1), scope=ANN)
        memory.add("c", [Turn(text="old", at=datetime(2026, 1, 1, tzinfo=UTC))], scope=ANN)
        memory._sweep.wait()
        memory.expire_after(None, scope=ANN)
        assert memory.turns("c", scope=ANN) == ()
