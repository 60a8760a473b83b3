"""What endpoints say of usage, in their dialects."""

from __future__ import annotations

import pytest

from rag.models.counted import counted

SIZES = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}


def test_sizes_are_taken_as_they_are_said():
    usage = counted(SIZES)
    assert (usage.model_calls, usage.prompt_tokens, usage.completion_tokens, usage.tokens) == (1, 100, 20, 120)
    assert (usage.cached_tokens, usage.reasoning_tokens, usage.usd, usage.estimated) == (0, 0, None, False)


@pytest.mark.parametrize(
    "told",
    [{"prompt_tokens_details": {"cached_tokens": 64}}, {"prompt_cache_hit_tokens": 64, "prompt_cache_miss_tokens": 36}],
    ids=["openai", "deepseek"],
)
def test_cached_tokens_are_known_by_either_name(told):
    assert counted({**SIZES, **told}).cached_tokens == 64


def test_no_more_is_cached_than_was_read():
    assert counted({**SIZES, "prompt_tokens_details": {"cached_tokens": 900}}).cached_tokens == 100


@pytest.mark.parametrize(("total", "wrote"), [(120, 20), (150, 50)], ids=["within", "beside"])
def test_thoughts_are_written_tokens_wherever_the_endpoint_counts_them(total, wrote):
    told = {**SIZES, "total_tokens": total, "completion_tokens_details": {"reasoning_tokens": 15}}
    usage = counted(told)
    assert (usage.completion_tokens, usage.reasoning_tokens) == (wrote, 15)


@pytest.mark.parametrize(
    ("cost", "usd"), [(0.0021, 0.0021), (0, 0.0), ({"total_cost": 0.5}, 0.5), (True, None), ("0.1", None), (-1, None)]
)
def test_a_gateways_own_cost_is_taken(cost, usd):
    assert counted({**SIZES, "cost": cost}).usd == usd


@pytest.mark.parametrize(
    "told",
    [
        {},
        {"prompt_tokens": 0, "completion_tokens": 0},
        {"prompt_tokens": 5},
        {"prompt_tokens": "5", "completion_tokens": 1},
    ],
)
def test_what_says_too_little_is_no_count(told):
    assert counted(told) is None


def test_details_of_another_shape_are_passed_over():
    told = {**SIZES, "prompt_tokens_details": None, "completion_tokens_details": [1], "total_tokens": "many"}
    assert counted(told).completion_tokens == 20
