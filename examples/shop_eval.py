"""The shop's assistant, as `rag eval examples/shop_eval.jsonl --assistant examples/shop_eval.py` wants it."""

from datetime import UTC, datetime
from pathlib import Path

import rag

SHOP = Path(__file__).parent / "shop"
FOLDERS = ("policies", "products")


def assistant() -> rag.Assistant:
    """Answers without a model from pages and orders, as they stood on 20 November 2026."""
    index = rag.Index.memory()
    index.add(rag.load(*(SHOP / name for name in FOLDERS)))
    sources = [
        *(index.source(name, collection=name) for name in FOLDERS),
        rag.sql("orders", f"sqlite:///{SHOP}/shop.db"),
    ]
    return rag.Assistant(sources, clock=lambda: datetime(2026, 11, 20, 12, tzinfo=UTC))
