from __future__ import annotations

import asyncio

import anyio
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rag.errors import PlanError, SourceError, UnknownSource
from rag.plan import Plan


def step(step_id, source, *, after=(), if_empty=None, **args):
    extra = {"if_empty": if_empty} if if_empty else {}
    return {"id": step_id, "source": source, "args": args, "after": list(after), **extra}


def texts(executed):
    return [item.passage.text for item in executed.evidence.items]


async def test_a_slow_step_does_not_delay_a_branch_that_does_not_need_it(bench):
    third_ran = anyio.Event()

    async def slow(**_):
        await third_ran.wait()  # with a barrier after the first layer this would wait for ever
        return [{"text": "slow"}]

    async def third(query):
        third_ran.set()
        return [{"text": f"after {query}"}]

    bench.source("fast", [{"text": "fast"}])
    bench.source("slow", slow)
    bench.source("third", third)
    with anyio.fail_after(5):
        executed = await bench.perform(step("s1", "fast"), step("s2", "slow"), step("s3", "third", query="$s1.text"))
    assert texts(executed) == ["fast", "slow", "after fast"]


async def test_one_failing_source_fails_its_step_alone_and_is_told(bench):
    async def broken(**_):
        raise SourceError("the shop is closed", source="broken")

    bench.source("broken", broken)
    bench.source("good", [{"text": "here"}])
    executed = await bench.perform(step("s1", "broken"), step("s2", "good"))
    assert texts(executed) == ["here"]
    assert executed.failures == {"s1": "the shop is closed"}
    assert bench.told[-1][0] == "step_finished"
    assert ("step_finished", "s1", "error") in bench.told


@pytest.mark.parametrize(
    ("error", "down"),
    [(SourceError("closed"), {"shop"}), (ConnectionError("gone"), {"shop"}), (ValueError("no such shelf"), set())],
)
async def test_a_source_is_down_that_failed_by_itself_and_not_by_what_it_was_asked_for(bench, error, down):
    async def broken(**_):
        raise error

    bench.source("shop", broken)
    bench.source("good", [])
    executed = await bench.perform(step("s1", "shop"), step("s2", "good"), step("s3", "good", query="$s2.title"))
    assert executed.failures.keys() == {"s1", "s3"}
    assert executed.down == down


async def test_whatever_a_source_raises_is_an_error_of_its_step(bench):
    async def broken(**_):
        raise KeyError("price")

    bench.source("broken", broken)
    executed = await bench.perform(step("s1", "broken"))
    assert executed.failures == {"s1": "broken failed: KeyError: 'price'"}


@pytest.mark.parametrize("rows", ["text", {"text": "x"}, [1], None])
async def test_a_source_that_returns_no_rows_at_all_is_an_error(bench, rows):
    async def odd(**_):
        return rows

    bench.source("odd", odd)
    executed = await bench.perform(step("s1", "odd"))
    assert "not a list of rows" in executed.failures["s1"]


async def test_steps_behind_a_failed_one_fail_and_say_which(bench):
    async def broken(**_):
        raise SourceError("down", source="broken")

    bench.source("broken", broken)
    last = bench.source("last", [])
    executed = await bench.perform(
        step("s1", "broken"), step("s2", "last", query="$s1.title"), step("s3", "last", query="$s2.title")
    )
    assert executed.failures["s2"] == "s1, which it builds on, failed"
    assert executed.failures["s3"] == "s2, which it builds on, failed"
    assert last.calls == []


@pytest.mark.parametrize("rows", [[], [{"title": None}], [{"other": 1}]])
async def test_a_missing_or_null_value_is_empty_and_fails_only_the_step_that_needs_it(bench, rows):
    bench.source("first", rows)
    second = bench.source("second", [])
    executed = await bench.perform(
        step("s1", "first"), step("s2", "second", query="$s1.title"), step("s3", "second", query="x")
    )
    assert executed.failures == {"s2": "s1 found no title"}
    assert [call["query"] for call in second.calls] == ["x"]


async def test_a_step_used_twice_runs_once(bench):
    first = bench.source("first", [{"title": "lamp"}])
    bench.source("second", [])
    await bench.perform(
        step("s1", "first"), step("s2", "second", query="a $s1.title"), step("s3", "second", query="b $s1.title")
    )
    assert len(first.calls) == 1
    assert [call["query"] for call in bench.sources["second"].calls] == ["a lamp", "b lamp"]


async def test_retrieved_text_that_looks_like_a_reference_stays_text(bench):
    bench.source("first", [{"text": "see $s0.secret, $1 and $$5"}])
    bench.source("secrets", [{"secret": "hunter2"}])
    echo = bench.source("echo", [])
    await bench.perform(step("s0", "secrets"), step("s1", "first"), step("s2", "echo", query="$s1.text", after=["s0"]))
    assert echo.calls == [{"query": "see $s0.secret, $1 and $$5"}]


