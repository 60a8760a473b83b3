"""Which values of a document's metadata are names."""

from __future__ import annotations

import pytest

from rag.ingest.names import names


@pytest.mark.parametrize(
    "value", ["Heron Over-Ear Headphones", "3M Tape", "P-1003", "Émile Bø", "Mara V.", "ÅÄÖ", "X-ray"]
)
def test_names_are_kept(value):
    assert names({"a": value}) == (value,)


@pytest.mark.parametrize(
    "value",
    ["", "positive", "a Heron", "5", "4.5", "電池", "2026-05-04", "2026-05-04T10:00:00Z", "May 4, 2026", "4 May 2026",
     "Https://example.org/a", "WWW.example.org", "Ann@example.org", "A" * 61, 7, None, ["Heron"], {"a": "Heron"}],
)  # fmt: skip
def test_other_values_are_not(value):
    assert names({"a": value}) == ()


def test_a_name_is_told_once_and_on_one_line():
    assert names({"a": "Heron\n Lamp", "b": "Heron Lamp", "c": "Wren"}) == ("Heron Lamp", "Wren")
