from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.read.cited import draft, ordered, pack, request
from rag.read.fence import render_passages
from rag.types import Evidence, EvidenceItem, Passage, Turn


def item(name: str, text: str, step: str = "s1", **fields: object) -> EvidenceItem:
    return EvidenceItem(passage=Passage(doc_id=name, chunk_id=f"{name}#0", text=text, **fields), step_id=step)


def names(items: tuple[EvidenceItem, ...]) -> list[str]:
    return [each.passage.doc_id for each in items]


THREE = (item("a", "x" * 100), item("b", "y" * 100), item("c", "z" * 100, "s2"))


def test_everything_is_packed_when_it_fits() -> None:
    assert pack(Evidence(items=THREE), 10_000, len) == THREE


def test_the_best_of_each_step_goes_before_the_second_of_any() -> None:
    size = len(render_passages(THREE[:1]))
    assert names(pack(Evidence(items=THREE), 2 * size, len)) == ["a", "c"]


def test_an_item_that_does_not_fit_is_passed_over_for_one_that_does() -> None:
    items = (item("big", "x" * 1000), item("small", "y" * 10))
    assert names(pack(Evidence(items=items), 200, len)) == ["small"]


def test_the_best_is_cut_short_when_nothing_fits() -> None:
    (only,) = pack(Evidence(items=(item("a", "word " * 100, span=(40, 540)), item("b", "y" * 500))), 100, len)
    assert only.passage.doc_id == "a"
    assert len(render_passages([only])) <= 100
    assert only.passage.span == (40, 40 + len(only.passage.text))


def test_nothing_is_packed_from_no_evidence() -> None:
    assert pack(Evidence(), 100, len) == ()


@given(st.text("ab🎧e\u0301\u200d\ud83c\udfa7 ", min_size=1, max_size=80), st.integers(0, 120))
def test_a_cut_leaves_no_half_of_a_pair_and_no_bare_letter(text: str, limit: int) -> None:
    (only,) = pack(Evidence(items=(item("a", text),)), limit, len)
    cut = only.passage.text
    assert text.startswith(cut)
    assert not cut or text[len(cut) :][:1] not in {"\u0301", "\u200d", "\udfa7"}


def test_a_request_holds_question_passages_and_the_last_turns() -> None:
    turns = [Turn(role="user", text=f"turn {n}") for n in range(9)]
    wanted = request("How long?", THREE, turns)
    assert (wanted.prompt, set(wanted.values)) == ("answer", {"question", "passages", "conversation"})
    assert wanted.values["conversation"].startswith("The conversation so far:\nuser: turn 3\n")


def test_a_chain_holds_no_turns() -> None:
    wanted = request("How long?", THREE, [Turn(text="before")], "chain")
    assert (wanted.prompt, set(wanted.values)) == ("chain", {"question", "passages"})


def test_a_chat_needs_no_passages() -> None:
    wanted = request("Hi!", (), [Turn(speaker="Ann", text="a\nb" + "x" * 999)], "chat")
    assert (wanted.prompt, set(wanted.values)) == ("chat", {"question", "conversation"})
    assert wanted.values["conversation"] == f"The conversation so far:\nAnn: a b{'x' * 597}…\n\n"


def test_a_draft_cites_the_items_it_was_written_from() -> None:
    made = draft("It is made of x [2].", [item("a", "Nothing."), item("b", "It is made of x.")])
    assert (made.text, names(made.evidence.items)) == ("It is made of x [1].", ["a", "b"])
    assert [(c.n, c.passage.doc_id, c.quote) for c in made.citations] == [(1, "b", "It is made of x.")]


def test_an_answer_that_is_not_in_the_sources_passes_without_citations() -> None:
    made = draft("The passages do not say.", [item("a", "The passages do not say much.")])
    assert (made.text, made.citations) == ("The passages do not say.", ())
    assert made.notes == ("the model found no answer in the sources",)


@pytest.mark.parametrize("text", ["", " \n", "[1]", "[7]"])
def test_an_empty_text_says_that_nothing_was_found(text: str) -> None:
    made = draft(text, [item("a", "x")])
    assert (made.text, made.citations) == ("I found nothing in the sources on this.", ())
    assert "the model wrote no answer" in made.notes


def test_a_draft_of_a_chain_is_kept_whole() -> None:
    text = "Rembrandt painted it [1]. So the answer is Leiden."
    assert draft(text, [item("a", "Rembrandt painted it.")]).text == text


def test_of_many_items_the_best_are_read_first_and_last() -> None:
    many = [item(f"a{n}", "x") for n in range(10)] + [item(f"b{n}", "y", "s2") for n in range(6)]
    order = names(ordered(many))
    assert (order[:2], order[-2:]) == (["a0", "a1"], ["b1", "b0"])
    assert sorted(order) == sorted(names(tuple(many)))


def test_a_few_items_keep_their_order() -> None:
    assert ordered(THREE) == THREE
