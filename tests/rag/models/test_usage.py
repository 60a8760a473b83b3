"""What a question says that it used, on every path on which models are called."""

from __future__ import annotations

import json

import pytest

from rag.assistant import Assistant
from rag.embed import OpenAIEmbedder
from rag.models import OpenAIModel
from rag.models.prices import Prices
from rag.retrieve import Index, rerank
from rag.settings import Settings
from rag.testing.fakes import FakeModel, FakeSource
from rag.types import Budget

QUESTION = "How long may opened headphones be returned?"
ROWS = [{"doc_id": "returns", "text": "Opened headphones may be returned within 30 days."}]
SAID = "Within 30 days [1]."
USAGE = {"prompt_tokens": 1000, "completion_tokens": 50, "prompt_tokens_details": {"cached_tokens": 400}}
USD = (600 * 0.15 + 400 * 0.075 + 50 * 0.60) / 1_000_000


@pytest.fixture
def assistant(endpoint):
    """One that makes a single model call a question, to read."""

    made = []

    def make(name="gpt-4o-mini", *, timeout=20.0, planner="direct", **options):
        model = OpenAIModel(name, base_url=endpoint.url, timeout=timeout)
        made.append(Assistant([FakeSource("docs", ROWS)], model=model, planner=planner, **options))
        return made[-1]

    yield make
    for one in made:
        one.close()


def _spent(answer):
    """The sum over the model calls of the trace."""
    told = [span.attributes for span in answer.trace if span.kind == "model"]
    return tuple(sum(one.get(name, 0) for one in told) for name in ("prompt_tokens", "completion_tokens"))


def test_money_comes_from_the_table(endpoint, assistant):
    endpoint.says(SAID, usage=USAGE)
    usage = assistant().ask(QUESTION).usage
    assert (usage.model_calls, usage.tokens, usage.cached_tokens, usage.estimated) == (1, 1050, 400, False)
    assert usage.usd == pytest.approx(USD)


def test_the_endpoints_own_cost_goes_before_the_table(endpoint, assistant):
    endpoint.says(SAID, usage={**USAGE, "cost": 0.5})
    assert assistant().ask(QUESTION).usage.usd == 0.5


