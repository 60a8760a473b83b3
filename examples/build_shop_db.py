"""Build ``shop/shop.db`` from the CSV files in ``shop_tables/``.

Run it as ``python examples/build_shop_db.py``, with another path as its argument to write elsewhere. The same CSV
files always give the same rows in the same order.
"""

from __future__ import annotations

import csv
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

HERE = Path(__file__).resolve().parent
TABLES = ("customers", "orders", "shipments")  # parents first, so that foreign keys hold at every insert

# The CHECK constraints list every status, so that a reader of the schema knows the words that a question may use.
SCHEMA = """
CREATE TABLE customers (
    customer_id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    email TEXT NOT NULL UNIQUE,
    city TEXT NOT NULL,
    joined_on DATE NOT NULL
);
CREATE TABLE orders (
    order_id TEXT NOT NULL PRIMARY KEY,
    customer_id TEXT NOT NULL REFERENCES customers (customer_id),
    product_id TEXT NOT NULL,
    product TEXT NOT NULL,
    quantity INTEGER NOT NULL CHECK (quantity > 0),
    price_eur REAL NOT NULL,
    ordered_on DATE NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('processing', 'shipped', 'delivered', 'returned', 'cancelled'))
);
CREATE TABLE shipments (
    shipment_id TEXT NOT NULL PRIMARY KEY,
    order_id TEXT NOT NULL REFERENCES orders (order_id),
    carrier TEXT NOT NULL,
    shipped_on DATE,
    delivered_on DATE,
    status TEXT NOT NULL CHECK (status IN ('label created', 'in transit', 'delivered', 'delayed', 'lost')),
    tracking TEXT NOT NULL UNIQUE
);
"""


def rows(table: str) -> list[dict[str, str | None]]:
    """Return the rows of ``tables/<table>.csv`` in file order, an empty cell as None."""
    with (HERE / "shop_tables" / f"{table}.csv").open(encoding="utf-8", newline="") as file:
        return [{column: cell or None for column, cell in row.items()} for row in csv.DictReader(file)]


def build(path: Path) -> None:
    """Write the database to ``path``; an existing file is replaced only once the new one is complete."""
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    with closing(sqlite3.connect(draft)) as db:
        db.execute("PRAGMA foreign_keys = ON")
        db.executescript(SCHEMA)
        with db:
            for table in TABLES:
                _fill(db, table)
    draft.replace(path)


def _fill(db: sqlite3.Connection, table: str) -> None:
    records = rows(table)
    columns = list(records[0])
    marks = ", ".join(f":{column}" for column in columns)
    db.executemany(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", records)


if __name__ == "__main__":
    build(Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "shop" / "shop.db")
