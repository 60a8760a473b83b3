"""What a database source must never do: write, wait for ever, return everything, tell a password."""

import asyncio
import multiprocessing
import sqlite3
import sys
from contextlib import closing

import pytest

from rag.errors import ConfigError, SourceError, SourceTimeout
from rag.sources.sql import sql
from rag.sources.sql.database import open_database
from rag.types import Scope

BOMB = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"

WRITES = [
    "INSERT INTO settings VALUES ('a', 'b')",
    "UPDATE settings SET value = 'light' RETURNING value",
    "DELETE FROM settings",
    "WITH x AS (SELECT 1) INSERT INTO settings SELECT 'a', 'b' FROM x",
    "DROP TABLE settings",
    "CREATE TABLE made (a)",
    "CREATE TEMP TABLE made (a)",
    "ALTER TABLE settings ADD COLUMN more",
    "PRAGMA query_only = OFF",
    "PRAGMA journal_mode = WAL",
    "PRAGMA user_version = 7",
    "VACUUM",
    "VACUUM INTO 'made.db'",
    "ATTACH 'made.db' AS made",
    "SELECT load_extension('made')",
    "SELECT 1; DELETE FROM settings",
    "REINDEX",
    "BEGIN IMMEDIATE",
]


@pytest.fixture
def free(shop_path):
    source = sql("shop", f"sqlite:///{shop_path}", free_sql=True, timeout=0.5, max_rows=3)
    yield source
    source.close()


