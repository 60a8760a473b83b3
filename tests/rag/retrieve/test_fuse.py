"""Rankings become one."""

from __future__ import annotations

import pytest

from rag.retrieve.fuse import Ranking, fuse
from rag.types import Hit, Passage


def ranking(scores, weight=1.0, *, complete=True):
    hits = [
        Hit(passage=Passage(doc_id=name, chunk_id=name, text=name), score=score, rank=rank)
        for rank, (name, score) in enumerate(scores.items())
    ]
    return Ranking(hits, weight, complete)


def fused(*rankings):
    return [hit.passage.doc_id for hit in fuse(rankings)]


def test_what_both_find_comes_first():
    assert fused(ranking({"a": 9, "b": 8}), ranking({"c": 0.9, "b": 0.8})) == ["b", "a", "c"]


def test_weights_weigh():
    words, meaning = {"a": 9.0, "b": 1.0}, {"b": 0.9, "a": 0.1}
    assert fused(ranking(words, 2), ranking(meaning, 1)) == ["a", "b"]
    assert fused(ranking(words, 1), ranking(meaning, 2)) == ["b", "a"]


def test_scales_do_not_matter():
    small, large = ranking({"a": 0.9, "b": 0.3}), ranking({"a": 900.0, "b": 300.0})
    other = ranking({"b": 5.0, "a": 4.0})
    assert fuse([small, other]) == fuse([large, other])


def test_what_a_cut_ranking_lacks_may_be_as_good_as_its_last():
    scores = {"a": 1.0, "b": 0.8}
    lacking = {"c": 1.0}
    whole = {hit.passage.doc_id: hit.score for hit in fuse([ranking(scores), ranking(lacking)])}
    cut = {hit.passage.doc_id: hit.score for hit in fuse([ranking(scores, complete=False), ranking(lacking)])}
    assert (whole["c"], cut["c"]) == (0.5, 0.9)


def test_scores_are_shares_and_ranks_are_places():
    hits = fuse([ranking({"a": 3.0, "b": 2.0}), ranking({"b": 0.2, "c": -0.5})])
    assert [hit.rank for hit in hits] == [0, 1, 2]
    assert all(0 <= hit.score <= 1 for hit in hits)


@pytest.mark.parametrize("empty", [{}, {"a": 0.0}, {"a": -1.0}])
def test_nothing_is_divided_by_nothing(empty):
    assert fused(ranking(empty), ranking({"b": 0.5})) == (["b", "a"] if empty else ["b"])
    assert fused(ranking(empty)) == list(empty)


def test_ties_are_broken_by_document():
    assert fused(ranking({"b": 1.0, "a": 1.0}), ranking({"c": 1.0})) == ["a", "b", "c"]
