"""The contract of a store, over each store that is built in."""

import pytest

from rag.memory.store import opened
from rag.testing.memory import check_forgetting, check_isolation, check_store

CHECKS = [check_store, check_isolation, check_forgetting]


@pytest.mark.parametrize("check", CHECKS)
def test_sqlite_keeps_the_contract(tmp_path, check):
    check(lambda: opened(tmp_path / "chat.db"))


@pytest.fixture(scope="module")
def url(databases):
    return databases()[0]


@pytest.mark.parametrize("check", CHECKS)
def test_postgresql_keeps_the_contract(url, check):
    check(lambda: opened(url))


def test_postgresql_without_pgvector_keeps_the_contract(databases):
    url, *_ = databases(pgvector=False)
    check_store(lambda: opened(url))
