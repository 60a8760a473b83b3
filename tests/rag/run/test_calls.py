from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

import anyio
import pytest

from rag.card import SourceCard, free_query
from rag.errors import BudgetExceeded, ModelError, SourceError
from rag.plan.estimate import STEPS_AT_ONCE
from rag.run.cache import Kept
from rag.run.together import together
from rag.types import Budget, Scope


class Flaky:
    """Fails a few times, then answers."""

    def __init__(self, *errors):
        self.errors = list(errors)

    async def __call__(self, **_):
        if self.errors:
            raise self.errors.pop(0)
        return [{"text": "at last"}]


def later(message="busy"):
    return SourceError(message, retryable=True, retry_after=0)


async def rows(calls, name="docs", **args):
    return await calls.rows(name, args or {"query": "x"}, step_id="s1")


async def test_what_may_go_through_later_is_tried_again_and_the_trace_says_so(bench):
    bench.source("docs", Flaky(later(), later()))
    assert await rows(bench.calls()) == [{"text": "at last"}]
    assert bench.trace.spans[-1].attributes["retries"] == [{"after": "busy", "waited": 0}] * 2


async def test_after_three_attempts_the_own_error_of_the_source_comes_out(bench):
    source = bench.source("docs", Flaky(*[later(f"busy {n}") for n in range(4)]))
    with pytest.raises(SourceError, match="busy 2") as error:
        await rows(bench.calls())
    assert len(source.calls) == 3
    assert error.value.step_id == "s1"


async def test_errors_that_another_try_does_not_help_are_not_retried(bench):
    source = bench.source("docs", Flaky(SourceError("no such table")))
    with pytest.raises(SourceError, match="no such table"):
        await rows(bench.calls())
    assert len(source.calls) == 1


async def test_a_source_that_is_not_idempotent_is_never_retried(bench):
    source = bench.source("docs", Flaky(later()), idempotent=False)
    with pytest.raises(SourceError, match="busy"):
        await rows(bench.calls())
    assert len(source.calls) == 1


async def test_errors_of_a_model_inside_a_source_are_retried_too(bench):
    bench.source("docs", Flaky(ModelError("embedder busy", retryable=True, retry_after=0)))
    assert await rows(bench.calls()) == [{"text": "at last"}]


async def test_identical_calls_under_way_are_made_once(bench):
    async def slow(**_):
        await anyio.sleep(0.01)
        return [{"text": "one"}]

    source, calls, seen = bench.source("docs", slow), bench.calls(), []
    async with anyio.create_task_group() as group:
        for _ in range(3):
            group.start_soon(lambda: collect(seen, rows(calls)))
    assert seen == [[{"text": "one"}]] * 3
    assert len(source.calls) == 1
    assert bench.ledger.usage.source_calls == 1


async def collect(seen, awaitable):
    seen.append(await awaitable)


async def test_calls_that_differ_in_an_argument_are_all_made(bench):
    source, calls = bench.source("docs", []), bench.calls()
    await rows(calls, query="x")
    await rows(calls, query="y")
    await rows(calls, number=1)
    assert len(source.calls) == 3


async def test_an_error_is_shared_by_those_who_wait_and_forgotten_by_the_next(bench):
    source, calls = bench.source("docs", Flaky(SourceError("down"))), bench.calls()
    with pytest.raises(SourceError, match="down"):
        await rows(calls)
    assert await rows(calls) == [{"text": "at last"}]
    assert len(source.calls) == 2


async def test_without_the_cache_every_call_is_made(new_bench):
    bench = new_bench(once=False)
    source, calls = bench.source("docs", []), bench.calls()
    await rows(calls)
    await rows(calls)
    assert len(source.calls) == 2


@pytest.mark.parametrize(("card", "made"), [({}, 2), ({"cacheable": True}, 1), ({"ttl": 60.0}, 1)])
async def test_results_serve_later_questions_only_where_the_card_allows_it(new_bench, card, made):
    bench = new_bench(kept=Kept())
    source = bench.source("docs", [{"text": "x"}], **card)
    assert [len(await rows(bench.calls())) for _ in range(2)] == [1, 1]
    assert len(source.calls) == made


