"""The contract of a store, over each store that is built in."""

import pytest

from rag.memory.store.sqlite import SqliteStore
from rag.testing.memory import check_forgetting, check_isolation, check_store

CHECKS = [check_store, check_isolation, check_forgetting]


@pytest.mark.parametrize("check", CHECKS)
def test_sqlite_keeps_the_contract(tmp_path, check):
    check(lambda: SqliteStore.open(tmp_path / "chat.db"))
