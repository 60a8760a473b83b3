"""The example shop, asked as its questions need."""

from pathlib import Path

import pytest

from rag.sources.sql import sql
from rag.types import Scope

SHOP = Path(__file__).parents[3] / "examples" / "shop" / "shop.db"


@pytest.fixture
def orders():
    source = sql("orders", f"sqlite:///{SHOP}")
    yield source
    source.close()


@pytest.mark.parametrize(
    ("args", "field", "values"),
    [
        ({"order_id": "O-1016"}, "status", ["returned"]),
        ({"table": "shipments", "order_id": "O-1035"}, "tracking", ["PP17109217"]),
        ({"customer_id": "C-17"}, "order_id", ["O-1044", "O-1033", "O-1022", "O-1012", "O-1004"]),
        ({"customer_id": "C-17", "query": "headphones", "newest": 1}, "product", ["Heron Over-Ear Headphones"]),
        ({"table": "shipments", "customer_id": "C-17", "newest": 1}, "order_id", ["O-1044"]),
        ({"table": "shipments", "status": "lost"}, "shipment_id", ["S-2030"]),
        ({"status": "lost"}, "order_id", ["O-1036"]),
        (
            {"status": "cancelled", "ordered_on_from": "2026-09-01", "ordered_on_to": "2026-09-30"},
            "order_id",
            ["O-1034", "O-1031", "O-1030"],
        ),
        ({"table": "customers", "product": "Owl Bookshelf Speakers"}, "customer_id", ["C-14"]),
    ],
)
async def test_the_shop_s_tables_answer_its_questions(orders, args, field, values):
    assert [row[field] for row in await orders.call(args, Scope())] == values


async def test_the_shop_knows_what_it_may_hold(orders):
    assert orders.card.title_field == "product"
    assert await orders.relevance("Could you check what state my order O-1016 is in?", Scope()) == 1.0
    assert await orders.relevance("how many days do i have to send something back", Scope()) < 0.6
