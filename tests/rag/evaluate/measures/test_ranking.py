"""Measures of rankings, by hand, and against the library that they come from."""

from __future__ import annotations

import math
import random
import sys

import ir_measures
import pytest
from ir_measures import R, nDCG

from rag.errors import ConfigError
from rag.evaluate.measures.ranking import all_gold, msd, ndcg_and_recall, scaled

# Three queries over four documents, best first, by hand.
FIRST = [("a", 0.9), ("b", 0.6), ("c", 0.3), ("d", 0.2)]  # relevant: a
SECOND = [("a", 0.8), ("b", 0.6), ("c", 0.4), ("d", 0.2)]  # relevant: b, c
THIRD = [("a", 0.4), ("b", 0.3), ("c", 0.2), ("d", 0.1)]  # relevant: d


@pytest.mark.parametrize(
    ("ranking", "gold", "shares", "positive", "negative"),
    [
        (FIRST, {"a": 1}, 0.9 / 0.9, 0.9, 1.1 / 3),
        (SECOND, {"b": 1, "c": 1}, (0.6 / 1.4 + 1.0 / 1.8) / 2, 0.5, 0.5),
        (THIRD, {"d": 1}, 0.1 / 1.0, 0.1, 0.3),
    ],
)
def test_msd_is_what_one_gets_by_hand(ranking, gold, shares, positive, negative):
    assert msd(ranking, gold) == pytest.approx(shares * (1 - math.exp(-positive / negative)))


def test_msd_of_the_three_queries_is_a_number_on_paper():
    found = [msd(FIRST, {"a": 1}), msd(SECOND, {"b": 1, "c": 1}), msd(THIRD, {"d": 1})]
    assert found == pytest.approx([0.91410, 0.31104, 0.02835], abs=1e-5)


def test_msd_tells_apart_what_ndcg_cannot():
    sure, unsure = [("a", 0.9), ("b", 0.1)], [("a", 0.52), ("b", 0.5)]
    assert ndcg_and_recall(sure, {"a": 1}) == ndcg_and_recall(unsure, {"a": 1})
    assert msd(sure, {"a": 1}) > msd(unsure, {"a": 1})


def test_msd_without_others_or_without_relevant_ones():
    assert msd([("a", 0.5)], {"a": 1}) == 1.0
    assert msd([("b", 0.5)], {"a": 1}) == 0.0
    assert msd([("a", 0.5)], {"a": 1, "b": 1}) == 0.5
    assert msd([], {"a": 1}) == 0.0
    assert msd([("a", 0.0), ("b", 1.0)], {"a": 1, "b": 1}) == 0.5


def test_scores_out_of_bounds_are_spread_over_zero_to_one():
    assert scaled([3.0, 2.0, -1.0]) == [1.0, 0.75, 0.0]
    assert scaled([7.0, 7.0]) == [1.0, 1.0]


def test_single_questions_add_up_to_what_the_library_says_of_all():
    chance = random.Random(1)
    docs = [f"d{n}" for n in range(30)]
    gold = {str(q): {d: chance.randint(0, 2) for d in chance.sample(docs, 6)} for q in range(25)}
    run = {q: {d: chance.random() for d in chance.sample(docs, 20)} for q in gold}
    ours = [ndcg_and_recall(sorted(run[q].items(), key=lambda pair: -pair[1]), gold[q]) for q in gold]
    theirs = ir_measures.calc_aggregate([nDCG @ 10, R @ 5], gold, run)
    for measure, value in theirs.items():
        assert sum(found[str(measure)] for found in ours) / len(ours) == pytest.approx(value, abs=1e-9)


def test_of_equal_scores_the_order_counts():
    assert ndcg_and_recall([("a", 1.0), ("b", 1.0)], {"a": 1})["nDCG@10"] == 1.0
    assert ndcg_and_recall([(name, 1.0) for name in "abcdef"], {"f": 1})["R@5"] == 0.0


def test_nothing_found_is_zero():
    assert ndcg_and_recall([], {"a": 1}) == {"nDCG@10": 0.0, "R@5": 0.0}
    assert all_gold([], {"a": 1}, 5) == 0.0
    assert all_gold([("a", 1.0)], {"a": 0}, 5) == 0.0


def test_all_gold_wants_all_that_is_relevant_and_nothing_else():
    ranking = [("a", 3.0), ("b", 2.0), ("c", 1.0)]
    assert all_gold(ranking, {"a": 1, "b": 2, "z": 0}, 2) == 1.0
    assert all_gold(ranking, {"a": 1, "c": 1}, 2) == 0.0


def test_without_the_library_it_is_said_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "ir_measures", None)
    with pytest.raises(ConfigError, match=r"planweave-rag\[eval\]"):
        ndcg_and_recall([("a", 1.0)], {"a": 1})
