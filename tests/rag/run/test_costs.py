"""What calls have cost so far."""

from __future__ import annotations

import math

import rag
from rag.card import SourceCard
from rag.plan import Range
from rag.run.costs import QUICK, Costs
from rag.testing import FakeModel, FakeSource
from rag.types import Usage


def test_a_reading_costs_what_readings_cost():
    costs = Costs()
    assert costs.of_reading().usd.high == math.inf
    for usd in (0.001, 0.003):
        costs.asked("answer", Usage(prompt_tokens=100, usd=usd, seconds=1))
    assert (costs.of_reading().usd.low, costs.of_reading().usd.high) == (0.001, 0.003)


def test_a_model_that_nobody_priced_is_not_free():
    costs = Costs()
    costs.asked("answer", Usage(prompt_tokens=100, seconds=1))
    assert (costs.of_reading().usd.low, costs.of_reading().usd.high) == (0.0, math.inf)
    assert costs.of_reading().tokens.high == 100


def test_a_model_is_quick_once_it_was_however_long_it_takes_under_load():
    costs = Costs()
    assert not costs.is_quick("plan")
    costs.asked("plan", Usage(seconds=QUICK / 2))
    costs.asked("plan", Usage(seconds=QUICK * 9))
    assert costs.is_quick("plan")
    assert not costs.is_quick("answer")


def test_a_model_that_does_not_tell_its_time_is_not_quick():
    costs = Costs()
    costs.asked("plan", Usage())
    assert not costs.is_quick("plan")


def test_rows_without_text_count_by_their_fields():
    costs = Costs()
    costs.called("orders", 0.1, [{"item": "lamp" * 10, "price": 20.5, "note": None}])
    assert costs.of_source(SourceCard(name="orders")).tokens.low == round(
        (len("item: ") + 40 + len("price: 20.5")) / 4, 1
    )


def test_one_reply_that_said_little_makes_no_model_quick():
    costs = Costs()
    costs.asked("plan", Usage(seconds=QUICK / 2, completion_tokens=4))
    for _ in range(3):
        costs.asked("plan", Usage(seconds=QUICK * 9, completion_tokens=100))
    assert not costs.is_quick("plan")


def test_the_tokens_of_a_reading_are_counted_once_in_the_next_estimate():
    source = FakeSource("docs", [{"title": "Leave", "text": "Parental leave lasts ten days. " * 40}])
    assistant = rag.Assistant([source], model=FakeModel(["Ten days [1]."] * 2), planner="direct")
    (read,) = [span for span in assistant.ask("How long is it?").trace if span.kind == "model"]
    used = read.attributes["prompt_tokens"] + read.attributes["completion_tokens"]
    tokens = assistant.plan("How long is it?").estimate().tokens
    assert tokens == Range(float(f"{used:.3g}"), float(f"{used:.3g}"))
