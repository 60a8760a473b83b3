import asyncio
import json
import sqlite3
from contextlib import closing

import pytest

from rag.errors import SourceError
from rag.sources.sql import sql
from rag.types import Scope


async def ids(source, **args):
    return [row["id"] for row in await source.call(args, Scope())]


async def test_rows_come_newest_first_with_json_values(shop):
    rows = await shop.call({}, Scope())
    assert [row["id"] for row in rows] == ["O-11", "O-10", "O-9", "O-12"]
    assert rows[2] == {
        "id": "O-9",
        "customer_id": "C-1",
        "product": "Heron Headphones",
        "note": "leave at the door",
        "amount": 149.5,
        "quantity": 1,
        "state": "sent",
        "placed_at": "2026-03-01 10:00:00",
        "doc_id": "orders/O-9",
    }
    json.dumps(rows, allow_nan=False)


async def test_rows_without_a_date_come_by_key_and_without_a_key_lack_an_id(shop):
    assert await ids(shop, table="customers") == ["C-17", "C-1", "C-2"]  # an empty date is the oldest
    assert await shop.call({"table": "settings"}, Scope()) == [{"key": "theme", "value": "dark"}]


@pytest.mark.parametrize(
    ("args", "found"),
    [
        ({"order_id": "O-9"}, ["O-9"]),
        ({"order_id": "o-9"}, []),
        ({"customer_id": "C-1"}, ["O-10", "O-9"]),
        ({"quantity": 1}, ["O-11", "O-9"]),
        ({"quantity": "3"}, ["O-12"]),
        ({"amount": 9.25}, ["O-12"]),
        ({"state": "Gone-Back"}, ["O-11"]),
        ({"state": "unheard of"}, []),
        ({"product": "heron headphones"}, ["O-9"]),
        ({"product": "heron"}, ["O-10", "O-9"]),
        ({"product": "headphones lamp"}, []),
        ({"newest": 1}, ["O-11"]),
        ({"newest": 2, "customer_id": "C-1"}, ["O-10", "O-9"]),
        ({"placed_at_from": "2026-03-01", "placed_at_to": "2026-03-01"}, ["O-10", "O-9"]),
        ({"placed_at_from": "2026-03-02T07:00:00"}, ["O-11"]),
        ({"placed_at_to": "2026-02-10"}, ["O-12"]),
        ({"placed_at_to": "9999-12-31", "newest": 1}, ["O-11"]),
        ({"customer_id": None, "quantity": 3}, ["O-12"]),
    ],
)
async def test_filters(shop, args, found):
    assert await ids(shop, **args) == found


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("headphones", ["O-10", "O-9"]),
        ("a battery", ["O-12"]),
        ("batteries", ["O-12"]),
        ("HERON case", ["O-10"]),
        ("what of the headphones at the door?", ["O-9"]),
        ("headphones lamp", ["O-11", "O-10", "O-9"]),  # no row has both: those with the most
        ("100%", ["O-11"]),
        ("%", ["O-11", "O-10", "O-9", "O-12"]),  # no word at all
        ("battery_cosy", ["O-12"]),
        ("batteryXcosy", []),
        ("xb1", ["O-10"]),
        ("x_1", []),
        ("O-1", []),  # an identifier is met as a whole
        ("order O-10", ["O-10"]),
        ("my orders", ["O-11", "O-10", "O-9", "O-12"]),  # names of the table say nothing of the row
        ("zebra", []),
        ("", ["O-11", "O-10", "O-9", "O-12"]),
        ("x" * 100_000, []),
        ("'; DROP TABLE orders; --", []),
    ],
)
async def test_words_are_looked_for_in_the_text_of_the_row(shop, query, found):
    assert await ids(shop, query=query) == found


async def test_letters_with_accents_are_met_in_either_case(shop):
    assert await ids(shop, table="customers", query="émile") == ["C-17"]
    assert await ids(shop, table="customers", query="cy 100%") == ["C-2"]


async def test_filters_on_other_tables_follow_foreign_keys_both_ways(shop):
    assert await ids(shop, name="Émile Bø") == ["O-11", "O-12"]
    assert await ids(shop, table="shipments", city="Ghent") == ["S-1"]
    assert await ids(shop, table="customers", left_on_from="2026-03-03") == ["C-17"]
    assert await ids(shop, table="customers", product="heron") == ["C-1"]  # once, for two orders
    assert await ids(shop, table="customers", customer_id="C-2") == ["C-2"]  # it has no orders


async def test_filters_on_one_other_table_hold_for_one_row_of_it(shop):
    assert await ids(shop, table="customers", product="lamp", quantity=1) == ["C-17"]
    assert await ids(shop, table="customers", product="lamp", quantity=3) == []


async def test_a_choice_that_only_another_table_has_is_looked_for_there(shop):
    assert await ids(shop, state="lost") == ["O-9", "O-12"]
    assert await ids(shop, table="customers", state="gone back") == ["C-17"]