def test_a_users_file_goes_before_the_table(endpoint, assistant, tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text('[models]\n"gpt-4o-mini" = { input = 1, output = 0 }', encoding="utf-8")
    endpoint.says(SAID, usage=USAGE)
    assert assistant(settings=Settings(prices=file)).ask(QUESTION).usage.usd == pytest.approx(0.001)


def test_an_unknown_models_cost_stays_unknown_and_a_budget_of_money_says_so(endpoint, assistant):
    endpoint.says(SAID, usage=USAGE)
    answer = assistant("house-model").ask(QUESTION, budget=Budget(usd=1))
    assert answer.usage.usd is None
    assert any("what the model costs is not known" in note for note in answer.notes)


def test_a_budget_of_money_binds_by_the_table(endpoint, assistant):
    endpoint.says(SAID, usage=USAGE)
    asked = assistant(planner="iter_retgen", rounds=4)
    full = asked.ask(QUESTION)
    held = asked.ask(QUESTION, budget=Budget(usd=USD * 0.9))
    assert held.usage.model_calls == 1 < full.usage.model_calls
    assert held.partial
    wanted, *_, allowed = (request["max_tokens"] for request in endpoint.requests)
    assert allowed < wanted


async def test_a_stream_is_counted_the_same(endpoint, assistant):
    endpoint.streams("Within ", "30 days [1].", usage=USAGE)
    events = [event async for event in assistant().astream(QUESTION)]
    usage = events[-1].answer.usage
    assert (usage.tokens, usage.estimated, usage.usd) == (1050, False, pytest.approx(USD))


def test_each_attempt_is_a_call_and_the_trace_tells_the_retries(endpoint, assistant):
    endpoint.refuses(500).says(SAID, usage=USAGE)
    answer = assistant().ask(QUESTION)
    (span,) = [span for span in answer.trace if span.kind == "model"]
    assert answer.usage.model_calls == 2
    assert len(span.attributes["retries"]) == 1
    assert (answer.usage.tokens, answer.usage.estimated) == (1050, False)


def test_an_attempt_that_timed_out_is_estimated_and_flagged(endpoint, assistant):
    endpoint.hangs().says(SAID, usage=USAGE)
    answer = assistant(timeout=0.5).ask(QUESTION)
    assert answer.usage.model_calls == 2
    assert answer.usage.prompt_tokens > 1000
    assert answer.usage.estimated
    assert _spent(answer) == (answer.usage.prompt_tokens, answer.usage.completion_tokens)


def test_an_answer_without_text_is_paid_for(endpoint, assistant):
    endpoint.says(None, usage=USAGE)
    answer = assistant().ask(QUESTION)
    assert answer.partial
    assert (answer.usage.tokens, answer.usage.usd) == (1050, pytest.approx(USD))
    assert _spent(answer) == (1000, 50)


async def test_a_stream_that_broke_off_is_estimated_and_flagged(endpoint, assistant):
    endpoint.streams("Within ", "30 days", breaks_off=True)
    events = [event async for event in assistant().astream(QUESTION)]
    usage = events[-1].answer.usage
    assert usage.estimated
    assert usage.completion_tokens >= 3


def test_a_plan_that_was_kept_costs_nothing(endpoint, assistant):
    plan = {"steps": [{"id": "s1", "source": "docs", "args": {"query": "returns"}}]}
    endpoint.says(json.dumps(plan), usage=USAGE).says(SAID, usage=USAGE)
    asked = assistant(planner="reaper")
    first, second = asked.ask(QUESTION), asked.ask(QUESTION)
    assert (first.usage.model_calls, first.usage.tokens) == (2, 2100)
    assert (second.usage.model_calls, second.usage.tokens) == (1, 1050)
    kept = next(span for span in second.trace if span.kind == "model")
    assert kept.attributes["cached"] is True


def test_a_reranker_within_a_source_is_counted(endpoint):
    index = Index.memory()
    index.add([{"doc_id": f"d{n}", "text": f"Opened headphones may be returned within {n} days."} for n in range(3)])
    judge = FakeModel(lambda _: "[2] > [1]", name="gpt-4o-mini")

    def found(query: str) -> list[dict]:
        return [hit.passage.model_dump() for hit in (index.lexical() >> rerank(judge)).search(query)]

    from rag.sources.function import source

    answer = Assistant([source("docs", found)]).ask(QUESTION)
    assert len(judge.calls) == answer.usage.model_calls == 1
    assert answer.usage.prompt_tokens > 50
    assert answer.usage.usd > 0


def test_an_embedder_behind_an_endpoint_is_counted(endpoint):
    vector = {"object": "embedding", "index": 0, "embedding": [0.6, 0.8]}
    endpoint.sends(json.dumps({"object": "list", "data": [vector], "usage": {"prompt_tokens": 8, "total_tokens": 8}}))
    embedder = OpenAIEmbedder("text-embedding-3-small", base_url=endpoint.url, api_key="any")
    index = Index.memory(embedder=embedder)
    index.add([{"doc_id": "returns", "text": ROWS[0]["text"]}])
    usage = Assistant([index.source("docs")], planner="direct").ask(QUESTION).usage
    assert usage.embedding_tokens >= 8
    assert usage.usd == pytest.approx(usage.embedding_tokens * 0.02 / 1_000_000)
    assert (usage.model_calls, usage.tokens, usage.estimated) == (0, 0, False)


def test_prices_are_read_when_an_assistant_is_made(tmp_path):
    from rag.errors import ConfigError

    with pytest.raises(ConfigError, match="prices"):
        Assistant([FakeSource("docs", ROWS)], settings=Settings(prices=tmp_path / "none.toml"))
    assert Prices().of("gpt-4o-mini").input == 0.15
