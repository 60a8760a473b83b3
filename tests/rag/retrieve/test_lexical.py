"""Search by words."""

from __future__ import annotations

import pytest

from rag.retrieve.lexical import query_words


def found(index, query, k=10):
    return [hit.passage.doc_id for hit in index.lexical().search(query, k)]


@pytest.fixture
def stored(index):
    index.add([
        {"doc_id": "batteries", "title": "Batteries", "text": "They last for ten hours and are charged by cable."},
        {"doc_id": "charger", "title": "Charger", "text": "Charges the batteries of lamps and of radios by cable."},
        {"doc_id": "café", "title": "Café", "text": "Crème brûlée at C-17."},
    ])  # fmt: skip
    return index


def test_words_are_stemmed_and_accents_and_case_do_not_count(stored):
    assert set(found(stored, "BATTERY")) == {"batteries", "charger"}
    assert found(stored, "creme") == ["café"]


def test_a_word_of_the_title_counts_for_more(stored):
    assert found(stored, "batteries")[0] == "batteries"


def test_scores_are_above_0_and_fall(stored):
    scores = [hit.score for hit in stored.lexical().search("batteries charged")]
    assert scores == sorted(scores, reverse=True)
    assert min(scores) > 0


def test_a_question_of_stop_words_is_searched_for_them(index):
    index.add([{"doc_id": "band", "text": "The Who are a band."}, {"doc_id": "other", "text": "Another band."}])
    assert found(index, "the who") == ["band"]


def test_what_has_none_of_the_words_is_not_found(stored):
    assert found(stored, "elephants") == []


def test_signs_of_the_query_language_are_words(stored):
    assert found(stored, 'C-17" OR (battery*') == found(stored, "C 17 or battery")


def test_a_query_is_cut_at_200_words():
    assert len(query_words(" ".join(f"w{n}" for n in range(1_000)))) == 200
