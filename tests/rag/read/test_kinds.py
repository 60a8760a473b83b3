from __future__ import annotations

import pytest

from rag.read.kinds import fits_kind


@pytest.mark.parametrize(
    ("question", "has", "lacks"),
    [
        ("How long does it last?", "It plays for 18 hours.", "It plays 18 songs."),
        ("After how long is it lost?", "After ten working days.", "After a while."),
        ("How fast do you refund?", "Within 5 working days.", "Very fast."),
        ("How heavy is it?", "It weighs 1.05 kg.", "It is 30 cm long."),
        ("What does it cost?", "It is 9.50 EUR.", "It is worth it."),
        ("From what order amount?", "From €150.", "From a high amount."),
        ("When is it back?", "On 25 November 2026.", "Soon."),
        ("Until when can I chat?", "Until 14:00.", "Until we close."),
        ("How many colours has it?", "It comes in three colours.", "It comes in many colours."),
        ("Who wrote it?", "It was written by Bram Stoker.", "It was written by someone."),
    ],
)
def test_a_statement_has_what_is_asked_for_or_has_not(question: str, has: str, lacks: str) -> None:
    assert (fits_kind(question, has), fits_kind(question, lacks)) == (1.0, 0.0)


@pytest.mark.parametrize("question", ["Is it loud?", "What do people who bought it say?", "Tell me about it."])
def test_where_no_kind_is_asked_for_every_statement_fits_alike(question: str) -> None:
    assert fits_kind(question, "It is 3 kg.") == fits_kind(question, "It is fine.") == 0.5
