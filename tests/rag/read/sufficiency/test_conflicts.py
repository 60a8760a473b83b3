from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag.read.sufficiency import conflicts
from rag.read.sufficiency.conflicts import conflict_of
from rag.types import Evidence, EvidenceItem, Passage


def item(doc_id: str, text: str, title: str = "Shipping", **metadata: str) -> EvidenceItem:
    passage = Passage(doc_id=doc_id, chunk_id=f"{doc_id}#0", title=title, text=text, source="docs", metadata=metadata)
    return EvidenceItem(passage=passage, step_id="s1")


def differ(one: str, other: str, *, titles: tuple[str, str] = ("Shipping", "Shipping")) -> list[tuple[str, ...]]:
    evidence = Evidence(items=(item("a", one, titles[0]), item("b", other, titles[1])))
    return [tuple(side.value for side in conflict.sides) for conflict in conflicts(evidence)]


@pytest.mark.parametrize(
    ("one", "other", "values"),
    [
        ("Express delivery costs 9.50 EUR.", "Express delivery now costs 7.90 EUR.", ("9.50 EUR", "7.90 EUR")),
        ("The Heron was founded in 1979.", "The Heron was founded in 1981.", ("1979", "1981")),
        ("The office opens on 3 May 2024.", "The office opens on 3 June 2024.", ("May", "June")),
        ("Alien was directed by Ridley Scott.", "Alien was directed by Ann Lee.", ("Ridley Scott", "Ann Lee")),
        ("The head of Heron is Ann Lee.", "The head of Heron is Bo Ek.", ("Ann Lee", "Bo Ek")),
    ],
)
def test_another_value_in_the_same_statement_is_a_conflict(one: str, other: str, values: tuple[str, str]) -> None:
    assert differ(one, other) == [values]


def test_a_negation_of_the_same_statement_is_a_conflict() -> None:
    assert len(differ("Gift cards can be returned.", "Gift cards cannot be returned.")) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Express delivery costs 9.50 EUR.", "Express delivery costs 9.50 EUR."),
        ("Express delivery costs 9.50 EUR.", "Standard delivery costs 3.90 EUR."),
        ("It weighs 9 kg and costs 40 EUR.", "It weighs 8 kg and costs 45 EUR."),
        ("Delivery takes 3 days.", "Delivery takes 3 hours."),
        ("Ann Lee is a member of the board.", "Bo Ek is a member of the board."),
        ("Delivery takes 1,000 hours.", "Delivery takes 1000 hours."),
    ],
)
def test_what_may_both_be_so_is_none(one: str, other: str) -> None:
    assert differ(one, other) == []


def test_documents_on_different_things_do_not_contradict_each_other() -> None:
    assert differ("It weighs 262 grams net.", "It weighs 300 grams net.", titles=("Heron", "Ember")) == []
    assert differ("The team won 9 games.", "The team won 7 games.", titles=("Season 2014", "Season 2015")) == []


def test_a_document_does_not_contradict_itself() -> None:
    text = "# Zone 1\nDelivery takes 3 days.\n# Zone 2\nDelivery takes 5 days."
    assert conflicts(Evidence(items=(item("a", text),))) == ()


def test_a_conflict_tells_sources_and_dates() -> None:
    old = item("old", "The pass costs 40 EUR.", "Prices", date="2024-01-01")
    new = item("new", "The pass costs 45 EUR.", "News", published_at="2025-06-01")
    assert conflicts(Evidence(items=(old, new))) == ()
    new = item("new", "The pass costs 45 EUR.", "Prices", published_at="2025-06-01")
    (found,) = conflicts(Evidence(items=(old, new)))
    assert str(found) == (
        "sources differ on The pass costs …: 40 EUR (Prices, 2024-01-01); 45 EUR (Prices, 2025-06-01)"
    )
    assert [side.evidence for side in found.sides] == [old.key, new.key]


def test_rows_are_no_statements() -> None:
    rows = [item(f"orders/{n}", f"price: {n} EUR").model_copy(update={"fields": {"price": n}}) for n in (3, 4)]
    assert conflicts(Evidence(items=tuple(rows))) == ()


def test_a_told_conflict_needs_two_values_that_stand_in_two_passages() -> None:
    one, other = item("a", "It takes 3 days."), item("b", "It takes five days.")
    assert conflict_of("time", [("3 days", one), ("five  days", other)]) is not None
    assert conflict_of("time", [("3 days", one), ("4 days", other)]) is None
    assert conflict_of("time", [("3 days", one), ("It", one)]) is None
    assert conflict_of("time", [("It takes", one), ("it takes", other)]) is None


@given(st.lists(st.text(max_size=60), max_size=4))
def test_any_texts_are_compared(texts: list[str]) -> None:
    items = tuple(item(f"d{n}", text) for n, text in enumerate(texts))
    for found in conflicts(Evidence(items=items)):
        assert len({side.evidence for side in found.sides}) == 2


def test_many_values_of_one_thing_are_one_conflict() -> None:
    items = tuple(item(f"d{n}", f"The pass costs {n + 10} EUR.") for n in range(20))
    (found,) = conflicts(Evidence(items=items))
    assert [side.value for side in found.sides] == [f"{n + 10} EUR" for n in range(20)]


def test_a_value_of_another_thing_is_no_side() -> None:
    items = [(f"{title}{n}", f"It costs {n} EUR.", title) for title in ("Kettle", "Lamp") for n in (3, 5)]
    found = conflicts(Evidence(items=tuple(item(*each) for each in items)))
    assert sorted({side.title for side in each.sides} == {"Lamp"} for each in found) == [False, True]
    assert all(len(each.sides) == 2 for each in found)


def test_a_long_statement_is_cut_where_it_is_a_side() -> None:
    text = f"The pass that {'very ' * 80}many people hold is valid."
    (found,) = conflicts(Evidence(items=(item("a", text), item("b", text.replace("is valid", "is not valid")))))
    assert max(len(side.value) for side in found.sides) == 201
