from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from rag.run.rows import evidence_item


def item(row):
    return evidence_item(row, source="shop", step_id="s1", round=2, query="q")


def test_a_row_of_an_index_keeps_its_identity():
    row = {"doc_id": "d", "chunk_id": "d#3", "title": "T", "text": "x", "score": 0.5, "span": [4, 9]}
    made = item({**row, "metadata": {"year": 2026}})
    passage = made.passage
    assert (passage.doc_id, passage.chunk_id, passage.span, passage.source) == ("d", "d#3", (4, 9), "shop")
    assert (made.score, made.round, made.query, passage.metadata) == (0.5, 2, "q", {"year": 2026})


def test_a_row_without_text_is_written_as_fields_without_what_is_empty():
    row = {"doc_id": "orders/7", "item": "lamp", "score": 3, "paid": None, "gift": False, "sizes": [1, "é"]}
    assert item(row).passage.text == 'item: lamp\nscore: 3\ngift: false\nsizes: [1, "é"]'


def test_ids_that_are_missing_come_from_the_content():
    first, again, other = item({"text": "x"}), item({"text": "x"}), item({"text": "y"})
    assert first.key == again.key != other.key


def test_two_rows_of_one_document_are_two_passages():
    assert item({"doc_id": "p1", "text": "x"}).key != item({"doc_id": "p1", "text": "y"}).key


def test_the_score_of_a_query_is_no_part_of_the_identity():
    assert (
        item({"doc_id": "p1", "text": "x", "score": 1.0}).key == item({"doc_id": "p1", "text": "x", "score": 2.0}).key
    )


@pytest.mark.parametrize("value", [Decimal("2.5"), date(2026, 5, 1), b"\xff", float("nan"), object(), {1, 2}])
def test_evidence_can_be_saved_whatever_types_a_row_has(value):
    made = item({"value": value, "metadata": {"v": value}})
    assert type(made).model_validate_json(made.model_dump_json()) == made
