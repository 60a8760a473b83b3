"""Step back: a question, and the more general one behind it."""

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

__all__ = ["StepBack"]

_TOKENS: Final = 60  # of the general question
_LONGEST: Final = 300  # characters of it


@dataclass(frozen=True, slots=True, repr=False)
class StepBack(Reformulator):
    """The question, and a more general one whose answer helps with it; their hits are fused.

    Args:
        model: what steps back, in one call.
        weight: what the general question counts for, beside the question's 1.
        prompts: a folder whose `stepback.md` goes before ours.

    Raises:
        ConfigError: the weight is not above 0.

    Source: Zheng et al., 2023, arXiv 2310.06117, section 2.
    """

    model: Model
    weight: float = 0.5
    prompts: Path | None = None

    def __post_init__(self) -> None:
        if self.weight <= 0:
            raise ConfigError(f"a weight of {self.weight} cannot work; give a number above 0")

    async def variants(self, query: Query, retriever: Retriever, way: Way) -> Sequence[Variant]:
        """The question and the general one; the question alone when the model gives no other.

        Raises:
            ModelError: the call failed.
            PromptError: the prompt cannot be filled.
        """
        reply = await way.wait(self._asked, {"query": inert(query.text)})
        others = [line for line in _questions(reply)[:1] if line.lower() != query.text.lower()]
        return [Variant(query), *(Variant(replace(query, text=t, words=(), texts=()), self.weight) for t in others)]

    async def _asked(self, values: dict[str, str]) -> str:
        return await asked(self.model, "stepback", values, self.prompts, max_tokens=_TOKENS)

    def __repr__(self) -> str:
        return f"stepback({self.model.name})"


def _questions(reply: str) -> list[str]:
    """The lines that are a short question: small models also talk about the one they were given."""
    return [line for line in lines_of(reply) if line.endswith("?") and len(line) <= _LONGEST]
