"""How a text is cut."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.ingest import chunk

MARKDOWN = ["# Head", "Title\n=====", "```\n# code\n```", "- item", "one two three.", "A b. C d! E f?", "\n"]
PIECES = st.lists(st.sampled_from([*MARKDOWN, "x" * 100, "漢字かな"]) | st.text(max_size=30))
TEXTS = st.tuples(PIECES, st.sampled_from([" ", "\n", "\n\n"])).map(lambda given: given[1].join(given[0]))


def cut(text: str, **options: int) -> list[str]:
    return [text[start:end] for start, end in chunk(text, **options)]


@given(TEXTS, st.integers(1, 12))
def test_spans_are_in_order_trimmed_and_lose_nothing_but_space(text: str, limit: int) -> None:
    spans = chunk(text, max_words=limit)
    assert all(0 <= start < end <= len(text) for start, end in spans)
    assert all(before[1] <= after[0] for before, after in pairwise(spans))
    assert all(text[start:end] == text[start:end].strip() for start, end in spans)
    assert "".join("".join(text[start:end].split()) for start, end in spans) == "".join(text.split())


@given(TEXTS, st.integers(1, 12))
def test_no_chunk_is_longer_than_the_limit(text: str, limit: int) -> None:
    for piece in cut(text, max_words=limit):
        assert len(piece.split()) <= limit
        assert sum(map(len, piece.split())) <= limit * 40


@given(st.lists(st.sampled_from([*MARKDOWN, "word"])).map("\n\n".join), st.integers(1, 12))
def test_a_text_is_cut_only_when_it_does_not_fit(text: str, limit: int) -> None:
    assert (len(cut(text, max_words=limit)) > 1) == (len(text.split()) > limit)


def test_a_text_that_fits_is_one_chunk_whatever_it_holds() -> None:
    assert cut("# A\n\nx.\n\n# B\n\ny.\n") == ["# A\n\nx.\n\n# B\n\ny."]


def test_a_long_text_is_cut_at_its_headings_first() -> None:
    text = "# A\n\none two three. four five.\n\n# B\n\nsix seven. eight nine ten."
    assert cut(text, max_words=7) == ["# A\n\none two three. four five.", "# B\n\nsix seven. eight nine ten."]


def test_short_sections_are_joined_up_to_the_limit() -> None:
    text = "\n\n".join(f"# H{n}\n\nword word" for n in range(4))
    assert [piece.count("#") for piece in cut(text, max_words=8)] == [2, 2]


def test_a_long_section_is_cut_at_paragraphs_and_its_heading_stays_with_what_follows() -> None:
    text = "intro intro intro\n\n# Head\n\n" + "\n\n".join(f"p{n} one two three four" for n in range(3))
    pieces = cut(text, max_words=8)
    assert "# Head\n\np0 one two three four" in pieces
    assert all(not piece.endswith("Head") for piece in pieces)


def test_a_long_paragraph_is_cut_at_sentence_ends_into_even_pieces() -> None:
    text = " ".join(f"Sentence number {n} is here." for n in range(9))
    pieces = cut(text, max_words=40)
    assert [len(piece.split()) for piece in pieces] == [25, 20]
    assert all(piece.endswith("here.") for piece in pieces)


def test_rows_without_sentence_ends_are_cut_at_lines() -> None:
    text = "\n".join(f"row {n} with five words" for n in range(6))
    assert all(piece.startswith("row") for piece in cut(text, max_words=11))


def test_text_without_spaces_is_cut_too() -> None:
    assert [len(piece) for piece in cut("漢" * 25, max_words=10)] == [9, 9, 7]
    assert max(len(piece) for piece in cut("x" * 1000, max_words=5)) == 200


def test_an_abstract_of_ordinary_length_is_one_chunk() -> None:
    assert len(chunk("word " * 200)) == 1


@pytest.mark.parametrize("text", ["", " \n\t "])
def test_a_blank_text_has_no_chunk(text: str) -> None:
    assert chunk(text) == []


def test_a_limit_below_one_word_is_an_error() -> None:
    with pytest.raises(ValueError, match="at least 1 word"):
        chunk("x", max_words=0)
