from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.read.sufficiency.parts import asked, proper_names


@pytest.mark.parametrize(
    ("question", "answer", "kind"),
    [
        ("Who directed Alien?", "Who", "person"),
        ("In which city was Ridley Scott born?", "which city", "place"),
        ("Alien came out in what year?", "what year", "time"),
        ("How many people live in Leeds?", "How many people", "number"),
        ("How long is the Severn?", "How long", "number"),
        ("The arena where the Maineiacs played can seat how many people?", "how many people", "number"),
        ("Which English musician wrote it?", "Which English musician", "thing"),
        ("Are Leeds and York in England?", "", None),
        ("Ridley Scott, who was born in 1937, directed Alien.", "", None),
    ],
)
def test_what_is_asked_for_and_its_kind(question: str, answer: str, kind: str | None) -> None:
    parts = asked(question)
    assert (parts.answer, parts.kind) == (answer, kind)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Are the Laleli Mosque and Esma Sultan Mansion in one town?", ["Laleli Mosque", "Esma Sultan Mansion"]),
        ("Queen of Blood was shot in Los Angeles.", ["Queen of Blood", "Los Angeles"]),
        ("According to the census, Leeds grew.", ["Leeds"]),
        ("who is older, annie or terry?", []),
        ("WHO DIRECTED ALIEN?", []),
        ("Is Émile Zola’s “Nana” a novel?", ["Nana", "Émile Zola"]),
    ],
)
def test_names_are_runs_of_capitals_and_what_is_quoted(text: str, names: list[str]) -> None:
    assert proper_names(text) == names


def test_dates_and_figures_are_parts_of_their_own() -> None:
    parts = asked("Scott, born on 30 November 1937, won two awards and £1,200.")
    assert parts.figures == ("30 November 1937", "two", "£1,200")


@given(st.text(max_size=200))
def test_any_text_is_taken_apart(text: str) -> None:
    parts = asked(text)
    assert all(part.strip() for part in (*parts.names, *parts.figures, *parts.phrases))


def test_what_is_said_twice_is_one_part() -> None:
    assert asked("The old lamp is dim. " * 200).phrases == asked("The old lamp is dim. The old lamp is dim.").phrases
    assert len(asked("The old lamp is dim. " * 200).phrases) < 4
