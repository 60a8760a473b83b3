"""Measures of answers, abstention, citations, claims and plans."""

from __future__ import annotations

import pytest

from rag.evaluate.measures import citations, plans
from rag.evaluate.measures.answers import exact_match, f1, holds
from rag.evaluate.measures.claims import given_label, label_of, macro_f1
from rag.evaluate.measures.table import MEASURES, measured
from rag.evaluate.subjects import Outcome
from rag.evaluate.tasks import Case
from rag.plan import Plan
from rag.types import Answer, Citation, Evidence, EvidenceItem, Passage, Usage
from rag.verdict import Verdict

PASSAGES = {name: Passage(doc_id=name, chunk_id=f"{name}#0", text=f"the text of {name}") for name in "abc"}


def cited(*names, supported=None, starts=None):
    starts = starts or [0] * len(names)
    return tuple(
        Citation(n=n, passage=PASSAGES[name], start=start, end=start + 3, supported=supported)
        for n, (name, start) in enumerate(zip(names, starts, strict=True), 1)
    )


def outcome(text, **answer):
    return Outcome(1.0, answer=Answer(text=text, **answer))


def plan(*steps):
    return Plan.model_validate(
        {"steps": [{"id": f"s{n}", "source": source, "args": args} for n, (source, args) in enumerate(steps, 1)]}
    )


@pytest.mark.parametrize(
    ("said", "gold", "em", "overlap", "within"),
    [
        ("The Beatles!", "beatles", 1, 1, 1),
        ("It was the Beatles", "Beatles", 0, 0.5, 1),
        ("Beat", "Beatles", 0, 0, 0),
        ("", "Beatles", 0, 0, 0),
        ("the", "a", 1, 1, 0),
        ("unbeatable", "beat", 0, 0, 0),
    ],
)
def test_answers_are_compared_normalised(said, gold, em, overlap, within):
    assert exact_match(said, [gold]) == em
    assert f1(said, [gold]) == pytest.approx(overlap)
    assert holds(said, [gold]) == within


def test_the_best_of_several_answers_counts():
    assert f1("on 5 May", ["April", "5 May"]) == pytest.approx(0.8)


def test_the_marks_of_citations_are_no_part_of_an_answer():
    assert measured(Case("q", "?", answers=("30 days",)), outcome("30 days [1]."))["EM"] == 1.0


@pytest.mark.parametrize(
    ("text", "abstains"),
    [
        ("I found nothing in the sources on this.", True),
        ("The passages do not say.", True),
        ("", True),
        ("It is 30 days.", False),
    ],
)
def test_an_answer_abstains_where_it_says_so_and_cites_nothing(text, abstains):
    assert outcome(text).abstains is abstains
    assert measured(Case("q", "?", answerable=False), outcome(text))["abstained rightly"] == abstains
    assert measured(Case("q", "?", answers=("x",)), outcome(text))["abstained wrongly"] == abstains


@pytest.mark.parametrize(
    ("text", "abstains"),
    [
        ("The passages do not say who painted it [1].", True),
        ("The passages do not say. There is no information on it [1].", True),
        ("It was Scott [1]. The passages do not say when.", False),
    ],
)
def test_an_answer_that_cites_abstains_only_where_all_of_it_speaks_of_absence(text, abstains):
    assert outcome(text, citations=cited("a")).abstains is abstains


def test_citations_are_held_against_gold_documents_and_chunks():
    found = cited("a", "b")
    assert citations.precision(found, {"a": 1, "c": 1}) == 0.5
    assert citations.recall(found, {"a": 1, "c": 1}) == 0.5
    assert citations.precision(found, {"a#0": 1, "b": 1}) == 1.0
    assert citations.precision((), {"a": 1}) is None
    assert citations.recall((), {"a": 1}) == 0.0


def test_support_is_what_the_check_of_the_reader_found():
    text = "It is red. It is big. The passages do not say why."
    half = (*cited("a", supported=True), *cited("b", supported=False, starts=[12]))
    assert citations.support_precision(Answer(text=text, citations=half)) == 0.5
    assert citations.support_recall(Answer(text=text, citations=half)) == 0.5
    unchecked = Answer(text=text, citations=cited("a"))
    assert citations.support_precision(unchecked) is citations.support_recall(unchecked) is None


