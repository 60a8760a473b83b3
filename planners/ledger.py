"""The evidence ledger: what the rounds of a question found, each passage once."""

from __future__ import annotations

from dataclasses import dataclass, replace

from rag.types import Evidence

__all__ = ["EvidenceLedger"]


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
        new = [item for item in found.best_first().items if item.key not in known][: self.most]
        return replace(self, evidence=self.evidence.merged(Evidence(items=tuple(new))))
