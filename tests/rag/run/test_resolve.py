from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from pydantic import BaseModel, Field

from rag.card import SourceCard
from rag.errors import SourceError
from rag.plan import Plan
from rag.run.resolve import MOST_ROWS, fitted, resolve


class Ask(BaseModel):
    query: str = ""
    number: int = 0
    day: date | None = None
    ids: list[str] = []
    unit_price: float = Field(default=0.0, alias="unit price")


CARD = SourceCard(name="shop", arguments=Ask)


def resolved(rows, **args):
    plan = Plan.from_json({"steps": [{"id": "s2", "source": "shop", "args": args}]})
    return resolve(plan.step("s2"), CARD, {"s1": rows})


def test_an_exact_reference_keeps_the_type_of_the_value():
    assert resolved([{"n": 3}], number="$s1.n").calls == ({"number": 3},)


@pytest.mark.parametrize(
    ("value", "text"), [(3, "3"), (True, "true"), (["a"], '["a"]'), (Decimal("2.50"), "2.50"), ("ö", "ö")]
)
def test_inside_a_longer_string_a_value_is_put_in_as_text(value, text):
    assert resolved([{"v": value}], query="for $s1.v!").calls == ({"query": f"for {text}!"},)


def test_references_are_filled_at_any_depth():
    assert resolved([{"v": "a"}], ids=["$s1.v", "b"]).calls == ({"ids": ["a", "b"]},)


def test_an_argument_that_takes_a_list_gets_the_list_without_holes():
    assert resolved([{"v": "a"}, {"v": None}, {"v": "b"}], ids="$s1[*].v").calls == ({"ids": ["a", "b"]},)


def test_an_argument_that_takes_no_list_makes_one_call_a_row():
    assert resolved([{"v": "a"}, {"v": "b"}], query="of $s1[*].v").calls == ({"query": "of a"}, {"query": "of b"})


def test_two_stars_over_one_step_advance_together():
    calls = resolved([{"v": "a", "n": 1}, {"v": "b", "n": 2}], query="$s1[*].v", number="$s1[*].n").calls
    assert calls == ({"query": "a", "number": 1}, {"query": "b", "number": 2})


def test_one_reference_gives_a_list_to_one_argument_and_a_value_a_call_to_another():
    calls = resolved([{"v": "a"}, {"v": None}, {"v": "b"}], ids="$s1[*].v", query="of $s1[*].v").calls
    assert calls == ({"ids": ["a", "b"], "query": "of a"}, {"ids": ["a", "b"], "query": "of b"})


def test_rows_without_the_value_are_left_out_with_a_note():
    found = resolved([{"v": "a"}, {}, {"v": "b"}], query="$s1[*].v")
    assert [call["query"] for call in found.calls] == ["a", "b"]
    assert found.notes == ("s2 left out 1 of 3 rows of s1 without v",)


def test_no_more_than_twenty_rows_are_gone_through_and_a_note_says_so():
    found = resolved([{"v": str(n)} for n in range(MOST_ROWS + 5)], query="$s1[*].v")
    assert len(found.calls) == MOST_ROWS
    assert found.notes == ("s2 ran for the first 20 of the 25 rows of s1",)


@pytest.mark.parametrize("rows", [[], [{"v": None}]])
@pytest.mark.parametrize("args", [{"query": "$s1.v"}, {"query": "$s1[*].v"}, {"ids": "$s1[*].v"}])
def test_nothing_to_refer_to_is_an_error_that_names_the_step_and_the_field(rows, args):
    with pytest.raises(SourceError, match=r"^s1 found no v$"):
        resolved(rows, **args)


def test_lists_of_different_lengths_cannot_advance_together():
    rows = [{"v": "a", "more": [{"w": "x"}, {"w": "y"}]}, {"v": "b", "more": []}, {"v": "c", "more": []}]
    with pytest.raises(SourceError, match="different lengths"):
        resolved(rows, query="$s1[*].v and $s1[*].more[*].w")


def test_arguments_are_coerced_to_the_types_of_the_card():
    assert fitted(CARD, {"number": "3", "day": "2026-05-01"}, "s1") == {"number": 3, "day": date(2026, 5, 1)}


def test_a_number_serves_where_a_text_is_wanted():
    assert fitted(CARD, {"query": 17}, "s1") == {"query": "17"}


def test_arguments_go_by_the_names_that_the_card_shows():
    assert fitted(CARD, {"unit price": 2}, "s1") == {"unit price": 2.0}


def test_an_argument_that_does_not_fit_is_an_error_of_the_step():
    with pytest.raises(SourceError, match=r"^shop cannot take number: .*integer") as error:
        fitted(CARD, {"number": "three"}, "s7")
    assert (error.value.source, error.value.step_id) == ("shop", "s7")


class Filters(BaseModel):
    ids: list[str] = []
    name: str = ""


class Search(BaseModel):
    filters: Filters


def test_a_list_within_an_object_gets_the_whole_and_a_text_beside_it_a_call_each():
    filters = {"ids": "$s1[*].v", "name": "$s1[*].v"}
    plan = Plan.from_json({"steps": [{"id": "s2", "source": "deep", "args": {"filters": filters}}]})
    rows = {"s1": [{"v": "a"}, {"v": "b"}]}
    calls = resolve(plan.step("s2"), SourceCard(name="deep", arguments=Search), rows).calls
    assert [call["filters"] for call in calls] == [{"ids": ["a", "b"], "name": "a"}, {"ids": ["a", "b"], "name": "b"}]
