"""Measures of claims: the label that an answer gives, and how it compares."""

from __future__ import annotations

import re
from collections.abc import Iterable
from statistics import fmean
from typing import TYPE_CHECKING, Final

from rag.ingest.sentences import sentences

if TYPE_CHECKING:
    from rag.evaluate.subjects import Outcome

__all__ = ["LABELS", "given_label", "label_of", "macro_f1"]

_WORDS: Final = {
    "supported": "supported supports support supporting true yes entailment correct",
    "refuted": "refuted refutes refute false no contradiction contradicted contradict incorrect",
    "not enough": "not_enough not_enough_info not_enough_information not_enough_evidence nei insufficient"
    " insufficient_evidence insufficient_information not_supported unsupported unproven unknown neutral unverifiable",
}
LABELS: Final = frozenset(_WORDS)
"""The labels that an answer can give."""
_LABELS: Final = {word: label for label, words in _WORDS.items() for word in words.split()}
_ALONE: Final = r"\b(?=\s*(?:[^\w\s-]|[-–]\s|\n|$)|\s+(?:by|because|since|as|it|this|that|the)\b)"
"""After a word that is a label, and not a part of what is told: "Support for students" has none."""
_IS: Final = r"(?:\b(?:is|was|are|as)\s+|:\W*)"
_CLAIM: Final = r"(?:it|this|that|the (?:claim|statement))\b"
_STATED: Final = tuple(
    (label, re.compile(pattern, re.IGNORECASE))
    for label, pattern in (
        (
            "not enough",
            rf"^\W*(?:{'|'.join(_WORDS['not enough'].split())}){_ALONE}"
            r"|\b(?:not|no) enough\b|\b(?:not sufficient|insufficient) (?:evidence|information|data|detail|context)"
            r"|\b(?:can|could)(?:not| not|n['’]t) be (?:determined|verified|confirmed|decided|established|judged)\b"
            r"|\bno (?:evidence|proof)\b|\b(?:unsupported|unverifiable|inconclusive)\b"
            r"|(?:\b(?:not|no|none|nothing|never|neither)|n['’]t)\b[^,;:]{0,40}?\b(?:support|refute|contradict)(?:s|ed)?\b",
        ),
        (
            "refuted",
            rf"^\W*(?:not (?:true|correct)|{'|'.join(_WORDS['refuted'].split())}){_ALONE}"
            rf"|{_IS}(?:not (?:true|correct)|false|refuted|contradicted|incorrect){_ALONE}"
            rf"|n['’]t (?:true|correct){_ALONE}|\b(?:refute|contradict)s? {_CLAIM}",
        ),
        (
            "supported",
            rf"^\W*(?:{'|'.join(_WORDS['supported'].split())}){_ALONE}|{_IS}(?:true|supported|correct){_ALONE}"
            rf"|\bsupports? {_CLAIM}",
        ),
    )
)
"""How a sentence states a label; the first one that fits is it."""
_JUDGES: Final = ("reader", "natlog")
"""The checks that judge the claim; others judge the evidence alone, whether there is enough of it."""


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
    """The label that an answer gives a claim: what its first sentence states, else the verdict on it, else ""."""
    if outcome.answer is None:
        return ""
    if outcome.abstains:
        return "not enough"
    if said := _stated(outcome.text):
        return said
    verdict = outcome.answer.verdict
    return verdict.outcome if verdict and verdict.by in _JUDGES else ""


def macro_f1(pairs: Iterable[tuple[str, str]]) -> float:
    """The mean over the gold labels of the F1 of each, from 0 to 1; pairs are (gold, given).

    Example:
        >>> round(macro_f1([("supported", "supported"), ("supported", "refuted"), ("refuted", "refuted")]), 3)
        0.667
    """
    found = list(pairs)
    return fmean(_f1_of(label, found) for label in sorted({gold for gold, _ in found})) if found else 0.0


def _stated(text: str) -> str:
    start, end = next(iter(sentences(text)), (0, 0))
    sentence = text[start:end]
    return next((label for label, pattern in _STATED if pattern.search(sentence)), "")


def _f1_of(label: str, pairs: list[tuple[str, str]]) -> float:
    both = sum(gold == label == given for gold, given in pairs)
    either = sum((gold == label) + (given == label) for gold, given in pairs)
    return 2 * both / either if either else 0.0
