"""Maximal marginal relevance."""

import numpy as np
import pytest

from rag.experience.mmr import most_marginal

VECTORS = np.array([[1, 0], [0.96, 0.28], [0, 1], [-1, 0]], dtype=np.float32)
WORTH = np.array([0.9, 0.8, 0.5, 0.1], dtype=np.float32)


@pytest.mark.parametrize(("balance", "expected"), [(1.0, [0, 1, 2]), (0.7, [0, 2, 1]), (0.0, [0, 2, 3])])
def test_balance_weighs_worth_against_likeness(balance, expected):
    assert most_marginal(WORTH, VECTORS, 3, balance=balance) == expected


@pytest.mark.parametrize(("k", "expected"), [(0, []), (9, [0, 2, 1, 3])])
def test_no_item_is_chosen_twice_and_no_more_than_there_are(k, expected):
    assert most_marginal(WORTH, VECTORS, k, balance=0.7) == expected


def test_what_points_away_is_as_good_as_what_has_nothing_in_common():
    worth = np.array([0.9, 0.5, 0.5], dtype=np.float32)
    vectors = np.array([[1, 0], [0, 1], [-1, 0]], dtype=np.float32)
    assert most_marginal(worth, vectors, 2, balance=0.5) == [0, 1]


def test_the_steps_of_the_paper_by_hand():
    # 0.6 · .5 - 0.4 · .6 = .06 against 0.6 · .45 - 0.4 · 0 = .27
    vectors = np.array([[1, 0], [0.6, 0.8], [0, 1]], dtype=np.float32)
    worth = np.array([0.7, 0.5, 0.45], dtype=np.float32)
    assert most_marginal(worth, vectors, 2, balance=0.6) == [0, 2]
