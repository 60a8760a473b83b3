"""Measures of claims: the label that an answer gives, and how it compares."""

from __future__ import annotations

import re
from collections.abc import Iterable
from statistics import fmean
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from rag.evaluate.subjects import Outcome

__all__ = ["given_label", "label_of", "macro_f1"]

_WORDS: Final = {
    "supported": "supported supports support supporting true yes entailment correct",
    "refuted": "refuted refutes refute false no contradiction contradicted contradict incorrect",
    "not enough": "not_enough_info not_enough_information nei unknown neutral unverifiable",
}
_LABELS: Final = {word: label for label, words in _WORDS.items() for word in words.split()}
_FIRST: Final = re.compile(r"\W*(\w+)")


def label_of(written: str) -> str:
    """The label, whatever a data set calls it; one that is not known stays as it is, in lower case.

    Example:
        >>> label_of("REFUTES"), label_of("Not enough info"), label_of("mixture")
        ('refuted', 'not enough', 'mixture')
    """
    plain = written.casefold().strip()
    known = _LABELS.get(re.sub(r"[\s-]+", "_", plain))
    return known or plain


def given_label(outcome: Outcome) -> str:
    """The label that an answer gives a claim: what its first words say, else its verdict; "" where neither says any."""
    if outcome.answer is None:
        return ""
    if outcome.abstains or outcome.text.casefold().startswith("not enough"):
        return "not enough"
    first = _FIRST.match(outcome.text)
    if first and (said := _LABELS.get(first[1].casefold())):
        return said
    # A verdict may be of the evidence rather than of the claim: whether there is enough of it.
    return outcome.answer.verdict.outcome if outcome.answer.verdict else ""


def macro_f1(pairs: Iterable[tuple[str, str]]) -> float:
    """The mean over the gold labels of the F1 of each, from 0 to 1; pairs are (gold, given).

    Example:
        >>> round(macro_f1([("supported", "supported"), ("supported", "refuted"), ("refuted", "refuted")]), 3)
        0.667
    """
    found = list(pairs)
    return fmean(_f1_of(label, found) for label in sorted({gold for gold, _ in found})) if found else 0.0


def _f1_of(label: str, pairs: list[tuple[str, str]]) -> float:
    both = sum(gold == label == given for gold, given in pairs)
    either = sum((gold == label) + (given == label) for gold, given in pairs)
    return 2 * both / either if either else 0.0
