"""The example shop agrees with itself: pages, reviews, tables and the table of questions."""

from __future__ import annotations

import json
import re
import runpy
import sqlite3
import tomllib
from collections import Counter
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

SHOP = Path(__file__).resolve().parents[2] / "examples" / "shop"
TODAY = date(2026, 11, 20)
TABLES = ("customers", "orders", "shipments")
SOURCES = {"orders", "policies", "products", "reviews"}
QUESTIONS: list[dict[str, Any]] = json.loads((SHOP.parent / "shop_questions.json").read_text(encoding="utf-8"))
RETRIEVING = [q for q in QUESTIONS if q["steps"] != "none"]


def pages(folder: str) -> dict[str, tuple[dict[str, Any], str]]:
    found = {}
    for path in sorted((SHOP / folder).glob("*.md")):
        _, head, body = path.read_text(encoding="utf-8").split("+++\n", 2)
        found[path.stem] = (tomllib.loads(head), body)
    return found


def words(body: str) -> int:
    return sum(bool(re.search(r"\w", token)) for token in body.split())


def table(name: str, path: Path = SHOP / "shop.db") -> list[dict[str, Any]]:
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
        db.row_factory = sqlite3.Row
        return [dict(row) for row in db.execute(f"SELECT * FROM {name} ORDER BY rowid")]


def day(cell: str | None) -> date | None:
    return date.fromisoformat(cell) if cell else None


def in_database(fact: str) -> bool:
    rows = (" | ".join(map(str, row.values())) for name in TABLES for row in table(name))
    return any(fact.lower() in row.lower() for row in rows)


def text_of(doc_id: str) -> str:
    return (SHOP / doc_id).read_text(encoding="utf-8").lower()


PRODUCTS = {meta["product_id"]: meta for meta, _ in pages("products").values()}


def test_the_shop_has_the_stated_number_of_pages_and_rows() -> None:
    assert (len(pages("products")), len(pages("reviews"))) == (40, 60)
    assert len(list((SHOP / "policies").glob("*.md"))) == 9
    assert [len(table(name)) for name in TABLES] == [12, 44, 37]


def test_every_product_page_is_complete_and_named_after_its_title() -> None:
    for stem, (meta, body) in pages("products").items():
        assert set(meta) == {"title", "product_id", "category", "price_eur", "released"}
        assert stem == re.sub(r"[^a-z0-9]+", "-", meta["title"].lower().replace(",", ""))
        assert meta["released"] < TODAY
        assert 80 <= words(body) <= 180
        assert "warranty" in body.lower()


def test_product_ids_and_titles_are_unique() -> None:
    titles = {meta["title"] for meta in PRODUCTS.values()}
    assert len(titles) == len(PRODUCTS) == 40
    assert all(re.fullmatch(r"P-\d{3}", product_id) for product_id in PRODUCTS)


def test_several_products_of_a_kind_have_to_be_told_apart() -> None:
    kinds = Counter(meta["category"] for meta in PRODUCTS.values())
    assert {kind for kind, n in kinds.items() if n >= 3} >= {
        "headphones", "kettles", "lamps", "speakers", "keyboards", "backpacks", "chargers", "e-readers",
    }  # fmt: skip


def test_every_review_is_of_a_product_that_was_out_by_then() -> None:
    for stem, (meta, body) in pages("reviews").items():
        assert set(meta) == {"title", "product_id", "product", "rating", "date", "author"}
        product = PRODUCTS[meta["product_id"]]
        assert meta["product"] == product["title"]
        assert product["released"] < meta["date"] <= TODAY
        assert meta["rating"] in range(1, 6)
        assert 40 <= words(body) <= 100, stem


def test_headphones_are_reviewed_for_their_battery_and_for_other_things() -> None:
    bodies: dict[str, list[bool]] = {pid: [] for pid, meta in PRODUCTS.items() if meta["category"] == "headphones"}
    for meta, body in pages("reviews").values():
        bodies.get(meta["product_id"], []).append("battery" in body.lower())
    for about_battery in bodies.values():
        assert about_battery.count(True) >= 2
        assert about_battery.count(False) >= 1


def test_policies_have_a_title_and_sections() -> None:
    for path in (SHOP / "policies").glob("*.md"):
        text = path.read_text(encoding="utf-8")
        assert text.startswith("# ")
        assert text.count("\n## ") >= 4, path.name


def test_every_order_names_a_real_product_at_its_price() -> None:
    for order in table("orders"):
        product = PRODUCTS[order["product_id"]]
        assert order["product"] == product["title"]
        assert order["price_eur"] == product["price_eur"]
        assert product["released"] <= date.fromisoformat(order["ordered_on"])


def test_foreign_keys_hold_and_the_file_is_sound() -> None:
    with closing(sqlite3.connect(f"file:{SHOP / 'shop.db'}?mode=ro", uri=True)) as db:
        assert db.execute("PRAGMA foreign_key_check").fetchall() == []
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert db.execute("PRAGMA foreign_key_list(shipments)").fetchall()
        assert db.execute("PRAGMA foreign_key_list(orders)").fetchall()


@pytest.mark.parametrize(
    ("name", "key", "shape"),
    [
        ("customers", "customer_id", r"C-\d\d"),
        ("orders", "order_id", r"O-\d{4}"),
        ("shipments", "shipment_id", r"S-\d{4}"),
    ],
)
def test_ids_are_as_people_write_them(name: str, key: str, shape: str) -> None:
    assert all(re.fullmatch(shape, row[key]) for row in table(name))


