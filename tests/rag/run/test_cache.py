from __future__ import annotations

import stat
from datetime import UTC, datetime

import pytest

import rag
from rag.errors import StoreError
from rag.run.cache import KeptFile, key_of
from rag.testing import FakeModel, FakeSource
from rag.types import Scope, Turn

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


def test_labels_in_any_order_are_one_scope():
    scopes = [Scope(labels=frozenset(labels)) for labels in (("a", "b"), ("b", "a"))]
    assert key_of("rows", scopes[0]) == key_of("rows", scopes[1])
