"""Intervals and paired tests over questions."""

from __future__ import annotations

import random

import numpy as np
import pytest

from rag.evaluate.bootstrap import interval, paired


def test_an_interval_of_a_mean_is_about_two_standard_errors_wide():
    values = np.random.default_rng(3).normal(0.5, 0.1, 400)
    low, high = interval([list(values)])
    error = values.std() / 20
    assert low == pytest.approx(values.mean() - 1.96 * error, abs=0.002)
    assert high == pytest.approx(values.mean() + 1.96 * error, abs=0.002)


def test_an_interval_is_the_same_every_time_and_holds_the_sum():
    runs = [[random.Random(n).random() for n in range(40)]] * 2
    assert interval(runs) == interval(runs)
    low, high = interval(runs, lambda values: np.percentile(values, 95, axis=-1))
    assert low <= np.percentile(runs[0], 95) <= high


def test_a_shift_of_every_question_is_no_chance():
    there = [random.Random(n).random() for n in range(60)]
    gain = paired([value + 0.1 for value in there], there)
    assert (gain.mean, gain.low, gain.high) == pytest.approx((0.1, 0.1, 0.1))
    assert gain.p < 0.001


def test_noise_is_chance():
    there = np.random.default_rng(1).normal(size=200)
    gain = paired(there + np.random.default_rng(2).normal(size=200) - 0.02, there)
    assert gain.low < 0 < gain.high
    assert gain.p > 0.1


def test_p_is_about_that_of_a_t_test():
    noise = np.random.default_rng(5).normal(size=100)
    differences = (noise - noise.mean()) / noise.std(ddof=1) + 0.2  # t = 2, of which the two-sided p is .048
    assert paired(differences, np.zeros(100)).p == pytest.approx(0.048, abs=0.01)


def test_equal_runs_differ_by_nothing():
    assert paired([0.1, 0.5], [0.1, 0.5]).p == 1.0


def test_few_questions_cannot_tell_much():
    assert paired([1.0, 1.0, 1.0], [0.0, 0.0, 0.0]).p == 0.25
