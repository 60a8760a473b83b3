from __future__ import annotations

import pytest

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