async def test_results_kept_for_one_user_are_never_given_to_another(new_bench):
    bench = new_bench(kept=Kept())
    source = bench.source("docs", [{"text": "x"}], cacheable=True)
    for user in ("ann", "bob", "ann"):
        await rows(bench.calls(Scope(user=user)))
    assert len(source.calls) == 2


def test_what_is_kept_is_bounded_and_the_least_used_goes_first():
    kept = Kept(most=2)
    kept.put("a", [], seconds=60)
    kept.put("b", [], seconds=60)
    kept.get("a")
    kept.put("c", [], seconds=60)
    assert [kept.get(key) for key in "abc"] == [[], None, []]


async def test_a_source_is_called_no_more_often_than_the_budget_allows(new_bench):
    bench = new_bench(budget=Budget(calls_per_source=1))
    bench.source("docs", [])
    bench.source("others", [])
    calls = bench.calls()
    await rows(calls, query="x")
    with pytest.raises(BudgetExceeded, match="the budget of 1 calls per source is spent for 'docs'"):
        await rows(calls, query="y")
    await rows(calls, "others")


async def test_each_attempt_is_a_call_of_the_budget_and_one_that_it_does_not_allow_is_not_waited_for(new_bench):
    bench = new_bench(budget=Budget(calls_per_source=1))
    source = bench.source("docs", Flaky(SourceError("busy", retryable=True, retry_after=50)))
    with anyio.fail_after(10), pytest.raises(BudgetExceeded, match="1 calls per source") as error:
        await rows(bench.calls())
    assert len(source.calls) == bench.ledger.usage.source_calls == 1
    assert str(error.value.__cause__) == "busy"


async def test_attempts_count_as_calls(bench):
    bench.source("docs", Flaky(later(), later()))
    await rows(bench.calls())
    assert bench.ledger.usage.source_calls == 3


async def test_a_source_whose_own_work_was_cancelled_fails_its_step_alone(bench):
    async def cancelled(**_):
        future = asyncio.get_running_loop().create_future()
        future.cancel()
        return await future

    bench.source("a", cancelled)
    bench.source("b", [{"text": "fine"}])
    steps = [{"id": "s1", "source": "a", "args": {}}, {"id": "s2", "source": "b", "args": {}}]
    executed = await bench.perform(*steps)
    assert {**executed.failures} == {"s1": "a failed: CancelledError: "}
    assert [row["text"] for row in executed.rows["s2"]] == ["fine"]


async def test_a_probe_whose_own_work_was_cancelled_tells_nothing(bench):
    class Cancelled(Crowd):
        async def relevance(self, question, scope):
            raise asyncio.CancelledError

    bench.sources = {"docs": Cancelled()}
    assert await bench.calls().relevance("docs", "x") is None


async def test_steps_that_share_a_failing_call_have_errors_of_their_own(bench):
    async def down(**_):
        await anyio.sleep(0.01)
        raise SourceError("down")

    bench.source("docs", down)
    calls, seen = bench.calls(), []

    async def asked(step_id):
        try:
            await calls.rows("docs", {}, step_id=step_id)
        except SourceError as error:
            seen.append(error)

    async with anyio.create_task_group() as group:
        group.start_soon(asked, "s1")
        group.start_soon(asked, "s2")
    assert sorted((error.step_id, str(error)) for error in seen) == [("s1", "down"), ("s2", "down")]


async def test_rows_are_kept_for_the_day_of_the_question(new_bench):
    bench = new_bench(kept=Kept())
    source = bench.source("docs", [{"text": "x"}], cacheable=True)
    for day in (1, 1, 2):
        await rows(replace(bench.calls(), now=datetime(2030, 1, day, tzinfo=UTC)))
    assert len(source.calls) == 2


async def test_rows_of_other_data_behind_the_same_name_are_not_given(new_bench):
    bench = new_bench(kept=Kept())
    for identity in ("a.db", "b.db", "a.db"):
        bench.source("docs", [{"text": identity}], cacheable=True, identity=identity)
        assert await rows(bench.calls()) == [{"text": identity}]


