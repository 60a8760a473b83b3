"""What calls have cost so far."""

from __future__ import annotations

import math

from rag.run.costs import Costs
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
