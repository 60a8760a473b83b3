"""Performs `Read`: the cited reader over the model, else the extractive reader."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import anyio

from rag.errors import BudgetExceeded, ModelError, PromptError
from rag.protocols import Draft, Read
from rag.run.asking import Asking
from rag.run.trace import Trace
from rag.types import Evidence, Turn

__all__ = ["EVIDENCE_TOKENS", "Reading", "extracted"]

EVIDENCE_TOKENS = 3000
"""How much evidence the cited reader is shown, in tokens."""


@dataclass(frozen=True, slots=True)
class Reading:
    """Reads on behalf of one question."""

    asking: Asking | None
    trace: Trace
    turns: tuple[Turn, ...] = ()
    on_token: Callable[[str], None] | None = None

    async def read(self, action: Read) -> tuple[Draft, bool]:
        """The reader's draft, and whether the model was to write it but failed."""
        with self.trace.span(action.style, "read", evidence=len(action.evidence)) as span:
            if self.asking is None:
                return await extracted(action.question, action.evidence), False
            try:
                return await self._cited(action, self.asking), False
            except (ModelError, BudgetExceeded, PromptError) as error:
                span.attributes["fallback"] = str(error)
                draft = await extracted(action.question, action.evidence)
                note = f"the model could not write the answer ({error}): it is extracted from the sources"
                return replace(draft, notes=(*draft.notes, note)), True

    async def _cited(self, action: Read, asking: Asking) -> Draft:
        from rag.read.cited import draft, pack, request
        from rag.tokens import count

        items = pack(action.evidence, EVIDENCE_TOKENS, lambda text: count(text, asking.model.name).tokens)
        prompt = request(action.question, items, self.turns, action.style)
        # A chain of thought between two rounds is not part of the answer.
        completion = await asking.complete(prompt, self.on_token if action.style == "cited" else None)
        return draft(completion.text, items)


async def extracted(question: str, evidence: Evidence) -> Draft:
    """The extractive reader's draft, made in a worker thread: it computes, and would hold up the loop."""
    from rag.read.extractive import extract

    return await anyio.to_thread.run_sync(lambda: extract(question, evidence))
