"""What models cost: the table that ships, and the user's."""

from __future__ import annotations

import datetime

import pytest

from rag.errors import ConfigError
from rag.models.prices import Price, Prices, _shipped
from rag.types import Usage

USAGE = Usage(prompt_tokens=1_000_000, cached_tokens=400_000, completion_tokens=100_000)


@pytest.fixture
def own(tmp_path):
    file = tmp_path / "prices.toml"
    file.write_text('[models]\n"gpt-4o-mini" = { input = 1 }\n"mine" = { input = 2, output = 4 }\n', encoding="utf-8")
    return file


def test_the_table_holds_a_dozen_models_with_their_dates():
    assert len(_shipped()) >= 12
    for price in _shipped().values():
        assert datetime.date(2026, 1, 1) < price.as_of < datetime.date(2026, 12, 31)
        assert 0 < (price.cached or price.input) <= price.input
        assert price.output == 0 or price.output > price.input


def test_cached_tokens_cost_less_and_are_not_counted_twice():
    assert Price(input=2, cached=0.5, output=8).usd(USAGE) == pytest.approx(0.6 * 2 + 0.4 * 0.5 + 0.1 * 8)
    assert Price(input=2, output=8).usd(USAGE) == pytest.approx(2.8)


def test_embedded_tokens_cost_as_read_ones():
    assert Price(input=0.02).usd(Usage(embedding_tokens=500_000)) == pytest.approx(0.01)


def test_thoughts_are_not_counted_beside_what_was_written():
    assert Price(input=0, output=1).usd(Usage(completion_tokens=1_000_000, reasoning_tokens=900_000)) == 1


@pytest.mark.parametrize("name", ["gpt-4o-mini", "gpt-4o-mini-2024-07-18", "claude-haiku-4-5-20251001"])
def test_a_model_is_known_by_its_name_with_or_without_a_day(name):
    assert Prices().of(name) is not None


@pytest.mark.parametrize("name", ["qwen1.5b", "gpt-4o-mini-audio-preview", "openai/gpt-4o-mini", ""])
def test_a_model_that_nobody_priced_has_no_price(name):
    assert Prices().of(name) is None
    assert Prices().priced(name, USAGE).usd is None


def test_the_users_prices_go_before_those_that_ship(own):
    prices = Prices.load(own)
    assert (prices.of("gpt-4o-mini-2024-07-18").input, prices.of("mine").output) == (1, 4)
    assert prices.of("gpt-4o").input == 2.5


def test_what_the_endpoint_says_goes_before_the_table():
    said = USAGE.model_copy(update={"usd": 0.0})
    assert Prices().priced("gpt-4o", said).usd == 0.0
    assert Prices().priced("gpt-4o", USAGE).usd == pytest.approx(0.6 * 2.5 + 0.4 * 1.25 + 0.1 * 10)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[models", "cannot be read"),
        ("[models]\nmine = { input = -1 }", "models.mine.input: Input should be greater"),
        ("[models]\nmine = { price = 1 }", "models.mine.input: Field required"),
        ("[modles]\n", "models: Field required"),
    ],
)
def test_a_file_that_is_no_table_is_told(own, text, told):
    own.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"prices\.toml") as caught:
        Prices.load(own)
    assert told in str(caught.value)


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read"):
        Prices.load(tmp_path / "none.toml")