@pytest.mark.parametrize(
    ("given", "label"),
    [
        (outcome("Refuted. The match was in 1998."), "refuted"),
        (outcome("No, it was not."), "refuted"),
        (outcome("Yes [1].", citations=cited("a")), "supported"),
        (outcome("The passages do not say."), "not enough"),
        (outcome("Not enough information."), "not enough"),
        (outcome("It opened in 1894."), ""),
        (outcome("It was in 1998.", verdict=Verdict(outcome="refuted", by="natlog")), "refuted"),
        (outcome("Refuted.", verdict=Verdict(outcome="supported", by="coverage")), "refuted"),
        (outcome("It was in 1998.", verdict=Verdict(outcome="supported", by="coverage")), ""),
        (Outcome(1.0), ""),
    ],
)
def test_the_label_of_an_answer_is_what_its_first_sentence_says_or_its_verdict(given, label):
    assert given_label(given) == label


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("This claim is false [1].", "refuted"),
        ("Not true: the match was in 1998.", "refuted"),
        ("It isn't true.", "refuted"),
        ("**Verdict:** refuted", "refuted"),
        ("The claim is refuted.", "refuted"),
        ("The passages contradict the claim.", "refuted"),
        ("No - it was in 1998.", "refuted"),
        ("The claim is true, by passage [1].", "supported"),
        ("The passages support the claim.", "supported"),
        ("Supported by [1]. The other claim is false.", "supported"),
        ("The claim is not supported by the sources.", "not enough"),
        ("The sources don't support the claim.", "not enough"),
        ("No evidence supports it.", "not enough"),
        ("It cannot be determined.", "not enough"),
        ("There is not enough information to say.", "not enough"),
        ("Unknown.", "not enough"),
        ("Support for students is free.", ""),
        ("No-one was there.", ""),
        ("True stories are rare.", ""),
    ],
)
def test_a_label_is_read_from_a_sentence_and_not_from_the_verdict_on_the_evidence(text, label):
    assert given_label(outcome(text, verdict=Verdict(outcome="supported", by="coverage"))) == label


def test_labels_of_data_sets_have_many_names():
    assert [label_of(name) for name in ("SUPPORTS", "false", "NOT ENOUGH INFO", "Mostly-true")] == [
        "supported", "refuted", "not enough", "mostly-true",
    ]  # fmt: skip
    assert {label_of(name) for name in ("Not enough evidence", "NOT_ENOUGH", "insufficient")} == {"not enough"}


def test_macro_f1_counts_each_gold_label_alike():
    pairs = [("supported", "supported")] * 9 + [("refuted", "supported")]
    assert macro_f1(pairs) == pytest.approx((18 / 19) / 2)
    assert macro_f1([]) == 0.0


def test_plans_are_compared_by_their_sources():
    made = plan(("orders", {}), ("reviews", {}))
    assert plans.sources_exact(made, [plan(("orders", {})), plan(("reviews", {}), ("orders", {}))]) == 1.0
    assert plans.sources_exact(made, [plan(("orders", {}))]) == 0.0
    assert plans.source_f1(made, [plan(("orders", {}))]) == pytest.approx(2 / 3)
    assert plans.sources_exact(plan(), [plan()]) == plans.source_f1(plan(), [plan()]) == 1.0


def test_arguments_are_compared_step_by_step_whatever_their_ids():
    gold = plan(("orders", {"order_id": "O-1"}), ("reviews", {"product": "$s1.product", "query": "battery life"}))
    swapped = Plan.model_validate(
        {
            "steps": [
                {"id": "b", "source": "reviews", "args": {"product": "$a.product", "query": "life"}},
                {"id": "a", "source": "orders", "args": {"order_id": "o-1"}},
            ]
        }
    )
    assert plans.arguments(gold, [gold]) == 1.0
    assert plans.arguments(swapped, [gold]) == pytest.approx((1 + (1 + 2 / 3) / 2) / 2)
    assert plans.arguments(plan(("orders", {"order_id": "O-2"})), [gold]) == 0.0
    assert plans.arguments(plan(), [plan()]) == 1.0


def test_each_step_serves_once():
    twice = plan(("orders", {"order_id": "O-1"}), ("orders", {"order_id": "O-1"}))
    assert plans.arguments(plan(("orders", {"order_id": "O-1"})), [twice]) == 0.5


def test_what_does_not_apply_is_not_measured():
    assert measured(Case("q", "?", docs={"a": 1}), Outcome(0.5, ranking=(("a", 0.9),))).keys() == {
        "seconds", "nDCG@10", "R@5", "all-gold@5", "all-gold@10", "mSD",
    }  # fmt: skip
    planned = measured(Case("q", "?", plans=(plan(),)), Outcome(0.5, plan=plan()))
    assert planned.keys() == {"seconds", "sources exact", "source F1", "arguments"}


def test_costs_are_those_of_the_usage():
    items = (EvidenceItem(passage=PASSAGES["a"], step_id="s1"),)
    usage = Usage(model_calls=2, source_calls=1, prompt_tokens=90, completion_tokens=10)
    found = measured(Case("q", "?", answers=("x",)), outcome("x", evidence=Evidence(items=items), usage=usage))
    assert [found[name] for name in ("model calls", "source calls", "tokens", "passages")] == [2, 1, 100, 1]
    assert "USD" not in found


def test_every_measure_has_a_name_of_its_own_and_says_what_it_is():
    assert len({measure.name for measure in MEASURES}) == len(MEASURES)
    assert all(measure.about for measure in MEASURES)
