from __future__ import annotations

import pytest

from rag.errors import BudgetExceeded
from rag.models.prices import Price, Prices
from rag.run.budget import Ledger
from rag.types import Budget, Usage


def test_tokens_of_the_prompt_count_before_it_is_sent():
    ledger = Ledger(Budget(tokens=100))
    ledger.before_model_call(60)
    assert ledger.reply_tokens(None, 60) == 40
    ledger.add(Usage(prompt_tokens=60, completion_tokens=10))
    with pytest.raises(BudgetExceeded) as error:
        ledger.before_model_call(30)
    assert (error.value.limit, error.value.spent) == ("tokens", 70)


def test_a_reply_is_as_long_as_wanted_where_the_budget_leaves_room():
    assert Ledger(Budget(tokens=100)).reply_tokens(20, 50) == 20
    assert Ledger(Budget()).reply_tokens(20, 50) == 20


def test_money_bounds_a_call_before_it_is_made_where_its_price_is_known():
    ledger = Ledger(Budget(usd=0.001), Prices({"mine": Price(input=1, output=2)}))
    assert ledger.weighs("mine")
    assert not ledger.weighs("unheard-of")
    ledger.before_model_call(400, "mine")
    assert ledger.reply_tokens(None, 400, "mine") == 300
    assert ledger.reply_tokens(50, 400, "mine") == 50
    assert ledger.reply_tokens(None, 400, "unheard-of") is None
    ledger.add(Usage(prompt_tokens=400, completion_tokens=100), "mine")
    with pytest.raises(BudgetExceeded, match="usd"):
        ledger.before_model_call(400, "mine")
    assert ledger.usage.usd == pytest.approx(0.0006)


def test_no_call_is_made_once_the_money_is_spent():
    ledger = Ledger(Budget(usd=0.01))
    ledger.before_model_call()
    ledger.add(Usage(usd=0.02))
    with pytest.raises(BudgetExceeded, match=r"the budget of 0.01 usd is spent"):
        ledger.before_model_call()


def test_a_budget_of_nothing_allows_nothing():
    ledger = Ledger(Budget(model_calls=0, calls_per_source=0))
    with pytest.raises(BudgetExceeded, match="model calls"):
        ledger.before_model_call()
    with pytest.raises(BudgetExceeded, match="calls per source"):
        ledger.before_source_call("docs")
    assert [error.limit for error in ledger.exceeded] == ["model_calls", "calls_per_source"]


def test_what_was_spent_is_summed_and_an_estimate_stays_one():
    ledger = Ledger(Budget())
    for estimated in (False, True):
        ledger.before_model_call()
        ledger.add(Usage(model_calls=1, prompt_tokens=5, completion_tokens=2, estimated=estimated))
    ledger.before_source_call("docs")
    usage = ledger.usage
    assert (usage.model_calls, usage.tokens, usage.source_calls, usage.estimated) == (2, 14, 1, True)