@pytest.mark.parametrize("statement", WRITES)
async def test_free_sql_cannot_write(free, shop_path, statement, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    before = shop_path.read_bytes()
    with pytest.raises(SourceError):
        await free.call({"sql": statement}, Scope())
    assert shop_path.read_bytes() == before
    assert list(tmp_path.iterdir()) == []
    assert await free.call({"sql": "SELECT value FROM settings"}, Scope()) == [{"value": "dark"}]


@pytest.mark.parametrize("statement", WRITES)
def test_the_connection_itself_refuses_writes(shop_path, statement, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    before = shop_path.read_bytes()
    database = open_database("shop", f"sqlite:///{shop_path}", timeout=1, connections=1)
    with database.reading() as connection, closing(connection.connection.driver_connection.cursor()) as cursor:
        for each in statement.split(";"):
            try:
                cursor.execute(each).fetchall()
            except sqlite3.Error:
                continue
        connection.connection.driver_connection.commit()
    database.close()
    assert shop_path.read_bytes() == before
    assert list(tmp_path.iterdir()) == []


def test_the_connection_is_read_only_twice_over(shop_path):
    database = open_database("shop", f"sqlite:///{shop_path}", timeout=1, connections=1)
    with database.reading() as connection:
        driver = connection.connection.driver_connection
        driver.set_authorizer(None)
        assert driver.execute("PRAGMA query_only").fetchone() == (1,)
        driver.execute("PRAGMA query_only = OFF")
        with pytest.raises(sqlite3.OperationalError, match="readonly database"):
            driver.execute("DELETE FROM settings")
    database.close()


async def test_a_view_that_is_named_is_read(shop_path, tmp_path):
    (tmp_path / "own.db").write_bytes(shop_path.read_bytes())
    with closing(sqlite3.connect(tmp_path / "own.db")) as db:
        db.execute("CREATE VIEW sent AS SELECT id, product FROM orders WHERE state = 'sent'")
    url = f"sqlite:///{tmp_path / 'own.db'}"
    source = sql("sent", url, tables=["sent"])
    assert [row["id"] for row in await source.call({"product": "heron"}, Scope())] == ["O-9"]
    source.close()
    with pytest.raises(ConfigError, match="held to the view 'sent'"):
        sql("sent", url, tables=["customers", "sent"], free_sql=True)


async def test_arguments_cannot_write(shop, shop_path):
    before = shop_path.read_bytes()
    for name, schema in shop.card.properties.items():
        if schema["anyOf"][0].get("format") != "date" and name != "newest":
            for value in ("x'; DELETE FROM orders; --", 'x" OR 1=1', "\\"):
                try:
                    await shop.call({name: value}, Scope())
                except SourceError:
                    continue
    assert shop_path.read_bytes() == before
    assert len(await shop.call({}, Scope())) == 4


async def test_free_sql_reads(free):
    assert await free.call({"sql": "SELECT id, 5 % 2 AS odd FROM orders WHERE id LIKE 'O-9%'"}, Scope()) == [
        {"id": "O-9", "odd": 1}
    ]
    assert len(await free.call({"sql": "SELECT * FROM orders"}, Scope())) == 3
    with pytest.raises(SourceError, match="not both"):
        await free.call({"sql": "SELECT 1", "query": "x"}, Scope())
    with pytest.raises(SourceError, match="no such table: nowhere"):
        await free.call({"sql": "SELECT * FROM nowhere"}, Scope())


async def test_free_sql_reads_the_tables_named_alone(shop_path):
    source = sql("shop", f"sqlite:///{shop_path}", free_sql=True, tables=["orders"])
    assert await source.call({"sql": "SELECT count(*) AS n FROM orders"}, Scope()) == [{"n": 4}]
    renamed = "WITH few AS (SELECT id FROM orders LIMIT 1) SELECT count(id) AS n FROM few"
    assert await source.call({"sql": renamed}, Scope()) == [{"n": 1}]
    for statement in (
        "SELECT * FROM customers",
        "SELECT count(*) FROM settings",
        "SELECT id FROM orders WHERE EXISTS (SELECT 1 FROM settings)",
        "SELECT sql FROM sqlite_master",
        "SELECT * FROM pragma_table_info('settings')",
        "WITH orders AS (SELECT * FROM settings) SELECT * FROM orders",
        "SELECT * FROM (WITH orders AS (SELECT value FROM settings) SELECT * FROM orders) AS orders",
        "PRAGMA table_list",
        "PRAGMA table_info(settings)",
    ):
        with pytest.raises(SourceError, match=r"prohibited|not authorized"):
            await source.call({"sql": statement}, Scope())
    source.close()


async def test_a_query_without_end_is_stopped_and_the_connection_lives(free):
    calls = (free.call({"sql": BOMB}, Scope()) for _ in range(free.card.concurrency))
    for error in await asyncio.gather(*calls, return_exceptions=True):
        assert isinstance(error, SourceTimeout)
        assert "stopped after 0.5 s" in str(error)
        assert not error.retryable
    assert await free.call({"sql": "SELECT 1 AS one"}, Scope()) == [{"one": 1}]


async def test_cancelling_stops_the_query(shop_path):
    source = sql("shop", f"sqlite:///{shop_path}", free_sql=True, timeout=60)
    calls = [asyncio.create_task(source.call({"sql": BOMB}, Scope())) for _ in range(source.card.concurrency)]
    await asyncio.sleep(0.2)
    for call in calls:
        call.cancel()
    await asyncio.gather(*calls, return_exceptions=True)
    # Every connection and thread was taken by a query that would run for a minute.
    assert await source.call({"sql": "SELECT 1 AS one"}, Scope()) == [{"one": 1}]
    await source.aclose()


async def test_huge_values_are_refused(free):
    with pytest.raises(SourceError, match="too big"):
        await free.call({"sql": "SELECT zeroblob(1000000000)"}, Scope())


async def test_rows_are_limited(shop_path):
    source = sql("orders", f"sqlite:///{shop_path}", max_rows=2)
    assert len(await source.call({}, Scope())) == 2
    assert len(await source.call({"newest": 50}, Scope())) == 2
    source.close()


async def test_a_closed_source_says_so(shop_path):
    source = sql("orders", f"sqlite:///{shop_path}")
    await source.aclose()
    with pytest.raises(SourceError, match="'orders' is closed"):
        await source.call({}, Scope())


def test_a_missing_file_is_not_made(tmp_path):
    with pytest.raises(ConfigError, match=r"'gone.db' is not there|gone.db"):
        sql("x", f"sqlite:///{tmp_path}/gone.db")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("sqlite:///{folder}", "is a folder"),
        ("sqlite:///{text}", "is not a SQLite database"),
        ("sqlite:///{empty}", "no tables to read"),
        ("sqlite://", "in memory"),
        ("sqlite:///:memory:", "in memory"),
        ("sqlite+aiosqlite:///{text}", "not supported"),
        ("nonsense", "cannot be read"),
        ("postgresql://ann:pa:ss@word@host:port/db", "cannot be read"),
        ("nosuch://host/db", "cannot be opened"),
    ],
)
def test_a_url_that_cannot_work_is_a_config_error(tmp_path, url, message):
    (tmp_path / "a.db").write_text("just text, and enough of it to be read as the first page of a file" * 20)
    (tmp_path / "b.db").touch()
    url = url.format(folder=tmp_path, text=tmp_path / "a.db", empty=tmp_path / "b.db")
    with pytest.raises(ConfigError, match=message) as raised:
        sql("x", url)
    assert "\n" not in str(raised.value)
    assert "ss@word" not in str(raised.value) + str(raised.value.__cause__)


