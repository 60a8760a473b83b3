import sqlite3
from contextlib import closing

import pytest

from rag.errors import ScopeError, SourceError
from rag.sources.sql import sql
from rag.testing.sources import check_scope, check_source
from rag.types import Scope

TENANTS = """
CREATE TABLE plans (id INTEGER PRIMARY KEY, title TEXT);
CREATE TABLE accounts (id INTEGER PRIMARY KEY, tenant TEXT COLLATE NOCASE, owner INTEGER, name TEXT,
    plan INTEGER REFERENCES plans);
CREATE TABLE bills (id INTEGER PRIMARY KEY, account INTEGER REFERENCES accounts, seller INTEGER REFERENCES accounts,
    text TEXT, due DATE);
INSERT INTO plans VALUES (1, 'basic');
INSERT INTO accounts VALUES (1, 'acme', 17, 'Ann', 1), (2, 'ACME', 17, 'Bob', 1), (3, 'acme', 1, 'Cy', 1),
    (4, 'globex', 17, 'Dee', 1);
INSERT INTO bills VALUES (1, 1, 1, 'mine', '2026-01-01'), (2, 2, 2, 'shouted', '2026-01-02'),
    (3, 1, 4, 'sold by another', '2026-01-03'), (4, 4, 4, 'theirs', '2026-01-04'), (5, NULL, NULL, 'nobody', NULL);
"""


@pytest.fixture
def url(tmp_path):
    with closing(sqlite3.connect(tmp_path / "own.db")) as db, db:
        db.executescript(TENANTS)
    return f"sqlite:///{tmp_path / 'own.db'}"


@pytest.fixture
def bills(url):
    source = sql("bills", url, scope={"tenant": "tenant"})
    yield source
    source.close()


async def texts(source, owner, **args):
    return [row["text"] for row in await source.call(args, Scope(tenant=owner))]


async def test_the_scope_is_kept_through_foreign_keys_and_to_the_letter(bills):
    assert await texts(bills, "acme") == ["mine"]  # of the bill with another's seller, both must be acme's
    assert await texts(bills, "ACME") == ["shouted"]
    assert await texts(bills, "globex") == ["theirs"]
    for other in ("Acme", "acm", "acm%", "acme ", "%", "a' OR '1'='1"):
        assert await texts(bills, other) == []


async def test_arguments_do_not_widen_the_scope(bills):
    assert await texts(bills, "acme", tenant="globex") == []
    assert await texts(bills, "acme", query="theirs") == []
    assert await texts(bills, "acme", newest=9) == ["mine"]


async def test_rows_outside_the_scope_do_not_decide_what_is_seen(bills):
    accounts = {"table": "accounts", "query": "", "due_from": "2026-01-03"}
    # acme's account has a bill of that day, which is not acme's alone: it must not be felt.
    assert await bills.call(accounts, Scope(tenant="acme")) == []


@pytest.mark.parametrize("scope", [Scope(), Scope(user="17")])
async def test_without_the_field_nothing_is_read(bills, scope):
    with pytest.raises(ScopeError):
        await bills.call({}, scope)


async def test_a_table_that_no_one_owns_cannot_be_read(bills):
    with pytest.raises(ScopeError, match="'plans'"):
        await bills.call({"table": "plans"}, Scope(tenant="acme"))
    assert "title" not in bills.card.properties
    assert "plans" not in bills.card.about


async def test_a_field_that_is_not_kept_is_refused(bills):
    with pytest.raises(ScopeError, match="cannot keep to the scope's user"):
        await bills.call({}, Scope(tenant="acme", user="17"))


async def test_numbers_are_kept_apart_by_their_digits(url):
    source = sql("accounts", url, scope={"tenant": "tenant", "user": "owner"})
    names = {}
    for user in ("17", "17.0", " 17", "1_7", "1", "9" * 30, "x"):
        names[user] = [row["name"] for row in await source.call({}, Scope(tenant="acme", user=user))]
    assert {user: found for user, found in names.items() if found} == {"17": ["Ann"], "1": ["Cy"]}
    source.close()


async def test_values_of_rows_are_not_told_to_planners(bills):
    assert "mine" not in str(bills.card.argument_schema)
    assert await bills.relevance("is it mine, or theirs?", Scope(tenant="globex")) == 0.0


async def test_a_source_without_a_scope_is_refused_in_one(shop):
    with pytest.raises(ScopeError):
        await shop.call({}, Scope(tenant="acme"))


async def test_a_shared_source_is_read_in_any_scope(shop_path):
    source = sql("orders", f"sqlite:///{shop_path}", shared=True)
    assert len(await source.call({}, Scope(tenant="acme", labels=frozenset({"x"})))) == 4
    source.close()


async def test_the_contract_of_sources_is_kept(shop, bills):
    await check_source(shop, {"customer_id": "C-1", "query": "headphones"})
    await check_source(bills, {}, scope=Scope(tenant="acme"))


@pytest.mark.parametrize("collation", ["COLLATE NOCASE", "COLLATE RTRIM"])
async def test_nothing_leaks_between_neighbours(tmp_path, collation):
    made = iter(range(1000))

    def make(records):
        path = tmp_path / f"{next(made)}.db"
        with closing(sqlite3.connect(path)) as db, db:
            db.execute(
                f"CREATE TABLE notes (id INTEGER PRIMARY KEY, tenant TEXT {collation}, who TEXT {collation}, text TEXT)"
            )
            db.executemany("INSERT INTO notes VALUES (NULL, ?, ?, ?)", [(r.tenant, r.user, r.text) for r in records])
        return sql("notes", f"sqlite:///{path}", scope={"tenant": "tenant", "user": "who"})

    await check_scope(make, lambda text: {"query": text})


async def test_bad_arguments_do_not_tell_of_others(bills):
    with pytest.raises(SourceError) as raised:
        await bills.call({"newest": "theirs"}, Scope(tenant="acme"))
    assert "globex" not in str(raised.value)