async def test_at_most_eight_calls_of_a_question_run_at_once(bench):
    running = most = 0

    async def count(**_):
        nonlocal running, most
        running += 1
        most = max(most, running)
        await anyio.sleep(0.001)
        running -= 1
        return []

    bench.source("first", [{"id": n} for n in range(20)])
    bench.source("many", count, concurrency=100)
    await bench.perform(
        step("s1", "first"), step("s2", "many", query="$s1[*].id"), step("s3", "many", number="$s1[*].id")
    )
    assert most == 8
    assert len(bench.sources["many"].calls) == 40


async def test_a_source_is_never_called_more_often_at_once_than_its_card_allows(bench):
    running = most = 0

    async def count(**_):
        nonlocal running, most
        running += 1
        most = max(most, running)
        await anyio.sleep(0.001)
        running -= 1
        return []

    bench.source("shy", count, concurrency=2)
    plans = [[step(f"s{n}", "shy", number=n + 10 * question) for n in range(5)] for question in range(3)]
    async with anyio.create_task_group() as group:
        for plan in plans:
            group.start_soon(lambda steps: bench.perform(*steps), plan)
    assert most == 2
    assert len(bench.sources["shy"].calls) == 15


async def test_a_call_that_takes_too_long_is_a_timeout_of_its_step_and_really_stops(bench):
    stopped = []

    async def endless(**_):
        try:
            await anyio.sleep_forever()
        finally:
            stopped.append(True)

    bench.source("endless", endless, timeout=0.01)
    bench.source("good", [{"text": "here"}])
    executed = await bench.perform(step("s1", "endless"), step("s2", "good"))
    assert executed.failures == {"s1": "endless did not answer within 0.01 seconds"}
    assert texts(executed) == ["here"]
    assert stopped == [True]


async def test_cancelling_stops_the_calls_and_leaves_no_task_behind(bench):
    stopped = []
    both = anyio.Event()

    async def endless(number):
        if number == 2:
            both.set()
        try:
            await anyio.sleep_forever()
        finally:
            stopped.append(number)

    bench.source("endless", endless)
    before = asyncio.all_tasks()
    async with anyio.create_task_group() as group:
        group.start_soon(lambda: bench.perform(step("s1", "endless", number=1), step("s2", "endless", number=2)))
        await both.wait()
        group.cancel_scope.cancel()
    assert sorted(stopped) == [1, 2]
    assert asyncio.all_tasks() == before


async def test_what_was_found_before_a_cancellation_is_kept(bench):
    async def endless(**_):
        group.cancel_scope.cancel()
        await anyio.sleep_forever()

    bench.source("good", [{"text": "here"}])
    bench.source("endless", endless)
    async with anyio.create_task_group() as group:
        await bench.perform(step("s1", "good"), step("s2", "endless", after=["s1"]))
    assert texts(bench.run.executed) == ["here"]
    assert bench.run.executed.failures == {"s2": "it was stopped before it had ended"}


@pytest.mark.parametrize(("rows", "runs"), [([], True), ([{"text": "x"}], False)])
async def test_if_empty_runs_a_step_only_when_the_other_brought_nothing(bench, rows, runs):
    bench.source("first", rows)
    spare = bench.source("spare", [{"text": "spare"}])
    executed = await bench.perform(step("s1", "first"), step("s2", "spare", if_empty="s1"))
    assert bool(spare.calls) == runs
    assert executed.failures == {}
    assert ("step_finished", "s2", "ok" if runs else "skipped") in bench.told


async def test_if_empty_runs_a_step_when_the_other_failed(bench):
    async def broken(**_):
        raise SourceError("down")

    bench.source("first", broken)
    bench.source("spare", [{"text": "spare"}])
    executed = await bench.perform(step("s1", "first"), step("s2", "spare", if_empty="s1"))
    assert texts(executed) == ["spare"]


async def test_what_stands_behind_a_skipped_step_is_skipped_too_and_is_no_failure(bench):
    bench.source("first", [{"text": "x"}])
    last = bench.source("last", [])
    executed = await bench.perform(
        step("s1", "first"),
        step("s2", "last", if_empty="s1"),
        step("s3", "last", query="$s2.text"),
        step("s4", "last", if_empty="s2"),
    )
    assert last.calls == []
    assert executed.failures == {}
    skipped = {span.name: span.attributes["reason"] for span in bench.trace.spans if span.status == "skipped"}
    assert skipped == {"s2": "s1 found something", "s3": "s2 was skipped", "s4": "s2 was skipped"}


async def test_after_waits_for_a_step_and_does_not_need_it_to_succeed(bench):
    order = []

    async def broken(**_):
        await anyio.sleep(0)
        order.append("first")
        raise SourceError("down")

    async def second(**_):
        order.append("second")
        return []

    bench.source("first", broken)
    bench.source("second", second)
    await bench.perform(step("s2", "second", after=["s1"]), step("s1", "first"))
    assert order == ["first", "second"]


async def test_a_step_over_rows_brings_them_in_row_order_whichever_call_ends_first(bench):
    async def echo(query):
        await anyio.sleep(0.02 if query == "a" else 0)
        return [{"text": query}]

    bench.source("first", [{"t": "a"}, {"t": "b"}, {"t": "c"}])
    bench.source("echo", echo)
    executed = await bench.perform(step("s1", "first"), step("s2", "echo", query="$s1[*].t"))
    assert texts(executed)[-3:] == ["a", "b", "c"]
    assert [item.query for item in executed.evidence.of_step("s2").items] == ["a", "b", "c"]