async def test_what_a_source_does_to_its_rows_later_does_not_change_what_is_kept(new_bench):
    bench, held = new_bench(kept=Kept()), [{"text": "x", "tags": ["a"]}]
    bench.source("docs", held, cacheable=True)
    await rows(bench.calls())
    held[0]["text"] = "changed"
    held[0]["tags"].append("b")
    assert await rows(bench.calls()) == [{"text": "x", "tags": ["a"]}]
    (await rows(bench.calls()))[0]["tags"].clear()
    assert await rows(bench.calls()) == [{"text": "x", "tags": ["a"]}]


async def test_credentials_in_the_error_of_a_source_are_blotted_out(bench):
    bench.source("docs", Flaky(RuntimeError("no postgresql://svc:sek/r@et@10.0.0.5/prod")))
    with pytest.raises(SourceError, match=r"no postgresql://\*\*\*@10.0.0.5/prod$"):
        await rows(bench.calls())


class Crowd:
    """Rows and relevance that take a moment; knows how many were under way at once."""

    def __init__(self, name="docs", **card):
        self.card = SourceCard(name=name, arguments=free_query(), **card)
        self.most = 0

    async def call(self, args, scope):
        return []

    async def relevance(self, question, scope):
        Crowd.now += 1
        self.most = max(self.most, Crowd.now)
        await anyio.sleep(0.001)
        Crowd.now -= 1
        return 0.5

    now = 0


async def test_probes_keep_to_the_slots_of_the_question(bench):
    bench.sources = {f"docs{n}": Crowd(f"docs{n}") for n in range(3 * STEPS_AT_ONCE)}
    calls = bench.calls()
    scores = await together([partial(calls.relevance, name, "x") for name in bench.sources])
    assert scores == [0.5] * len(bench.sources)
    assert max(source.most for source in bench.sources.values()) == STEPS_AT_ONCE


async def test_probes_keep_to_the_cap_of_the_source(bench):
    bench.sources = {"docs": Crowd(concurrency=2)}
    calls = bench.calls()
    await together([partial(calls.relevance, "docs", str(n)) for n in range(6)])
    assert bench.sources["docs"].most == 2


async def test_a_probe_that_hangs_is_given_up_soon(bench, monkeypatch):
    class Hangs(Crowd):
        async def relevance(self, question, scope):
            await anyio.sleep_forever()

    monkeypatch.setattr("rag.run.calls.PROBE_SECONDS", 0.01)
    bench.sources = {"docs": Hangs()}
    with anyio.fail_after(5):
        assert await bench.calls().relevance("docs", "x") is None


async def test_the_wait_for_a_retry_leaves_the_room_to_others(bench):
    waiting = anyio.Event()

    async def busy(query="", **_):
        if query == "first":
            waiting.set()
            raise SourceError("busy", retryable=True, retry_after=30)
        return [{"text": "at once"}]

    bench.source("docs", busy, concurrency=1)
    calls = bench.calls()
    with anyio.fail_after(10):
        async with anyio.create_task_group() as group:
            group.start_soon(partial(rows, calls, query="first"))
            await waiting.wait()
            assert await rows(calls, query="second") == [{"text": "at once"}]
            group.cancel_scope.cancel()


async def test_halves_of_surrogate_pairs_in_rows_are_replaced_since_nothing_could_keep_them(bench):
    bench.source("a", [{"text": "cut \ud83d", "more": {"\udc00": ["\ud800"]}}])
    bench.source("b", [{"text": "fine"}])
    answer = await bench.perform(
        {"id": "s1", "source": "a", "args": {}}, {"id": "s2", "source": "b", "args": {"query": "$s1.text"}}
    )
    assert [item.passage.text for item in answer.evidence.items] == ["cut ?", "fine"]
    assert answer.evidence.items[0].fields["more"] == {"?": ["?"]}


async def test_a_row_that_holds_itself_fails_its_step_alone(bench):
    row = {"text": "x"}
    row["self"] = row
    bench.source("a", [row])
    bench.source("b", [{"text": "fine"}])
    steps = [{"id": "s1", "source": "a", "args": {}}, {"id": "s2", "source": "b", "args": {}}]
    executed = await bench.perform(*steps)
    assert list(executed.failures) == ["s1"]
