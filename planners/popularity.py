"""How well known the things are that a question names: a table of counts, and from which count a model knows them.

Source: WiTQA, Maekawa et al., NAACL 2024, arXiv 2402.13492: large models recall facts of well-known subjects, and
need retrieval for rare ones; the threshold is fitted for each model. The paper counts what is asked of a subject as
well; here the subject alone is counted, so that questions of somebody's own things are told by their words.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

from planners.bridges import names

__all__ = ["Popularity", "Trial"]


# "What is the password of our Paris office?": however well known Paris is, that is known here alone.
_OWN: Final = re.compile(
    r"\b(?:i|my|mine|me|we|our|ours|us|your|yours|orders?|invoices?|offices?|accounts?|customers?|contracts?|deliver\w*"
    r"|passwords?|meetings?|policy|policies|handbook|staff|employees?|colleagues?)\b",
    re.IGNORECASE,
)


class Trial(NamedTuple):
    """A question that was answered both ways, and how right each answer was, from 0 to 1."""

    question: str
    recalled: float
    retrieved: float


@dataclass(frozen=True, slots=True)
class Popularity:
    """Counts of things by name, such as page views or mentions, and the count from which none is looked up.

    Without a threshold everything is looked up, and so is a thing that is not in the table.

    Example:
        >>> known = Popularity({"Paris": 9000, "Herblay": 12}, threshold=500)
        >>> known.why("Who is the mayor of Paris?")
        "'Paris' is well known (9000, from 500 on)"
        >>> known.why("Who is the mayor of Herblay?"), known.why("Who is the mayor of Poissy?")
        ('', '')
    """

    counts: Mapping[str, float] = field(default_factory=dict)
    threshold: float | None = None

    @classmethod
    def from_texts(cls, texts: Iterable[str]) -> Popularity:
        """A table of how many of the texts name each thing."""
        return cls(Counter(name for text in texts for name in names(text)))

    def of(self, question: str) -> tuple[str, float] | None:
        """The least known thing that a question names, and its count; None where one is not in the table."""
        named = names(question)
        if not named or not self.counts.keys() >= set(named):
            return None
        return min(((name, self.counts[name]) for name in named), key=lambda each: each[1])

    def why(self, question: str) -> str:
        """Why a question needs no retrieval; empty where it does."""
        found = None if _OWN.search(question) else self.of(question)
        if found is None or self.threshold is None or found[1] < self.threshold:
            return ""
        return f"{found[0]!r} is well known ({found[1]:g}, from {self.threshold:g} on)"

    def fit(self, trials: Iterable[Trial]) -> Popularity:
        """The table with the threshold by which the trials come out best, and most of them without retrieval.

        Where nothing is gained by recall there is none: retrieval is always the answer for a weak model.
        """
        known = [(found[1], trial.recalled - trial.retrieved) for trial in trials if (found := self.of(trial.question))]
        groups = itertools.groupby(sorted(known, reverse=True), key=lambda each: each[0])
        best, gained, threshold = 0.0, 0.0, None
        for count, group in groups:
            gained += sum(gain for _, gain in group)
            if gained > best or (gained == best and threshold is not None):
                best, threshold = gained, count
        return replace(self, threshold=threshold)
