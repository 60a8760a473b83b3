"""The evidence ledger: what the rounds of a question found, each passage once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace

from rag.types import Evidence, EvidenceItem

__all__ = ["EvidenceLedger", "best_first"]


@dataclass(frozen=True, slots=True)
class EvidenceLedger:
    """Passages with the round, the step and the query that found them; what each bears out, the verdict tells.

    Of a later round it keeps the best that are new, as many as the first one brought: two rounds cost a
    reader what one query with twice the passages would. What of it fits a prompt is the reader's to say.
    """

    evidence: Evidence
    most: int

    @classmethod
    def of(cls, first: Evidence) -> EvidenceLedger:
        """The ledger after the first round."""
        return cls(first, max(1, len(first)))

    def with_round(self, found: Evidence) -> EvidenceLedger:
        """The ledger after one more round."""
        known = {item.key for item in self.evidence.items}
        new = [item for item in best_first(found.items) if item.key not in known][: self.most]
        return replace(self, evidence=self.evidence.merged(Evidence(items=tuple(new))))


def best_first(items: Iterable[EvidenceItem]) -> list[EvidenceItem]:
    """The best of each step, then the second of each, and so on."""
    steps: dict[tuple[int, str], list[EvidenceItem]] = defaultdict(list)
    for item in items:
        steps[item.round, item.step_id].append(item)
    ranked = [(rank, place, item) for place, own in enumerate(steps.values()) for rank, item in enumerate(own)]
    return [item for _, _, item in sorted(ranked, key=lambda each: each[:2])]
