"""Typed arguments are read from the words of a question, and not from words that only look alike."""

from datetime import date
from typing import Any, Literal

import pytest
from pydantic import BaseModel, Field

from planners.fill import fill
from rag.card import SourceCard

TODAY = date(2026, 11, 20)


class Arguments(BaseModel):
    table: Literal["orders", "shipments"] | None = None
    query: str | None = None
    order_id: str | None = Field(None, pattern=r"^O-\d+$")
    tags: list[Literal["urgent", "gift"]] | None = None
    status: Literal["shipped", "in transit", "lost"] | None = None
    ordered_from: date | None = Field(None, json_schema_extra={"role": "from"})
    ordered_to: date | None = Field(None, json_schema_extra={"role": "to"})
    shipped_on_from: date | None = Field(None, json_schema_extra={"role": "from"})
    product: str | None = Field(None, json_schema_extra={"values": ["Oak Lamp", "Oak Lamp Mini", "Ash Stool"]})
    is_paid: bool | None = None
    max_price: float | None = None
    nights: int | None = None
    newest: int | None = Field(None, json_schema_extra={"role": "newest"})
    note: str | None = None


CARD = SourceCard(name="orders", arguments=Arguments)


def _args(text: str) -> dict[str, Any]:
    (filling,) = fill(CARD, text, TODAY, {"order"})
    return filling.args


@pytest.mark.parametrize(
    ("text", "args"),
    [
        ("Where is o-17?", {"order_id": "O-17"}),
        ("my last order", {"table": "orders", "newest": 1}),
        ("the latest three orders", {"table": "orders", "newest": 3}),
        ("which orders are in transit", {"table": "orders", "status": "in transit"}),
        ("what was ordered since March", {"ordered_from": "2026-03-01"}),
        ("what was shipped since March", {"status": "shipped", "shipped_on_from": "2026-03-01"}),
        ("does the oak lamp mini fit", {"product": "Oak Lamp Mini"}),
        ("Is the Ash Stools sale on?", {"product": "Ash Stool"}),
        ("urgent gift things", {"tags": ["urgent", "gift"]}),
        ("those that are not paid", {"is_paid": False}),
        ("anything under 50 euros", {"max_price": 50}),
        ("for 3 nights", {"nights": 3}),
        ("shipments of order O-9", {"table": "shipments", "order_id": "O-9"}),
    ],
)
def test_arguments_are_filled(text, args):
    assert _args(text) == args


@pytest.mark.parametrize(
    "text", ["How long does it last?", "May I return it?", "an O-ring", "the last straw", "do you ship to Oslo?", ""]
)
def test_words_that_only_look_alike_fill_nothing(text):
    assert _args(text) == {}


def test_a_state_is_no_filter_where_an_id_says_which_row():
    assert _args("Has O-17 been shipped?") == {"order_id": "O-17"}


def test_several_ids_give_a_filling_each():
    assert [filling.args["order_id"] for filling in fill(CARD, "Compare O-1 and O-2", TODAY)] == ["O-1", "O-2"]


def test_what_was_read_is_told_with_its_words():
    (filling,) = fill(CARD, "my last two orders", TODAY, {"order"})
    assert filling.words["newest"] == "last two orders"


def test_required_names_are_taken_from_the_question_or_told_missing():
    class Trip(BaseModel):
        to_city: str
        day: date | None = None

    card = SourceCard(name="trains", arguments=Trip)
    (filling,) = fill(card, "When is the next train to Ghent on 5 March 2026?", TODAY)
    assert filling.args == {"to_city": "Ghent", "day": "2026-03-05"}
    (empty,) = fill(card, "when is the next train", TODAY)
    assert empty.missing(card) == ("to_city",)


@pytest.mark.parametrize("pattern", ["^[a-z]+$", r"^\p{L}+$"])
def test_a_pattern_that_any_word_fits_or_that_cannot_be_read_tells_nothing(pattern):
    class Loose(BaseModel):
        word: str | None = Field(None, pattern=pattern)

    assert fill(SourceCard(name="x", arguments=Loose), "find the word", TODAY)[0].args == {}
