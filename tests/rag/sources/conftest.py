"""A small shop in SQLite: what the tests of databases read."""

import sqlite3
from contextlib import closing

import pytest

SHOP = """
CREATE TABLE customers (id TEXT PRIMARY KEY, name TEXT NOT NULL, city TEXT, vip BOOLEAN, joined DATE);
CREATE TABLE orders (
    id TEXT PRIMARY KEY,
    customer_id TEXT NOT NULL REFERENCES Customers (ID),
    product TEXT NOT NULL,
    note TEXT,
    amount DECIMAL(10, 2),
    quantity INTEGER,
    state TEXT NOT NULL CHECK (state IN ('open', 'sent', 'gone back')),
    placed_at DATETIME NOT NULL,
    receipt BLOB
);
CREATE TABLE shipments (id TEXT PRIMARY KEY, order_id TEXT REFERENCES orders, state TEXT, left_on TEXT);
CREATE TABLE settings (key TEXT, value TEXT);

INSERT INTO customers VALUES
    ('C-1', 'Ann Ardent', 'Ghent', 1, '2024-01-02'),
    ('C-17', 'Émile Bø', 'Lille', 0, '2024-03-04'),
    ('C-2', 'Cy 100%', 'Ghent', 0, NULL);
INSERT INTO orders VALUES
    ('O-9', 'C-1', 'Heron Headphones', 'leave at the door', 149.5, 1, 'sent', '2026-03-01 10:00:00', x'00ff'),
    ('O-10', 'C-1', 'Heron Headphones Case', 'Fits XB1 and B2', 15, 2, 'open', '2026-03-01 18:30:00', NULL),
    ('O-11', 'C-17', 'Desk Lamp', 'a gift: 100% surprise', 59, 1, 'gone back', '2026-03-02T08:00:00', NULL),
    ('O-12', 'C-17', 'Wool Battery_Cosy', 'for batteries', 9.25, 3, 'sent', '2026-02-10 00:00:00', NULL);
INSERT INTO shipments VALUES
    ('S-1', 'O-9', 'lost', '2026-03-02'), ('S-2', 'O-11', 'there', '2026-03-03'),
    ('S-3', 'O-12', 'there', '2026-02-11'), ('S-4', 'O-12', 'lost', NULL);
INSERT INTO settings VALUES ('theme', 'dark');
"""


@pytest.fixture(scope="session")
def shop_path(tmp_path_factory):
    path = tmp_path_factory.mktemp("a shop #1") / "shop.db"
    with closing(sqlite3.connect(path)) as db, db:
        db.executescript(SHOP)
    return path


@pytest.fixture
def shop(shop_path):
    from rag.sources.sql import sql

    source = sql("orders", f"sqlite:///{shop_path}")
    yield source
    source.close()