def test_customers_have_mail_addresses_that_lead_nowhere() -> None:
    assert all(row["email"].endswith("@example.com") for row in table("customers"))


def test_dates_follow_each_other() -> None:
    joined = {row["customer_id"]: row["joined_on"] for row in table("customers")}
    ordered = {row["order_id"]: row["ordered_on"] for row in table("orders")}
    assert all(joined[row["customer_id"]] <= row["ordered_on"] for row in table("orders"))
    assert list(ordered.values()) == sorted(ordered.values())
    for row in table("shipments"):
        if shipped := day(row["shipped_on"]):
            assert (
                date.fromisoformat(ordered[row["order_id"]]) <= shipped < (day(row["delivered_on"]) or TODAY) <= TODAY
            )


def test_a_shipment_has_the_dates_of_its_state() -> None:
    for row in table("shipments"):
        assert (row["shipped_on"] is None) == (row["status"] == "label created")
        assert (row["delivered_on"] is not None) == (row["status"] == "delivered")


@pytest.mark.parametrize(
    ("status", "allowed"),
    [
        ("processing", {(), ("label created",)}),
        ("shipped", {("in transit",), ("delayed",), ("lost", "in transit")}),
        ("delivered", {("delivered",)}),
        ("returned", {("delivered",)}),
        ("cancelled", {()}),
    ],
)
def test_an_order_has_the_shipments_of_its_state(status: str, allowed: set[tuple[str, ...]]) -> None:
    sent = table("shipments")
    orders = [row["order_id"] for row in table("orders") if row["status"] == status]
    found = {tuple(s["status"] for s in sent if s["order_id"] == order_id) for order_id in orders}
    assert orders
    assert found <= allowed


def test_the_last_order_is_headphones_that_can_still_go_back() -> None:
    newest = max(table("orders"), key=lambda row: row["ordered_on"])
    [shipment] = [row for row in table("shipments") if row["order_id"] == newest["order_id"]]
    assert newest["product"].endswith("Headphones")
    assert newest["status"] == "delivered"
    assert date.fromisoformat(shipment["delivered_on"]) + timedelta(days=30) >= TODAY


def test_the_committed_database_is_what_the_script_builds(tmp_path: Path) -> None:
    fresh = tmp_path / "shop.db"
    runpy.run_path(str(SHOP.parent / "build_shop_db.py"))["build"](fresh)
    assert [path.name for path in tmp_path.iterdir()] == ["shop.db"]
    schema = "(SELECT type, name, sql FROM sqlite_master)"
    for name in (*TABLES, schema):
        query = name if name in TABLES else f"{name} AS s"
        assert _all(fresh, query) == _all(SHOP / "shop.db", query)


def _all(path: Path, what: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(path)) as db:
        return db.execute(f"SELECT * FROM {what}").fetchall()


def test_the_questions_are_thirty_in_the_stated_mix() -> None:
    assert [q["id"] for q in QUESTIONS] == [f"q{n:02d}" for n in range(1, 31)]
    assert Counter(q["steps"] for q in QUESTIONS) == {"none": 4, "one": 15, "many": 11}
    one_step = Counter(source for q in QUESTIONS if q["steps"] == "one" for source in q["sources"])
    assert set(one_step) == SOURCES
    assert min(one_step.values()) >= 3
    assert any(q["question"].startswith("Can I return the headphones from my last order, and") for q in QUESTIONS)


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda q: q["id"])
def test_a_question_is_well_formed(question: dict[str, Any]) -> None:
    assert set(question) == {"id", "question", "sources", "steps", "depends", "answer", "doc_ids"}
    assert question["sources"] == sorted(set(question["sources"]) & SOURCES)
    assert question["doc_ids"] == sorted(set(question["doc_ids"]))
    assert bool(question["sources"]) == bool(question["answer"]) == (question["steps"] != "none")
    assert question["steps"] != "one" or len(question["sources"]) == 1
    assert all(
        later != earlier and {later, earlier} <= set(question["sources"]) for later, earlier in question["depends"]
    )


@pytest.mark.parametrize("question", RETRIEVING, ids=lambda q: q["id"])
def test_an_answer_stands_in_its_pages_or_in_the_database(question: dict[str, Any]) -> None:
    texts = [text_of(doc_id) for doc_id in question["doc_ids"]]
    for fact in question["answer"]:
        from_pages = any(fact.lower() in text for text in texts)
        assert from_pages or ("orders" in question["sources"] and in_database(fact)), fact
        assert fact.lower() not in question["question"].lower(), "the question gives the answer away"


@pytest.mark.parametrize("question", RETRIEVING, ids=lambda q: q["id"])
def test_every_listed_source_is_used_and_no_other(question: dict[str, Any]) -> None:
    facts = [fact.lower() for fact in question["answer"]]
    texts = {doc_id: text_of(doc_id) for doc_id in question["doc_ids"]}
    for doc_id, text in texts.items():
        assert any(fact in text for fact in facts), doc_id
    only_in_rows = any(not any(fact in text for text in texts.values()) for fact in facts)
    feeds_others = any(earlier == "orders" for _, earlier in question["depends"])
    used = {doc_id.split("/")[0] for doc_id in texts} | ({"orders"} if only_in_rows or feeds_others else set())
    assert used == set(question["sources"])
