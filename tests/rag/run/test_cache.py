from __future__ import annotations

import asyncio
import multiprocessing
import sqlite3
import stat
from datetime import UTC, datetime

import pytest

import rag
from rag.errors import StoreError
from rag.run.asking import _identity
from rag.run.cache import key_of
from rag.run.cachefile import KeptFile
from rag.testing import FakeModel, FakeSource
from rag.types import Budget, Scope, Turn

PLAN = '{"steps": [{"id": "s1", "source": "docs", "args": {"query": "leave"}}]}'
ROWS = [{"title": "Leave", "text": "Parental leave lasts ten days."}]
QUESTION = "How long is parental leave?"


def cacheable(rows=ROWS):
    source = FakeSource("docs", rows)
    source.card = source.card.model_copy(update={"cacheable": True})
    return source


def model(name="fake"):
    return FakeModel(lambda messages: PLAN if "You plan" in messages[0].content else "Ten days [1].", name=name)


def plans(*models):
    return sum("You plan" in call.messages[0].content for one in models for call in one.calls)


def test_rows_outlive_the_assistant_in_a_file(tmp_path):
    sources = [cacheable(), cacheable()]
    for source in sources:
        with rag.Assistant([source], cache=tmp_path / "kept.db") as assistant:
            answer = assistant.ask(QUESTION)
    assert [len(source.calls) for source in sources] == [1, 0]
    assert any(span.attributes.get("cached") for span in answer.trace)
    assert answer.usage.source_calls == 0


def test_a_plan_outlives_the_assistant_in_a_file_and_its_hit_is_seen(tmp_path):
    first, second = model(), model()
    for one in (first, second):
        with rag.Assistant([FakeSource("docs", ROWS)], model=one, cache=tmp_path / "kept.db") as assistant:
            answer = assistant.ask(QUESTION)
    assert (plans(first), plans(second)) == (1, 0)
    assert [s.attributes["cached"] for s in answer.trace if s.attributes.get("prompt", "").startswith("plan@")] == [
        True
    ]
    assert answer.usage.model_calls == 1  # reading


