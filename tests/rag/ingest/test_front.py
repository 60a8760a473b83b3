"""What is read of front matter."""

import pytest

from rag.ingest.front import split_front_matter


def test_toml_keeps_its_types_and_dates_become_iso_text() -> None:
    lines = "date = 2026-10-03\nat = 2026-10-03T09:00:00Z\ntags = ['a', 1.5]\n[by]\nname = 'Ann'\nlimit = inf"
    fields, body = split_front_matter(f"+++\n{lines}\n+++\nBody")
    assert fields == {
        "date": "2026-10-03",
        "at": "2026-10-03T09:00:00+00:00",
        "tags": ["a", 1.5],
        "by": {"name": "Ann", "limit": "inf"},
    }
    assert body == "Body"


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("key: plain text: with a colon", "plain text: with a colon"),
        ("key: 4", 4),
        ("key: true", True),
        ('key: "quoted"', "quoted"),
        ("key: 'it''s'", "it's"),
        ('key: ["a", "b"]', ["a", "b"]),
        ("key: [a, b]", "[a, b]"),
        ("key: 2026-10-03", "2026-10-03"),
        ("key: 007", "007"),
        ("key: NaN", "NaN"),
        ("key: 12e4567", "12e4567"),
        ("key: 12e3", 12000.0),
    ],
)
def test_a_simple_line_is_json_where_it_can_be_and_text_elsewhere(line: str, value: object) -> None:
    assert split_front_matter(f"---\n{line}\n---\nBody") == ({"key": value}, "Body")


def test_lines_that_are_not_simple_are_left_out() -> None:
    text = "---\ntitle: T\ntags:\n  - a\n  - b\n# a remark\nby: Ann\n---\nBody"
    assert split_front_matter(text) == ({"title": "T", "by": "Ann"}, "Body")


@pytest.mark.parametrize(
    "text",
    [
        "---\nJust prose between rules.\n---\nMore.",
        "--- no\na: b\n---",
        "---\na: b\nnever closed",
        "text\n---\na: b\n---",
    ],
)
def test_what_only_looks_like_front_matter_stays_text(text: str) -> None:
    assert split_front_matter(text) == ({}, text)
