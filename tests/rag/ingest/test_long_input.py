"""Texts made to be slow: what reads them takes as long as they are, not its square."""

import pytest

from rag.ingest.chunk import chunk
from rag.ingest.front import split_front_matter
from rag.ingest.headings import headings
from rag.ingest.sentences import sentences

LENGTH = 200_000
LONG = [
    "# a" + " " * LENGTH + "b",
    "# a" + " #" * (LENGTH // 2) + " b",
    "a" + "." * LENGTH + "b",
    "?" * LENGTH + "x",
    "a" + ".)" * (LENGTH // 2) + "b",
    "a. B. " * (LENGTH // 6),
    "`" * LENGTH,
    "```\nx\n```\n" * (LENGTH // 10),
    "\n" + " " * LENGTH + "x",
    "\n \t" * (LENGTH // 3) + "x",
    "a\n" + "=" * LENGTH + "x",
    "---\na" + " " * LENGTH + "b\n---\ntext",
    "---\na: b" + " \t" * (LENGTH // 2) + "c\n---\ntext",
]


@pytest.mark.timeout(10)  # the square of the length takes minutes
@pytest.mark.parametrize("text", LONG, ids=[text[:12] for text in LONG])
def test_a_long_text_is_read_in_one_pass(text: str) -> None:
    list(headings(text))
    assert all(start < end for start, end in sentences(text))
    assert chunk(text)
    split_front_matter(text)
