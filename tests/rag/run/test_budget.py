from __future__ import annotations

import pytest

from rag.errors import BudgetExceeded
from rag.models.prices import Price, Prices
from rag.run.budget import Ledger
from rag.types import Budget, Usage


def test_tokens_of_the_prompt_count_before_it_is_sent():
    ledger = Ledger(Budget(tokens=100))
    with ledger.model_call(60) as most:
        assert most == 40
    ledger.add(Usage(prompt_tokens=60, completion_tokens=10))
    with pytest.raises(BudgetExceeded) as error, ledger.model_call(30):
        pass
    assert (error.value.limit, error.value.spent) == ("tokens", 70)


def test_a_reply_is_as_long_as_wanted_where_the_budget_leaves_room():
    for budget in (Budget(tokens=100), Budget()):
        with Ledger(budget).model_call(50, wanted=20) as most:
            assert most == 20


def test_money_bounds_a_call_before_it_is_made_where_its_price_is_known():
    ledger = Ledger(Budget(usd=0.001), Prices({"mine": Price(input=1, output=2)}))
    assert ledger.weighs("mine")
    assert not ledger.weighs("unheard-of")
    for wanted, model, expected in ((None, "mine", 300), (50, "mine", 50), (None, "unheard-of", None)):
        with ledger.model_call(400, model, wanted) as most:
            assert most == expected
    ledger.add(Usage(prompt_tokens=400, completion_tokens=100), "mine")
    with pytest.raises(BudgetExceeded, match="usd"), ledger.model_call(400, "mine"):
        pass
    assert ledger.usage.usd == pytest.approx(0.0006)


def test_no_call_is_made_once_the_money_is_spent():
    ledger = Ledger(Budget(usd=0.01))
    ledger.add(Usage(usd=0.02))
    with pytest.raises(BudgetExceeded, match=r"the budget of 0.01 usd is spent"), ledger.model_call():
        pass


def test_a_budget_of_nothing_allows_nothing():
    ledger = Ledger(Budget(model_calls=0, calls_per_source=0))
    with pytest.raises(BudgetExceeded, match="model calls"), ledger.model_call():
        pass
    with pytest.raises(BudgetExceeded, match="calls per source"):
        ledger.before_source_call("docs")
    assert [error.limit for error in ledger.exceeded] == ["model_calls", "calls_per_source"]


def test_what_was_spent_is_summed_and_an_estimate_stays_one():
    ledger = Ledger(Budget())
    for estimated in (False, True):
        with ledger.model_call():
            pass
        ledger.add(Usage(model_calls=1, prompt_tokens=5, completion_tokens=2, estimated=estimated))
    ledger.before_source_call("docs")
    usage = ledger.usage
    assert (usage.model_calls, usage.tokens, usage.source_calls, usage.estimated) == (2, 14, 1, True)


@pytest.mark.parametrize(
    ("budget", "limit"), [(Budget(tokens=3000), "tokens"), (Budget(usd=0.003), "usd"), (Budget(model_calls=2), "model")]
)
def test_calls_at_the_same_time_do_not_spend_the_same(budget, limit):
    ledger = Ledger(budget, Prices({"mine": Price(input=1, output=1)}))
    with ledger.model_call(900, "mine", 600), ledger.model_call(900, "mine", 600) as most:
        assert most == 600
        with pytest.raises(BudgetExceeded, match=limit), ledger.model_call(900, "mine", 600):
            pass


def test_what_was_held_for_a_call_that_failed_can_be_spent():
    ledger = Ledger(Budget(tokens=100))
    with pytest.raises(ZeroDivisionError), ledger.model_call(60):
        raise ZeroDivisionError
    with ledger.model_call(60) as most:
        assert most == 40


def test_a_call_that_cost_more_than_was_known_is_told_once():
    ledger = Ledger(Budget(usd=0.5, tokens=100))
    ledger.add(Usage(usd=0.9, prompt_tokens=90))
    assert [str(error) for error in ledger.reached] == ["the budget of 0.5 usd is overspent: 0.9"]
    with pytest.raises(BudgetExceeded), ledger.model_call():
        pass
    assert [error.limit for error in ledger.reached] == ["usd"]
