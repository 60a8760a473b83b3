from __future__ import annotations

import pytest

from rag.read.arithmetic import calculate
from rag.read.unsourced import nothing_found, smalltalk


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("What is 17 * 23?", "17 * 23 = 391"),
        ("Quick one: what is 3 times 39?", "3 times 39 = 117"),
        ("2+2", "2+2 = 4"),
        ("What's (3 + 4) * 2?", "(3 + 4) * 2 = 14"),
        ("What is 10 divided by 4?", "10 divided by 4 = 2.5"),
        ("What is 10 / 3?", "10 / 3 ≈ 3.33333333333"),
        ("Calculate 0.1 plus 0.2", "0.1 plus 0.2 = 0.3"),
        ("What is 12.5 percent of 1,200?", "12.5 percent of 1,200 = 150"),
        ("What is 2 to the power of 100?", "2 to the power of 100 = 1267650600228229401496703205376"),
        ("How much is 3 minus -4, please?", "3 minus -4 = 7"),
        ("What is 5 × 6?", "5 × 6 = 30"),
        ("1 / 0", "1 / 0 has no result: nothing can be divided by zero."),
    ],
)
def test_a_sum_is_worked_out_exactly(question: str, answer: str) -> None:
    assert smalltalk(question).text == answer


@pytest.mark.parametrize(
    "question",
    [
        "What is order O-1016?",
        "What happened on 2026-11-20?",
        "2026-11-20",
        "What is 24/7 support?",
        "Call 030-1234",
        "I have 3 - 4 apples",
        "What is 5 plus 3 kg?",
        "9**9**9",
        "2**(-9999)",
        "(2+3",
        "What is 07 + 1?",
        "What is " + "1+" * 200 + "1?",
        "-" * 100_000,
    ],
)
def test_what_is_no_sum_or_too_large_a_one_is_not_calculated(question: str) -> None:
    assert calculate(question) is None


def test_greetings_and_thanks_get_an_honest_answer() -> None:
    assert smalltalk("Thanks a lot, that was all I needed.").text == "You're welcome."
    for question in ("Hi there!", "Who are you, and what can you do for me?", ""):
        assert "No sources were needed" in smalltalk(question).text
    assert smalltalk("Hi there!").notes == ("no sources were needed",)


def test_nothing_found_says_so_and_names_what_failed() -> None:
    assert nothing_found("Why?").notes == ("no passage was found for 'Why?'",)
    found = nothing_found("Why?", {"s1": "timed out", "s2": "is down"})
    assert (found.text, found.citations) == ("I found nothing in the sources on this.", ())
    assert found.notes == ("nothing was found for 'Why?'; what may have held it failed: s1, s2",)