@pytest.mark.parametrize(
    "changed",
    [
        {"question": "How long is sick leave?"},
        {"scope": Scope(user="bob")},
        {"model": model("another")},
        {"about": "what is new"},
        {"turns": (Turn(role="user", text="Is it about parents?"),)},
        {"clock": lambda: datetime(2030, 1, 1, tzinfo=UTC)},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_a_plan_serves_exactly_the_same_question_alone(tmp_path, changed):
    one, now = model(), lambda: datetime(2026, 11, 24, tzinfo=UTC)
    other = changed.get("model", one)
    for how in ({}, changed):
        source = FakeSource("docs", ROWS, about=how.get("about", ""))
        assistant = rag.Assistant(
            [source], model=how.get("model", one), clock=how.get("clock", now), cache=tmp_path / "k"
        )
        assistant.ask(how.get("question", QUESTION), scope=how.get("scope"), turns=how.get("turns", ()))
        assistant.close()
    assert plans(*{id(m): m for m in (one, other)}.values()) == 2


def test_without_a_cache_every_call_is_made():
    one, source = model(), cacheable()
    assistant = rag.Assistant([source], model=one, cache=False)
    for _ in range(2):
        assistant.ask(QUESTION)
    assert plans(one) == 2
    assert len(source.calls) == 2


def test_a_kept_plan_is_checked_anew_when_its_source_has_changed(tmp_path):
    one = model()
    rag.Assistant([FakeSource("docs", ROWS)], model=one, cache=tmp_path / "k").ask(QUESTION)
    renamed = FakeSource("files", ROWS)
    answer = rag.Assistant([renamed], model=one, cache=tmp_path / "k").ask(QUESTION)
    assert {step.source for step in answer.plan.steps} == {"files"}


def test_values_that_json_would_change_are_not_written(tmp_path):
    at = datetime(2026, 5, 1, tzinfo=UTC)
    with KeptFile.open(tmp_path / "kept.db") as kept:
        kept.put("k", [{"at": at}], seconds=60)
        assert kept.get("k") == [{"at": at}]
    with KeptFile.open(tmp_path / "kept.db") as kept:
        assert kept.get("k") is None


def test_bytes_in_a_row_cost_no_answer(tmp_path):
    source = cacheable([{"text": "Parental leave lasts ten days.", "blob": b"\xff\xfe"}])
    with rag.Assistant([source], cache=tmp_path / "kept.db") as assistant:
        for _ in range(2):
            assert "ten days" in assistant.ask(QUESTION).text
    assert len(source.calls) == 1


def test_what_has_no_number_as_json_knows_it_is_kept_as_it_is(tmp_path):
    for _ in range(2):
        with KeptFile.open(tmp_path / "kept.db") as kept:
            assert kept.get("k") in (None, [{"x": float("inf")}])
            kept.put("k", [{"x": float("inf")}], seconds=60)


def test_what_cannot_be_read_back_is_not_there(tmp_path):
    with KeptFile.open(tmp_path / "kept.db") as kept:
        kept.put("k", [1], seconds=60)
    db = sqlite3.connect(tmp_path / "kept.db")
    with db:
        db.execute("UPDATE kept SET value = '[1'")
    db.close()
    with KeptFile.open(tmp_path / "kept.db") as kept:
        assert kept.get("k") is None


async def test_a_file_that_another_writes_costs_the_answer_no_time_of_its_budget(tmp_path, caplog):
    source = cacheable()
    assistant = rag.Assistant([source], cache=tmp_path / "kept.db")
    other = sqlite3.connect(tmp_path / "kept.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")  # and never lets go
    for _ in range(2):
        answer = await asyncio.wait_for(assistant.aask(QUESTION, budget=Budget(seconds=30)), 30)
        assert not answer.partial
    other.execute("ROLLBACK")
    other.close()
    assert len(source.calls) == 1  # kept in memory
    assert [record.message.split(":")[0] for record in caplog.records] == [
        "nothing is kept for later questions for now"
    ]
    await assistant.aclose()


async def test_what_was_not_written_in_time_is_written_later(tmp_path, monkeypatch):
    monkeypatch.setattr("rag.run.cachefile._PATIENCE", 0.0)
    kept, held = KeptFile.open(tmp_path / "kept.db"), [{"x": 1}]
    await kept.aput("k", held, seconds=60)
    assert await kept.aget("other") is None
    kept.close()


@pytest.mark.skipif("fork" not in multiprocessing.get_all_start_methods(), reason="this system does not fork")
def test_a_process_that_was_forked_opens_the_file_itself(tmp_path):
    kept = KeptFile.open(tmp_path / "kept.db")
    kept.put("k", [1], seconds=60)
    child = multiprocessing.get_context("fork").Process(target=kept.put, args=("c", [2]), kwargs={"seconds": 60})
    child.start()
    child.join()
    assert child.exitcode == 0
    assert (kept.get("k"), kept.get("c")) == ([1], [2])
    kept.close()


def test_a_cache_need_not_outlast_a_loss_of_power(tmp_path):
    with KeptFile.open(tmp_path / "kept.db") as kept, kept._held() as db:
        assert db.execute("PRAGMA synchronous").fetchone() == (1,)


def test_what_has_run_out_is_gone(tmp_path):
    with KeptFile.open(tmp_path / "kept.db") as kept:
        kept.put("k", [1], seconds=-1)
    with KeptFile.open(tmp_path / "kept.db") as kept:
        assert kept.get("k") is None


def test_the_file_is_its_owners_alone(tmp_path):
    KeptFile.open(tmp_path / "kept.db").close()
    assert stat.S_IMODE((tmp_path / "kept.db").stat().st_mode) == 0o600


def test_a_file_of_something_else_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("dear diary, " * 200)
    with pytest.raises(StoreError):
        rag.Assistant([FakeSource("docs", ROWS)], cache=tmp_path / "notes.txt")
    assert (tmp_path / "notes.txt").read_text().startswith("dear diary")


async def test_a_file_that_breaks_later_costs_no_answer(tmp_path):
    kept = KeptFile.open(tmp_path / "kept.db")
    kept.close()
    assert await kept.aget("k") is None
    await kept.aput("k", [1], seconds=60)


def test_a_reply_that_is_no_plan_is_not_kept(tmp_path):
    replies = iter(["no plan at all", PLAN, "Ten days [1].", PLAN, "Ten days [1]."])
    one = FakeModel(lambda messages: next(replies))
    with rag.Assistant([FakeSource("docs", ROWS)], model=one, cache=tmp_path / "kept.db") as assistant:
        assistant.ask(QUESTION)
        assert [step.id for step in assistant.ask(QUESTION).plan.steps] == ["s1"]
        assert plans(one) == 2
        assistant.ask(QUESTION)


@pytest.mark.parametrize(
    "other", [{"temperature": 1.0}, {"extra": {"adapter": "b"}}, {"base_url": "http://127.0.0.1:9/v1?deployment=b"}]
)
def test_models_whose_settings_differ_have_plans_of_their_own(other):
    first = rag.model("m", **{"base_url": "http://127.0.0.1:9/v1", "api_key": "k"})
    second = rag.model("m", **{"base_url": "http://127.0.0.1:9/v1", "api_key": "k"} | other)
    assert _identity(first) != _identity(second)


def test_labels_in_any_order_are_one_scope():
    scopes = [Scope(labels=frozenset(labels)) for labels in (("a", "b"), ("b", "a"))]
    assert key_of("rows", scopes[0]) == key_of("rows", scopes[1])
