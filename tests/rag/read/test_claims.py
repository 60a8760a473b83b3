from __future__ import annotations

import pytest

from rag.read.claims import decide
from rag.read.extractive import extract
from rag.types import Evidence, EvidenceItem, Passage

PAGES = {
    "Alien": "Alien is a film of 1979. The director was Ridley Scott. It was shot in Shepperton.",
    "Blade Runner": "Blade Runner was released in 1982 by the director Ridley Scott. The sequel was released in 2017.",
    "Herons": "Herons eat fish. The hide is not open on Mondays. Prices went up. The pass costs 9.50 EUR.",
    "Aliens": "Aliens was directed by James Cameron, not by Ridley Scott. It may be shown in May.",
}
EVIDENCE = Evidence(
    items=tuple(
        EvidenceItem(passage=Passage(doc_id=title, chunk_id=f"{title}#0", title=title, text=text), step_id="s1")
        for title, text in PAGES.items()
    )
)


@pytest.mark.parametrize(
    "claim",
    [
        "Alien was not directed by Ridley Scott.",
        "Alien never had the director Ridley Scott.",
        "Ridley Scott was directed by Alien.",
        "Blade Runner was released before 1982.",
        "Blade Runner was released in 1979 by Ridley Scott.",
        "Alien, a film of 1982, was made by the director Ridley Scott.",
        "Fish eat herons.",
        "Prices went down.",
        "Blade Runner was released in 2017.",
        "Aliens directed James Cameron.",
        "Aliens was directed by Ridley Scott.",
        "Aliens was shown in May.",
        "Only herons eat fish.",
        "Is Alien a film of 1979?",
        "",
    ],
)
def test_what_no_statement_says_is_left_open(claim: str) -> None:
    assert decide(claim, EVIDENCE).outcome == "not enough"


@pytest.mark.parametrize(
    ("claim", "outcome"),
    [
        ("Alien is a film of 1979.", "supported"),
        ("Alien is a film", "supported"),
        ("Alien was shot in Shepperton.", "supported"),
        ("Blade Runner was released in 1982.", "supported"),
        ("The hide isn't open on Mondays.", "supported"),
        ("The pass costs 9.5 EUR.", "supported"),
        ("Alien is a film of 1982.", "refuted"),
        ("The pass costs 9 EUR.", "refuted"),
        ("Herons don't eat fish.", "not enough"),
        ("The hide is open on Mondays.", "refuted"),
    ],
)
def test_a_statement_decides_what_it_says_or_denies_itself(claim: str, outcome: str) -> None:
    assert decide(claim, EVIDENCE).outcome == outcome
    assert extract(claim, EVIDENCE, form="claim").text.startswith(f"{outcome.capitalize()}. ")


def test_statements_that_contradict_each_other_decide_nothing() -> None:
    other = Passage(doc_id="x", chunk_id="x#0", title="Passes", text="The pass costs 12 EUR.")
    both = Evidence(items=(*EVIDENCE.items, EvidenceItem(passage=other, step_id="s1")))
    assert decide("The pass costs 12 EUR.", both).outcome == "not enough"