async def test_a_failed_call_of_a_step_over_rows_leaves_the_rows_of_the_others(bench):
    async def echo(query):
        if query == "b":
            raise SourceError("no b today")
        return [{"text": query}]

    bench.source("first", [{"t": "a"}, {"t": "b"}])
    bench.source("echo", echo)
    executed = await bench.perform(step("s1", "first"), step("s2", "echo", query="$s1[*].t"))
    assert texts(executed)[-1] == "a"
    assert executed.notes == ("s2: 1 of 2 calls failed: no b today",)
    assert bench.run.incomplete


async def test_evidence_comes_in_step_order_and_the_first_finder_of_a_passage_stays(bench):
    async def late(**_):
        await anyio.sleep(0.01)
        return [{"doc_id": "d", "chunk_id": "d#0", "text": "one"}]

    bench.source("docs", late)
    executed = await bench.perform(step("s1", "docs", query="x"), step("s2", "docs", query="y"))
    assert [(item.step_id, item.query) for item in executed.evidence.items] == [("s1", "x")]


@pytest.mark.parametrize(
    ("steps", "error"),
    [
        ([step("s1", "a", query="$s2.x"), step("s2", "a", query="$s1.x")], PlanError),
        ([step("s1", "nothing")], UnknownSource),
        ([step("s1", "a"), step("s2", "a"), step("s3", "a", query="$s1[*].x $s2[*].x")], PlanError),
    ],
)
async def test_a_ring_an_unknown_source_and_rows_of_two_steps_are_errors_before_any_call(bench, steps, error):
    source = bench.source("a", [])
    with pytest.raises(error):
        await bench.perform(*steps)
    assert source.calls == []


@st.composite
def graphs(draw):
    """Steps, each waiting for some of those before it, written in any order."""
    size = draw(st.integers(1, 10))
    steps = []
    for n in range(size):
        earlier = [f"s{i}" for i in range(n)]
        picked = st.lists(st.sampled_from(earlier), unique=True) if earlier else st.just([])
        needs, after = draw(picked), draw(picked)
        query = f"s{n}: " + " ".join(f"${need}.text" for need in needs)
        steps.append(step(f"s{n}", "docs", query=query, number=draw(st.integers(0, 3)), after=after))
    return draw(st.permutations(steps))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=graphs())
def test_every_step_runs_once_and_after_what_it_waits_for(new_bench, steps):
    log = []

    async def docs(query, number):
        name = query.split(":")[0]
        log.append(("start", name))
        for _ in range(number):
            await asyncio.sleep(0)
        log.append(("end", name))
        return [{"text": name}]

    bench = new_bench()
    bench.source("docs", docs)
    assert bench.performed(*steps).failures == {}
    for one in Plan.from_json({"steps": steps}).steps:
        assert log.count(("start", one.id)) == 1
        for needed in one.waits_for:
            assert log.index(("end", needed)) < log.index(("start", one.id))


@pytest.mark.parametrize(
    ("source", "found", "failed"), [("docs", True, []), ("docs", False, ["s2"]), ("faq", True, ["s2"])]
)
def test_a_step_whose_stand_in_found_something_did_not_fail(bench, source, found, failed):
    bench.source("orders", [])
    bench.source("docs", [{"text": "found"}] if found else [])
    bench.source("faq", [{"text": "found"}])
    executed = bench.performed(
        {"id": "s1", "source": "orders", "args": {"query": "lamp"}},
        {"id": "s2", "source": "docs", "args": {"query": "$s1.title"}},
        {"id": "s3", "source": source, "args": {"query": "lamp"}, "if_empty": "s1"},
    )
    assert list(executed.failures) == failed


async def test_a_step_that_is_stopped_is_told_to_have_finished(bench):
    async def endless(**_):
        await anyio.sleep_forever()

    bench.source("docs", endless)
    with anyio.move_on_after(0.05):
        await bench.perform({"id": "s1", "source": "docs", "args": {"query": "x"}})
    assert bench.told == [("step_started", "s1", None), ("step_finished", "s1", "error")]
    assert bench.run.executed.failures == {"s1": "it was stopped before it had ended"}


async def test_steps_that_are_done_are_not_run_again_and_their_rows_can_be_referred_to(bench):
    first = bench.source("first", [{"text": "never"}])
    bench.source("second", lambda **args: _rows_of(args))
    plan = [step("s1", "first"), step("s2", "second", query="$s1.title")]
    executed = await bench.perform(*plan, done={"s1": [{"title": "lamp"}]})
    assert first.calls == []
    assert texts(executed) == ["lamp"]
    assert executed.rows == {"s1": ({"title": "lamp"},), "s2": ({"text": "lamp"},)}
    assert executed.failures == {}


async def _rows_of(args):
    return [{"text": args["query"]}]