def test_a_locked_database_can_be_tried_again(shop_path, tmp_path):
    (tmp_path / "own.db").write_bytes(shop_path.read_bytes())
    with closing(sqlite3.connect(tmp_path / "own.db")) as writer:
        writer.execute("BEGIN EXCLUSIVE")
        with pytest.raises(SourceError, match="another process is writing") as raised:
            sql("x", f"sqlite:///{tmp_path / 'own.db'}", timeout=0.2)
    assert raised.value.retryable


def test_a_database_that_another_process_writes_to_is_read(shop_path, tmp_path):
    (tmp_path / "own.db").write_bytes(shop_path.read_bytes())
    with closing(sqlite3.connect(tmp_path / "own.db")) as writer:
        writer.execute("PRAGMA journal_mode = WAL")
        source = sql("settings", f"sqlite:///{tmp_path / 'own.db'}")
        with writer:
            writer.execute("UPDATE settings SET value = 'light'")
        assert asyncio.run(source.call({}, Scope())) == [{"key": "theme", "value": "light"}]
        source.close()


def test_a_missing_driver_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(ConfigError, match=r"pip install 'psycopg\[binary\]'") as raised:
        sql("x", "postgresql://ann:s3cret@127.0.0.1/db?password=s3cret")
    assert "s3cret" not in str(raised.value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"scope": {"tenant": "city"}, "free_sql": True}, "cannot be held to a scope"),
        ({"scope": {"tenant": "city"}, "shared": True}, "for everyone"),
        ({"scope": {"labels": "city"}}, "'labels' cannot be mapped"),
        ({"scope": {"tenant": "nowhere"}}, "no table has nowhere"),
        ({"tables": ["nowhere"]}, "no table 'nowhere'; it has: customers"),
        ({"tables": []}, "no tables"),
        ({"max_rows": 0}, "must be positive"),
        ({"timeout": 0}, "must be positive"),
        ({"name": " "}, "cannot name a source"),
    ],
)
def test_options_that_do_not_go_together(shop_path, options, message):
    with pytest.raises(ConfigError, match=message):
        sql(options.pop("name", "x"), f"sqlite:///{shop_path}", **options)


def _read_in_child(source, results):
    results.put(asyncio.run(source.call({"newest": 1}, Scope()))[0]["id"])


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
@pytest.mark.skipif(not hasattr(__import__("os"), "fork"), reason="there is no fork on this system")
async def test_a_source_that_was_open_at_a_fork_works_in_both(shop):
    assert (await shop.call({"newest": 1}, Scope()))[0]["id"] == "O-11"
    context = multiprocessing.get_context("fork")
    results = context.Queue()
    child = context.Process(target=_read_in_child, args=(shop, results))
    child.start()
    assert await asyncio.to_thread(results.get, timeout=20) == "O-11"
    child.join()
    assert (await shop.call({"newest": 1}, Scope()))[0]["id"] == "O-11"
