"""Turns ranked by words, meaning, neighbours and sessions."""

from datetime import UTC, datetime, timedelta

import numpy as np

from rag.memory.rank import scored
from rag.memory.store.values import Kept
from rag.types import Turn

AT = datetime(2026, 5, 5, 9, tzinfo=UTC)


def rows(*texts):
    return [Kept(n, "c", Turn(turn_id=str(n), text=text, at=AT + timedelta(minutes=n))) for n, text in enumerate(texts)]


def best(scores):
    return np.argsort(-scores, kind="stable").tolist()


def test_the_turn_with_the_words_comes_first():
    found = scored("red kettle", rows("We sell lamps.", "The kettle is red.", "Goodbye."), [1, 1, 1])
    assert best(found.whole)[0] == 1


def test_an_answer_shares_in_what_its_question_scores():
    found = scored("warranty", rows("Hello.", "How long is the warranty?", "Two years.", "Fine.", "Bye."), [1] * 5)
    assert found.own[2] > found.own[4] == 0


def test_turns_of_another_session_are_no_neighbours():
    found = scored("warranty", rows("How long is the warranty?", "Two years."), [1, 2])
    assert found.own[1] == 0


def test_sessions_of_two_conversations_may_overlap_in_time():
    told = rows("How long is the warranty?", "Nice weather.", "Two years.")
    found = scored("warranty", told, [1, 2, 1])
    assert found.own[2] > 0
    assert found.own[1] == 0


def test_a_session_about_it_lifts_its_turns():
    told = rows("The tent leaks.", "A tent pole broke too.", "It was cold.", "The tent was dear.", "Prices rise.")
    found = scored("tent leaks cold", told, [1, 1, 1, 2, 2])
    assert best(found.whole)[-2:] == [3, 4]


def test_the_day_counts_as_words_of_the_turn():
    told = [
        Kept(n, "c", Turn(turn_id=str(n), text="We went sailing.", at=datetime(2026, month, 5, tzinfo=UTC)))
        for n, month in enumerate((3, 7))
    ]
    assert best(scored("sailing in July", told, [1, 2]).whole)[0] == 1


def test_meaning_is_weighed_beside_words():
    told = rows("A dog.", "A cat.", "A bird.")
    found = scored("kitten", told, [1, 1, 1], lambda words: np.array([0.1, 0.9, 0.0]))
    assert best(found.whole)[0] == 1


def test_scores_lie_between_0_and_1():
    told = rows("kettle kettle", "kettle", "kettle kettle kettle")
    found = scored("kettle", told, [1, 1, 2], lambda words: np.array([1.0, 1.0, 1.0]))
    assert 0 <= found.whole.min() <= found.whole.max() <= 1


def test_nothing_to_rank_is_no_error():
    assert len(scored("anything", [], []).whole) == 0


def test_a_question_without_a_word_scores_nothing():
    assert scored("the of", rows("The kettle.", "Of course."), [1, 1]).whole.tolist() == [0, 0]


def test_long_turns_speak_for_themselves():
    def neighbour_of_best(filling):
        told = rows(f"warranty {filling}", f"lamps {filling}")
        return scored("warranty", told, [1, 1]).own[1]

    assert neighbour_of_best("glows red " * 60) < neighbour_of_best("glows red")
