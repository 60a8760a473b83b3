"""Whether evidence is enough for a question, part by part: the value that sufficiency checks give."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, TypeAlias

from pydantic import BaseModel, ConfigDict

__all__ = ["Conflict", "Key", "Operator", "Outcome", "Part", "Said", "Verdict"]

Key: TypeAlias = tuple[str, str]
"""What names a passage of the evidence: its source and its chunk, as `EvidenceItem.key`."""

Outcome: TypeAlias = Literal["supported", "refuted", "not enough"]
"""What evidence makes of a claim, or of a question read as one."""

Operator: TypeAlias = Literal[
    "equivalence", "forward_entailment", "reverse_entailment", "negation", "alternation", "independence"
]
"""How a part and the evidence for it stand to each other.

Source: natural logic, MacCartney and Manning, 2009; as AdMIRaL uses it, Aly and Vlachos, 2022, arXiv 2212.05276.
"""


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Part(_Value):
    """A part of a question or claim, the passages that bear it out, and, where it was judged, how they stand to it."""

    text: str
    evidence: tuple[Key, ...] = ()
    operator: Operator | None = None

    @property
    def missing(self) -> bool:
        """Whether nothing in the evidence speaks of this part."""
        return not self.evidence or self.operator == "independence"


class Said(_Value):
    """One side of a conflict: a value, the passage that has it, its source and its date where it tells one."""

    value: str
    evidence: Key
    title: str = ""
    date: str = ""


class Conflict(_Value):
    """Passages that say different things of the same."""

    of: str
    sides: tuple[Said, ...]

    def __str__(self) -> str:
        sides = "; ".join(
            f"{side.value} ({side.title or side.evidence[1]}{f', {side.date}' if side.date else ''})"
            for side in self.sides
        )
        return f"sources differ on {self.of}: {sides}"


class Verdict(_Value):
    """Whether the evidence is enough, and what is missing; `by` names the check that says so.

    `outcome` is of a claim, or of a question read as one; `score` is from 0 (nothing is borne out) to 1.
    """

    outcome: Outcome
    by: str
    score: float = 0.0
    parts: tuple[Part, ...] = ()
    conflicts: tuple[Conflict, ...] = ()

    @property
    def enough(self) -> bool:
        """Whether the evidence decides it, one way or the other."""
        return self.outcome != "not enough"

    @property
    def missing(self) -> tuple[str, ...]:
        """The parts of which nothing in the evidence speaks, in their order."""
        return tuple(part.text for part in self.parts if part.missing)

    def __str__(self) -> str:
        """The verdict and its reasons, a line each.

        Example:
            >>> parts = (Part(text="the director of Alien", evidence=(("films", "alien#0"),)), Part(text="born"))
            >>> print(Verdict(outcome="not enough", by="coverage", score=0.5, parts=parts))
            not enough (coverage, 0.50)
            - the director of Alien: alien#0
            - born: missing
        """
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        yield f"{self.outcome} ({self.by}, {self.score:.2f})"
        for part in self.parts:
            found = "missing" if part.missing else ", ".join(chunk for _, chunk in part.evidence)
            how = f" ({part.operator.replace('_', ' ')})" if part.operator else ""
            yield f"- {part.text}: {found}{how}"
        yield from (f"- {conflict}" for conflict in self.conflicts)
