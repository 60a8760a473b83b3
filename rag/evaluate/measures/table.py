"""All measures in their order: what each is of, whether more is better, and how questions are summed up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from rag.evaluate.measures import answers, citations, claims, plans, ranking
from rag.evaluate.subjects import Outcome
from rag.evaluate.tasks import Case

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["GROUPS", "MEASURES", "Fold", "Group", "Measure", "measured"]

Group: TypeAlias = Literal["ranking", "answers", "citations", "claims", "plans", "cost"]
Fold: TypeAlias = Callable[["Array"], "Array"]
"""Sums up the last axis: the values of questions."""

GROUPS: Final[tuple[Group, ...]] = ("ranking", "answers", "citations", "claims", "plans", "cost")


@dataclass(frozen=True, slots=True)
class Measure:
    """A measure as it is reported: its name, the value of each question that it sums up, and how."""

    name: str
    of: str
    group: Group
    about: str
    better: Literal["more", "less"] = "more"
    fold: Fold | None = None

    def summed(self, values: Array) -> Array:
        """The sum over questions, the last axis: their mean, where nothing else is said."""
        return self.fold(values) if self.fold else values.mean(axis=-1)


def _percentile(percent: int) -> Fold:
    def fold(values: Array) -> Array:
        import numpy as np

        return np.asarray(np.percentile(values, percent, axis=-1))

    return fold


def _mean(name: str, group: Group, about: str, better: Literal["more", "less"] = "more") -> Measure:
    return Measure(name, name, group, about, better)


MEASURES: Final = (
    _mean("nDCG@10", "ranking", "gain of the first 10, discounted by rank"),
    _mean("R@5", "ranking", "share of the relevant documents among the first 5"),
    _mean("all-gold@5", "ranking", "share of questions with all relevant documents among the first 5"),
    _mean("all-gold@10", "ranking", "share of questions with all relevant documents among the first 10"),
    _mean("mSD", "ranking", "how surely relevant documents stand apart by their scores"),
    _mean("EM", "answers", "the answer is a gold answer, normalised as for SQuAD"),
    _mean("F1", "answers", "words shared with the best gold answer"),
    _mean("judged", "answers", "a model says that the answer implies a gold answer"),
    _mean("holds gold (rule)", "answers", "a gold answer stands in the answer, word for word"),
    _mean("passages hold gold", "answers", "a gold answer stands in one of the passages that were read"),
    _mean("abstained rightly", "answers", "of questions that the sources do not answer, where that is said"),
    _mean("abstained wrongly", "answers", "of questions that the sources do answer, where the same is said", "less"),
    _mean("citation precision", "citations", "share of the cited documents that are relevant"),
    _mean("citation recall", "citations", "share of the relevant documents that are cited"),
    _mean("support precision", "citations", "share of the checked citations that bear their sentence out"),
    _mean("support recall", "citations", "share of the sentences that a checked citation bears out"),
    _mean("label accuracy", "claims", "the label is the gold one"),
    _mean("sources exact", "plans", "the plan asks exactly the sources of a gold plan"),
    _mean("source F1", "plans", "sources shared with the best gold plan"),
    _mean("arguments", "plans", "arguments shared with the best gold plan"),
    _mean("model calls", "cost", "calls of the model a question", "less"),
    _mean("source calls", "cost", "calls of sources a question", "less"),
    _mean("passages", "cost", "passages that were read a question", "less"),
    _mean("tokens", "cost", "tokens of prompts and replies a question", "less"),
    _mean("USD", "cost", "money a question, where it is known", "less"),
    Measure("p50 seconds", "seconds", "cost", "within which half of the questions are done", "less", _percentile(50)),
    Measure("p95 seconds", "seconds", "cost", "within which 95 % of the questions are done", "less", _percentile(95)),
)  # fmt: skip
"""macro-F1 of claims is no mean of questions, and stands beside these in a report."""


def measured(case: Case, outcome: Outcome) -> dict[str, float]:
    """The value of each measure that applies to a question, but for what a judge says."""
    values: dict[str, float | None] = {"seconds": outcome.seconds}
    if case.docs and (outcome.answer is not None or outcome.plan is None):
        values |= _ranked(case, outcome)
    if outcome.answer is not None:
        values |= _answered(case, outcome) | _cited(case, outcome) | _cost(outcome)
    if case.label is not None and outcome.answer is not None:
        values["label accuracy"] = float(claims.label_of(case.label) == claims.given_label(outcome))
    if case.plans and outcome.plan is not None:
        values["sources exact"] = plans.sources_exact(outcome.plan, case.plans)
        values["source F1"] = plans.source_f1(outcome.plan, case.plans)
        values["arguments"] = plans.arguments(outcome.plan, case.plans)
    return {name: value for name, value in values.items() if value is not None}


def _ranked(case: Case, outcome: Outcome) -> dict[str, float | None]:
    ranked = outcome.ranking
    found: dict[str, float | None] = {**ranking.ndcg_and_recall(ranked, case.docs)}
    found |= {f"all-gold@{k}": ranking.all_gold(ranked, case.docs, k) for k in (5, 10)}
    # Evidence of several sources is ordered, but has no similarities.
    return found | ({"mSD": ranking.msd(ranked, case.docs)} if outcome.answer is None else {})


def _answered(case: Case, outcome: Outcome) -> dict[str, float | None]:
    if not case.answerable:
        return {"abstained rightly": float(outcome.abstains)}
    if not case.answers:
        return {}
    items = outcome.answer.evidence.items if outcome.answer else ()
    return {
        "EM": answers.exact_match(outcome.text, case.answers),
        "F1": answers.f1(outcome.text, case.answers),
        "holds gold (rule)": answers.holds(outcome.text, case.answers),
        "passages hold gold": max((answers.holds(i.passage.text, case.answers) for i in items), default=0.0),
        "abstained wrongly": float(outcome.abstains),
    }


def _cited(case: Case, outcome: Outcome) -> dict[str, float | None]:
    answer = outcome.answer
    if answer is None:
        return {}
    found = {
        "support precision": citations.support_precision(answer),
        "support recall": citations.support_recall(answer),
    }
    if case.docs:
        found |= {
            "citation precision": citations.precision(answer.citations, case.docs),
            "citation recall": citations.recall(answer.citations, case.docs),
        }
    return found


def _cost(outcome: Outcome) -> dict[str, float | None]:
    if outcome.answer is None:
        return {}
    usage = outcome.answer.usage
    return {
        "model calls": float(usage.model_calls),
        "source calls": float(usage.source_calls),
        "passages": float(len(outcome.answer.evidence)),
        "tokens": float(usage.tokens),
        "USD": usage.usd,
    }
