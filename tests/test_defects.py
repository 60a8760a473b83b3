"""Sixteen defects that released orchestration frameworks were found to have, each tried from outside, as users would.

Where a test of the room that is at stake says more, or all, it is named here; a test below sees that it is there.

1. superstep barrier
    tests/rag/run/test_scheduler.py::test_a_slow_step_does_not_delay_a_branch_that_does_not_need_it
2. one failing source fails all, or vanishes
    tests/rag/run/test_scheduler.py::test_one_failing_source_fails_its_step_alone_and_is_told
3. a cycle hangs, an unknown tool is a KeyError
    tests/rag/run/test_scheduler.py::test_a_ring_an_unknown_source_and_rows_of_two_steps_are_errors_before_any_call
4. a step used twice runs twice
    tests/rag/run/test_scheduler.py::test_a_step_used_twice_runs_once
5. retrieved "$1" pulls in another step's output
    tests/injection/test_injection.py::test_a_text_steers_nothing
6. a filter on an ensemble, or in the async path, is lost
    tests/rag/retrieve/test_algebra.py::test_scope_and_collection_reach_every_part
7. fusion ignores its weights
    tests/rag/retrieve/test_fuse.py::test_weights_weigh
8. an async call blocks the loop; Jupyter
    tests/rag/test_assistant.py::test_the_loop_keeps_turning_while_a_question_is_answered
9. no cap on concurrency
    tests/rag/run/test_at_once.py::test_a_source_has_no_more_calls_under_way_than_its_card_says_whoever_asks
10. a stop rule fires on "none"
    tests/planners/test_iter_retgen.py::test_no_word_of_a_draft_ends_the_rounds
11. cache keys without user or context
    tests/test_leaks.py::test_nothing_leaks_in_any_order_nor_at_once
12. traces come apart under concurrency
    tests/rag/run/test_tracing.py::test_spans_of_work_at_once_hang_under_their_own_parents
13. counts leave out tool calls
    tests/rag/models/test_openai.py::test_an_estimate_counts_tool_calls_and_thoughts
14. Chroma: several writers corrupt a store
    tests/rag/retrieve/test_processes.py::test_a_second_writer_is_told_who_writes
14. Chroma: an open reader never sees what is new
    tests/rag/retrieve/test_processes.py::test_a_reader_sees_what_another_process_commits
15. RetryError hides the error
    tests/rag/run/test_calls.py::test_after_three_attempts_the_own_error_of_the_source_comes_out
16. tiktoken downloads its vocabulary
    tests/rag/test_tokens.py::test_no_socket_is_opened_when_the_vocabulary_is_absent
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import rag
from rag.errors import PlanCycle, RateLimited, UnknownSource
from rag.testing import FakeEmbedder, FakeModel

HERE = Path(__file__).parents[1]


def planned(*steps: dict[str, Any]) -> rag.Plan:
    return rag.Plan.from_json({"steps": [{"id": f"s{n}", **step} for n, step in enumerate(steps, start=1)]})


def assistant(*functions: Callable[..., Any], **options: Any) -> rag.Assistant:
    return rag.Assistant([rag.source(f.__name__, f, shared=True) for f in functions], **options)


def test_what_the_table_names_is_there():
    for file, name in re.findall(r"(tests/\S+\.py)::(\w+)", str(__doc__)):
        assert re.search(rf"^(async )?def {name}\b", (HERE / file).read_text(encoding="utf-8"), re.M), name


async def test_1_a_fast_branch_does_not_wait_for_a_slow_step_beside_it():
    through = asyncio.Event()

    async def slow(query: str) -> str:
        await asyncio.wait_for(through.wait(), 20)  # with a barrier nobody would come to set it
        return "slow"

    async def fast(query: str) -> str:
        return "fast"

    async def faster(query: str) -> str:
        through.set()
        return "faster"

    steps = [{"source": "slow", "args": {"query": "x"}}, {"source": "fast", "args": {"query": "x"}}]
    answer = await assistant(slow, fast, faster).arun(
        planned(*steps, {"source": "faster", "args": {"query": "$s2.text"}})
    )
    assert [item.passage.text for item in answer.evidence.items] == ["slow", "fast", "faster"]
    assert not answer.partial


async def test_2_a_source_that_fails_leaves_the_others_and_is_told():
    def good(query: str) -> str:
        return "here"

    def bad(query: str) -> str:
        raise RuntimeError("it burnt down")

    asked = {"args": {"query": "x"}}
    answer = await assistant(good, bad).arun(planned({"source": "good", **asked}, {"source": "bad", **asked}))
    assert answer.text.startswith("here")
    assert answer.partial
    assert any("s2" in note and "it burnt down" in note for note in answer.notes)


async def test_3_a_ring_and_an_unknown_source_are_errors_before_any_call():
    calls = []

    def docs(query: str) -> str:
        calls.append(query)
        return query

    ring = planned({"source": "docs", "args": {"query": "$s2.text"}}, {"source": "docs", "args": {"query": "$s1.text"}})
    with pytest.raises(PlanCycle):
        await asyncio.wait_for(assistant(docs).arun(ring), 20)
    with pytest.raises(UnknownSource, match="'nowhere'"):
        await assistant(docs).arun(planned({"source": "docs", "args": {"query": "x"}}, {"source": "nowhere"}))
    assert calls == []


async def test_4_a_step_used_twice_runs_once_and_what_it_found_is_passed_on():
    calls = []

    def orders(order_id: str) -> dict[str, str]:
        calls.append(order_id)
        return {"product": "lamp"}

    def docs(query: str) -> str:
        calls.append(query)
        return query

    first = {"source": "orders", "args": {"order_id": "O-1"}}
    uses = [{"source": "docs", "args": {"query": f"{word} of $s1.product"}} for word in ("care", "price")]
    await assistant(orders, docs).arun(planned(first, *uses, first))
    assert sorted(calls) == ["O-1", "care of lamp", "price of lamp"]


async def test_5_a_reference_in_what_was_found_stays_text():
    seen = []

    def secret(query: str) -> dict[str, str]:
        return {"pin": "1234"}

    def docs(query: str) -> dict[str, str]:
        seen.append(query)
        return {"text": "$s1.pin and $1 and $$"}

    steps = [{"source": "secret", "args": {"query": "x"}}, {"source": "docs", "args": {"query": "a"}}]
    await assistant(secret, docs).arun(planned(*steps, {"source": "docs", "args": {"query": "about $s2.text"}}))
    assert seen == ["a", "about $s1.pin and $1 and $$"]


async def test_6_a_scope_holds_for_every_part_of_a_search_in_sync_and_async():
    with rag.Index.memory(FakeEmbedder()) as index:
        for tenant in ("acme", "globex"):
            index.add([{"doc_id": tenant, "text": f"a kettle of {tenant}"}], scope=rag.Scope(tenant=tenant))
        both = (index.lexical() + index.dense()) % 9
        for expression in (index.lexical(), index.dense(), both):
            scope = rag.Scope(tenant="acme")
            found = [expression.search("kettle globex", k=9, scope=scope)]
            found.append(await expression.asearch("kettle globex", k=9, scope=scope))
            assert [[hit.passage.doc_id for hit in hits] for hits in found] == [["acme"], ["acme"]]


def test_7_the_weights_of_a_fusion_weigh():
    with rag.Index.memory(FakeEmbedder()) as index:
        index.add(
            [{"doc_id": "often", "text": f"{'kettle ' * 4} pot pan tea cup"}, {"doc_id": "alone", "text": "kettle"}]
        )
        words, meaning = index.lexical(), index.dense()
        tops = [(words * w + meaning * (1 - w)).search("kettle", k=1)[0].passage.doc_id for w in (0.05, 0.95)]
    assert tops == ["alone", "often"]


async def test_8_a_blocking_source_does_not_hold_up_the_loop_and_ask_works_inside_one():
    def blocking(query: str) -> str:
        time.sleep(0.3)
        return "done"

    one, turns = assistant(blocking), 0
    asked = asyncio.create_task(one.aask("blocking?"))
    while not asked.done():
        turns += 1
        await asyncio.sleep(0.01)
    assert turns >= 5
    assert one.ask("blocking?").evidence  # from within this running loop, as in a notebook


async def test_9_a_hundred_calls_are_not_made_at_once():
    under_way, most = 0, 0

    async def docs(query: str) -> str:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.001)
        under_way -= 1
        return query

    plan = planned(*({"source": "docs", "args": {"query": str(n)}} for n in range(10)))
    await assistant(docs).arun(plan)
    assert 1 < most <= 8  # of one question
    most, capped = 0, rag.Assistant([rag.source("docs", docs, shared=True, concurrency=3)])
    await asyncio.gather(*(capped.arun(plan) for _ in range(10)))
    assert 1 < most <= 3  # of one source, whoever asks


def test_10_no_word_of_a_draft_stops_the_rounds():
    queries = []

    def docs(query: str) -> str:
        queries.append(query)
        return "None of the lamps folds."

    plan = json.dumps({"steps": [{"id": "s1", "source": "docs", "args": {"query": "lamps"}}]})
    model = FakeModel(lambda messages: plan if "You plan" in messages[0].content else "None of the lamps folds [1].")
    for planner in ("iter_retgen", "reaper"):
        assistant(docs, model=model, planner=planner, rounds=2).ask("Which of the lamps by Ada Birch folds?")
    assert len(queries) == 4


def test_11_what_was_kept_for_one_user_or_context_serves_no_other():
    seen = []

    def docs(query: str, scope: rag.Scope) -> str:
        seen.append(scope.user)
        return f"of {scope.user}"

    one = rag.Assistant([rag.source("docs", docs, cacheable=True)])
    plan = planned({"source": "docs", "args": {"query": "x"}})
    texts = [one.run(plan, scope=rag.Scope(user=user)).evidence.items[0].passage.text for user in ("ann", "bob", "ann")]
    assert texts == ["of ann", "of bob", "of ann"]
    assert seen == ["ann", "bob"]
    model = FakeModel(lambda messages: '{"steps": []}' if "You plan" in messages[0].content else "Well.")
    talking = rag.Assistant([rag.source("docs", docs)], model=model)
    for said in ("I ordered a lamp.", "I ordered a desk.", "I ordered a lamp."):
        talking.ask(
            "Is it dimmable, do you think?", turns=[rag.Turn(role="user", text=said)], scope=rag.Scope(user="ann")
        )
    prompts = [call.prompt for call in model.calls if "You plan" in call.prompt]
    assert any("a lamp" in prompt for prompt in prompts)
    assert any("a desk" in prompt for prompt in prompts)


async def test_12_the_traces_of_questions_at_once_stay_whole():
    async def docs(query: str) -> str:
        await asyncio.sleep(0)
        return query

    one, steps = (
        assistant(docs),
        [{"source": "docs", "args": {"query": "x"}}, {"source": "docs", "args": {"query": "y"}}],
    )
    for answer in await asyncio.gather(*(one.arun(planned(*steps)) for _ in range(20))):
        spans = {span.span_id: span for span in answer.trace}
        assert [span.kind for span in answer.trace if span.parent is None] == ["question"]
        calls = [span for span in answer.trace if span.kind == "source"]
        assert sorted(spans[span.parent].name for span in calls) == ["s1", "s2"]
        assert all(spans[span.parent].name == span.attributes["step_id"] for span in calls)


async def test_15_the_own_error_comes_out_after_the_last_attempt():
    def docs(query: str) -> str:
        raise ConnectionResetError("the line is cut")

    answer = await assistant(docs).arun(planned({"source": "docs", "args": {"query": "x"}}))
    assert any("the line is cut" in note for note in answer.notes)
    assert "RetryError" not in answer.model_dump_json()
    busy = FakeModel(lambda _: RateLimited("the model is busy", retryable=True, retry_after=0.0))
    answer = await assistant(docs, model=busy).aask("What say the docs?")
    assert "RetryError" not in answer.model_dump_json()
    assert any("the model is busy" in note for note in answer.notes)


@pytest.mark.disable_socket
def test_16_tokens_are_counted_without_a_download_and_said_to_be_estimated():
    def docs(query: str) -> str:
        return "Ten days."

    model = FakeModel(["not a plan", "Ten days [1]."], name="gpt-4o-mini")
    answer = assistant(docs, model=model).ask("How long is leave?", budget=rag.Budget(tokens=100_000))
    assert answer.usage.estimated
    assert answer.usage.tokens > 0