async def test_a_filter_that_no_key_leads_to_is_refused(shop):
    with pytest.raises(SourceError, match=r"'settings' has no column 'city', and no foreign keys lead .* customers"):
        await shop.call({"table": "settings", "city": "Ghent"}, Scope())


@pytest.mark.parametrize(
    "args",
    [
        {"table": "passwords"},
        {"colour": "red"},
        {"quantity": "many"},
        {"quantity": 10**30},
        {"placed_at_from": "yesterday"},
        {"newest": 0},
        {"query": ["a"]},
        {"product": "\ud800"},
        {"sql": "SELECT 1"},
    ],
)
async def test_arguments_that_do_not_fit_are_source_errors(shop, args):
    with pytest.raises(SourceError, match="orders"):
        await shop.call(args, Scope())


async def test_several_keys_to_one_table_are_all_followed(tmp_path):
    with closing(sqlite3.connect(tmp_path / "t.db")) as db, db:
        db.executescript("""
            CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT, boss INTEGER REFERENCES people);
            CREATE TABLE mails (id INTEGER PRIMARY KEY, sender INTEGER REFERENCES people,
                reader INTEGER REFERENCES people, subject TEXT);
            INSERT INTO people VALUES (1, 'Ann', NULL), (2, 'Bob', 1), (3, 'Cy', 2);
            INSERT INTO mails VALUES (1, 1, 2, 'one'), (2, 3, 1, 'two'), (3, 2, 3, 'three');
        """)
    source = sql("mails", f"sqlite:///{tmp_path / 't.db'}")
    assert await ids(source, name="Ann") == [1, 2]
    source.close()


async def test_output_tells_every_field(shop):
    for table in ("customers", "orders", "shipments", "settings"):
        for row in await shop.call({"table": table}, Scope()):
            assert row.keys() <= shop.card.output["properties"].keys()
    (ann,) = await shop.call({"table": "customers", "customer_id": "C-1"}, Scope())
    assert ann["vip"] is True


async def test_calls_run_at_once_from_several_loops(shop):
    rows = await asyncio.gather(*(shop.call({"quantity": 1}, Scope()) for _ in range(20)))
    there = await asyncio.to_thread(lambda: asyncio.run(shop.call({"quantity": 1}, Scope())))
    assert all(found == there for found in rows)


@pytest.mark.parametrize(
    ("question", "score"),
    [
        ("Where is O-4711?", 1.0),
        ("does c-17 pay?", 1.0),
        ("the Desk Lamp please", 0.9),
        ("was it gone back?", 0.9),
        ("any shipment today", 0.8),
        ("what quantity?", 0.5),
        ("COVID-19 and F-16", 0.0),
        ("who are you?", 0.0),
        ("", 0.0),
    ],
)
async def test_relevance(shop, question, score):
    assert await shop.relevance(question, Scope()) == score


CLINIC = """
CREATE TABLE patients (id TEXT PRIMARY KEY, name TEXT);
CREATE TABLE appointments (id TEXT PRIMARY KEY, patient_id TEXT REFERENCES patients, day DATE);
CREATE TABLE prescriptions (id INTEGER PRIMARY KEY, appointment_id TEXT REFERENCES appointments, drug TEXT);
INSERT INTO patients VALUES ('P05', 'Ann'), ('P06', 'Bo');
INSERT INTO appointments VALUES ('A-105', 'P05', '2026-01-02'), ('A-106', 'P06', '2026-01-03');
INSERT INTO prescriptions VALUES (4, 'A-105', 'aspirin'), (5, 'A-106', 'codeine');
"""


@pytest.mark.parametrize(
    ("args", "found"),
    [
        ({"patient_id": "P05"}, ["P05"]),
        ({"appointment_id": "A-106"}, ["P06"]),
        ({"prescription_id": 4}, ["P05"]),
        ({"table": "appointments", "appointment_id": "A-105"}, ["A-105"]),
        ({"table": "appointments", "patient_id": "P06"}, ["A-106"]),
        ({"table": "appointments", "prescription_id": 4}, ["A-105"]),
        ({"table": "prescriptions", "prescription_id": "4"}, [4]),
        ({"table": "prescriptions", "appointment_id": "A-105"}, [4]),
        ({"table": "prescriptions", "patient_id": "P06"}, [5]),
        ({"table": "prescriptions", "patient_id": "P06", "prescription_id": 4}, []),
    ],
)
async def test_keys_called_id_are_asked_for_by_their_table(tmp_path, args, found):
    with closing(sqlite3.connect(tmp_path / "clinic.db")) as db, db:
        db.executescript(CLINIC)
    with closing(sql("patients", f"sqlite:///{tmp_path / 'clinic.db'}")) as source:
        assert await ids(source, **args) == found
