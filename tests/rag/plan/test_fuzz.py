"""Malformed plans, a few of those that `benchmarks.fuzz` takes: each is mended and runs, or is a typed error."""

from __future__ import annotations

import asyncio
import json
import random

import pytest
from hypothesis import given, settings

from benchmarks.fuzz import EXAMPLES, Bench, plans
from benchmarks.mutations import FAMILIES, mutated

FINE = {"ran", "ran after repair", "PlanError", "BadReference", "UnknownSource", "PlanCycle"}


@pytest.fixture(scope="module")
def bench():
    with asyncio.Runner() as runner:
        bench = Bench()
        bench.outcome = lambda text: runner.run(bench.take(text))
        yield bench


@settings(max_examples=200)
@given(plan=plans)
def test_a_made_plan_is_mended_and_runs_or_is_a_plan_error(bench, plan):
    assert bench.outcome(json.dumps(plan)) in FINE


@pytest.mark.parametrize("start", range(5))
def test_a_spoiled_plan_is_mended_and_runs_or_is_a_plan_error(bench, start):
    draw = random.Random(start)
    for _ in range(20):
        text = mutated(EXAMPLES[0], draw)
        assert bench.outcome(text) in FINE, text


@pytest.mark.parametrize("name", FAMILIES)
def test_a_text_of_a_kind_that_takes_long_is_read_or_refused(bench, name):
    assert bench.outcome(FAMILIES[name](3000)) in FINE


def test_a_plan_left_alone_runs_without_a_repair(bench):
    sound = {"steps": EXAMPLES[0]["steps"][:4]}
    assert bench.outcome(json.dumps(sound)) == "ran"
