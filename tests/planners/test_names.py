"""Proper names are matched as printed, the longest first."""

import pytest

from planners.names import mentions, said_of
from rag.card import SourceCard


def _named(text: str, *names: str) -> list[tuple[str, ...]]:
    return [mention.sources for mention in mentions(text, [SourceCard(name=name) for name in names])]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Does the Verge's review agree?", "The Verge"),
        ("What did 'The Verge' say?", "The Verge"),
        ("as CNBC reported", "Cnbc"),
        ("as CNBC reported", "Cnbc | World Business News Leader"),
        ("a World Business News Leader article", "Cnbc | World Business News Leader"),
        ("the techcrunch piece", "TechCrunch"),
        ("as Cbs Sports says", "CBSSports.com"),
        ("as CBSSports has it", "CBSSports.com"),
        ("per Live Science", "Live Science: The Most Interesting Articles"),
    ],
)
def test_a_name_is_found_in_the_forms_it_is_written_in(text, name):
    assert _named(text, name) == [(name,)]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Are wired headphones better?", "Wired"),
        ("What is the age limit?", "The Age"),
        ("Is it rewired?", "Wired"),
        ("fortune favours the brave", "Fortune"),
        ("where is my order", "orders"),
    ],
)
def test_common_words_are_no_names(text, name):
    assert _named(text, name) == []


def test_the_longest_name_wins():
    assert _named("The Verge said so.", "Verge", "The Verge") == [("The Verge",)]
    assert _named("Sky Sports and Sky differ.", "Sky", "Sky Sports") == [("Sky Sports",), ("Sky",)]


def test_sources_that_share_a_name_are_told_apart_by_the_rest_or_named_together():
    both = ("Ledger - Sports", "Ledger - Travel")
    assert _named("the Ledger's travel pages", *both) == [("Ledger - Travel",)]
    assert _named("What did the Ledger write?", *both) == [both]
    assert _named("In Ledger - Sports, who won?", *both) == [("Ledger - Sports",)]


def test_what_is_said_of_each_name_ends_at_the_next():
    cards = [SourceCard(name=name) for name in ("Wired", "Fortune")]
    assert said_of("Do Wired on old car batteries and Fortune on new car makers agree?", cards) == {
        "Wired": "on old car batteries",
        "Fortune": "on new car makers agree",
    }
    assert said_of("Who is it, as reported by Wired and Fortune?", cards) == {}
