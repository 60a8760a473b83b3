"""The README's table says of each figure no more than its result does."""

from __future__ import annotations

import json

import pytest

from benchmarks import table
from prompts import load


@pytest.fixture
def results(tmp_path, monkeypatch):
    """Keep results in a folder of their own."""
    monkeypatch.setattr(table, "RESULTS", tmp_path)

    def keep(name: str, **result: object) -> None:
        (tmp_path / f"{name}.json").write_text(json.dumps({"command": f"python -m benchmarks.{name}", **result}))

    return keep


def test_measures_without_a_result_are_left_out(results):
    assert len(table.table().splitlines()) == 2


def test_a_result_of_the_prompts_in_use_stands_without_a_word(results):
    results("shop_reaper", sources=1.0, answer=0.5, prompts={"plan": load("plan").identity})
    assert (
        table.table()
        .splitlines()[-1]
        .startswith("| 30 shop questions, right sources / right answer, `reaper`, 1.5B model | 1.000 / .500 |")
    )


def test_a_result_of_an_earlier_prompt_says_so(results):
    results("shop_reaper", sources=1.0, answer=0.5, prompts={"plan": "plan@1#000000000000", "gone": "gone@1#0"})
    assert "1.5B model (with earlier prompts: plan@1, gone@1)" in table.table()


def test_a_timing_of_a_busy_machine_says_so(results):
    busy = {"load_average": {"begun": 0.2, "ended": 6.0}}
    results("barrier", ratio=1.01, environment=busy)
    assert "longest path (load average 6.0) | 1.01 |" in table.table()


def test_what_the_model_says_and_what_the_reader_says_stand_apart(results):
    null = {"questions": 10, "model_says_so": 2, "nothing_read": 3}
    figures = {"exact": 1.0, "recall": 1.0, "arguments_valid": 1.0, "model_calls": 1, "tokens": 1200}
    results("interleaved_reaper", questions=40, lookup_seconds_p50=2.5, null=null, **figures)
    assert "model + reader say so | 2 + 3 of 10 |" in table.table()
