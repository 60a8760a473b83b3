"""What leads on from a passage, and when passages hold together."""

import pytest

from planners.bridges import hold_together, onward, unmet
from rag.types import EvidenceItem, Passage
from rag.verdict import Part, Verdict

BARE = Verdict(outcome="supported", by="coverage", score=1.0)


def item(title, text=""):
    return EvidenceItem(passage=Passage(doc_id=title, chunk_id=title, title=title, text=text), step_id="s1")


FILM = item("Alien (film)", "Alien is a film of 1979 by the director Ridley Scott.")
MAN = item("Ridley Scott", "Ridley Scott was born in South Shields.")


def test_a_passage_that_adds_no_name_leads_nowhere():
    assert onward("Who wrote it?", item("", "nobody knows")) == ""


def test_of_a_long_page_not_all_names_are_a_query():
    page = item("Page", ". ".join(f"it was Mr Xa{chr(97 + n // 26)}{chr(97 + n % 26)}" for n in range(100)))
    assert len(onward("Who wrote it?", page).split()) < 60


@pytest.mark.parametrize(
    ("title", "left"),
    [("Laleli Mosque", ("Esma Sultan Mansion",)), ("Mansion", ("Laleli Mosque", "Esma Sultan Mansion"))],
)
def test_a_thing_is_met_by_a_title_with_most_of_its_name(title, left):
    assert unmet("Are the Laleli Mosque and Esma Sultan Mansion close?", [item(title)]) == left


@pytest.mark.parametrize(
    ("question", "items", "together"),
    [
        ("Where was the director of Alien born?", [FILM, MAN], True),
        ("Where was the director of Alien born?", [FILM], False),
        ("Where was the director of Alien born?", [FILM, item("Tony Scott", "Tony Scott was born there.")], False),
        ("Where was the director of Alien, of the Nostromo and Sulaco ships, educated?", [FILM, MAN], False),
        ("Which is older, Alien or Ridley Scott?", [FILM, MAN], True),
        ("Who is the director of both Alien and Ridley Scott?", [FILM, item("Ridley Scott", "born")], False),
        ("Which is older, Alien or Blade Runner?", [FILM, MAN], False),
    ],
)
def test_passages_hold_together_as_a_chain_or_as_a_comparison(question, items, together):
    assert hold_together(question, items, BARE) is together


def test_one_passage_is_enough_for_a_simple_question_alone():
    one, two = ("", "a"), ("", "b")
    simple = BARE.model_copy(update={"parts": (Part(text="x", evidence=(one, two)), Part(text="y", evidence=(one,)))})
    split = BARE.model_copy(update={"parts": (Part(text="x", evidence=(two,)), Part(text="y", evidence=(one,)))})
    long = simple.model_copy(update={"parts": simple.parts * 2})
    assert [hold_together("why?", [], verdict) for verdict in (simple, split, long)] == [True, False, False]
