from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.read.sufficiency import coverage
from rag.types import Evidence, EvidenceItem, Passage

ALIEN = ("Alien (film)", "Alien is a 1979 science fiction film directed by Ridley Scott and written by Dan O'Bannon.")
SCOTT = ("Ridley Scott", "Ridley Scott is an English director. He was born in South Shields in 1937.")
FORD = ("Harrison Ford", "Harrison Ford was born in Chicago. He starred in Blade Runner.")


def found(*pages: tuple[str, str]) -> Evidence:
    passages = [Passage(doc_id=t, chunk_id=f"{t}#0", title=t, text=x, source="films") for t, x in pages]
    return Evidence(items=tuple(EvidenceItem(passage=each, step_id="s1") for each in passages))


def test_nothing_found_is_not_enough_and_all_of_it_is_missing() -> None:
    verdict = coverage("Who directed Alien?", Evidence())
    assert (verdict.outcome, verdict.score, verdict.missing) == ("not enough", 0.0, ("Alien", "directed", "Who"))


def test_each_part_tells_the_passages_that_bear_it_out() -> None:
    verdict = coverage("Who directed Alien?", found(ALIEN, FORD))
    assert {part.text: part.evidence for part in verdict.parts}["Alien"] == (("films", "Alien (film)#0"),)
    assert verdict.enough


def test_a_question_of_two_hops_needs_the_passage_of_the_second() -> None:
    question = "Where was the director of Alien born?"
    assert coverage(question, found(ALIEN)).missing == ("born", "Where")
    assert coverage(question, found(ALIEN, SCOTT)).enough


def test_the_words_of_the_question_in_a_text_on_something_else_bear_out_nothing() -> None:
    assert not coverage("Where was the director of Alien born?", found(ALIEN, FORD)).enough


@pytest.mark.parametrize(
    ("question", "enough"),
    [("When was Alien directed?", True), ("How many films did Harrison Ford star in?", False)],
)
def test_the_answer_is_of_the_kind_that_is_asked_for(question: str, enough: bool) -> None:
    assert coverage(question, found(ALIEN, FORD)).enough == enough


def test_passages_on_different_things_are_not_enough_together() -> None:
    question = "Which town is the birthplace of the director of Alien?"
    lists = ("English towns", "South Shields is a town, and the birthplace of many a director.")
    assert not coverage(question, found(ALIEN, lists)).enough


def test_two_things_that_are_compared_are_both_looked_for() -> None:
    other = ("Dan O'Bannon", "Dan O'Bannon was born in St. Louis in 1946.")
    question = "Who was born first, Ridley Scott or Dan O'Bannon?"
    assert coverage(question, found(SCOTT, FORD)).missing[0] == "Dan O'Bannon"
    assert coverage(question, found(FORD, SCOTT, other)).enough


def test_a_document_in_several_chunks_belongs_together() -> None:
    chunks = [
        Passage(doc_id="m", chunk_id=f"m#{n}", text=text)
        for n, text in enumerate(("The Ember kettle.", "It costs 40 EUR."))
    ]
    items = tuple(EvidenceItem(passage=each, step_id="s1") for each in chunks)
    assert coverage("How much does the Ember kettle cost?", Evidence(items=items)).enough


@given(st.text(max_size=80), st.lists(st.tuples(st.text(max_size=20), st.text(max_size=80)), max_size=4))
def test_any_texts_bring_a_verdict(question: str, pages: list[tuple[str, str]]) -> None:
    verdict = coverage(question, found(*pages))
    assert 0 <= verdict.score <= 1
    assert verdict.outcome in {"supported", "not enough"}


def test_what_a_plan_searched_for_by_a_records_value_belongs_to_the_record() -> None:
    order = Passage(doc_id="orders/7", chunk_id="orders/7#0", text="product: Heron Lamp", source="orders")
    review = Passage(
        doc_id="r", chunk_id="r#0", title="Bright", text="The battery lasts for three weeks.", source="reviews"
    )

    def of(query: str) -> Evidence:
        first = EvidenceItem(passage=order, step_id="s1", fields={"id": "7", "product": "Heron Lamp"})
        return Evidence(items=(first, EvidenceItem(passage=review, step_id="s2", query=query)))

    question = "How long does the battery of the product last?"
    assert coverage(question, of("battery Heron Lamp")).enough
    assert not coverage(question, of("battery of kettles")).enough
