"""Decomposition: a question and the simpler ones that it is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from prompts.inert import inert
from rag.errors import ConfigError
from rag.protocols import Model
from rag.retrieve.algebra import Query, Retriever
from rag.retrieve.reformulate.asked import asked, lines_of
from rag.retrieve.reformulate.seam import Reformulator, Variant
from rag.retrieve.way import Way

__all__ = ["Decompose"]

_TOKENS: Final = 120  # of all parts
_LONGEST: Final = 300  # characters of a part


@dataclass(frozen=True, slots=True, repr=False)
class Decompose(Reformulator):
    """The question, and the sub-questions that a model takes it apart into; their hits are fused.

    Parts that need the answer of another part are for planners, which fill it in: here all are asked at once.

    Args:
        model: what takes the question apart, in one call.
        most: sub-questions at most.
        weight: what all sub-questions together count for, beside the question's 1.
        prompts: a folder whose `decompose.md` goes before ours.

    Raises:
        ConfigError: a number is not above 0.

    Source: Press et al., 2022, arXiv 2210.03350, section 3 (sub-questions), without its loop.
    """

    model: Model
    most: int = 4
    weight: float = 1.0
    prompts: Path | None = None

    def __post_init__(self) -> None:
        if self.most < 1 or self.weight <= 0:
            raise ConfigError(f"most={self.most} with weight={self.weight} cannot work; give numbers above 0")

    async def variants(self, query: Query, retriever: Retriever, way: Way) -> Sequence[Variant]:
        """The question and its parts; the question alone when it has none.

        Raises:
            ModelError: the call failed.
            PromptError: the prompt cannot be filled.
        """
        values = {"query": inert(query.text), "most": str(self.most)}
        reply = await way.wait(self._asked, values)
        parts = [line[:_LONGEST] for line in dict.fromkeys(lines_of(reply)) if line.lower() != query.text.lower()]
        asked_for = [replace(query, text=part, words=(), texts=()) for part in parts[: self.most]]
        if len(asked_for) < 2:  # one part would be the question again
            return [Variant(query)]
        return [Variant(query), *(Variant(part, self.weight / len(asked_for)) for part in asked_for)]

    async def _asked(self, values: dict[str, str]) -> str:
        return await asked(self.model, "decompose", values, self.prompts, max_tokens=_TOKENS)

    def __repr__(self) -> str:
        return f"decompose({self.model.name})"
