"""Performs `Read`: the cited reader over the model, else the extractive reader."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import anyio

from rag.errors import BudgetExceeded, ModelError, PromptError
from rag.protocols import Completion, Draft, Read
from rag.run.asking import Asking
from rag.run.packing import packed
from rag.run.tracing import OpenSpan, Tracer
from rag.types import Evidence, Turn

__all__ = ["Looked", "Reading", "extracted"]


@dataclass(frozen=True, slots=True)
class Looked:
    """Where evidence was looked for before a reading: how many steps there were, and which failed, why."""

    steps: int = 0
    failures: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reading:
    """Reads on behalf of one question."""

    asking: Asking | None
    tracer: Tracer
    turns: tuple[Turn, ...] = ()
    on_token: Callable[[str], None] | None = None

    async def read(self, action: Read, looked: Looked) -> Draft:
        """The reader's draft; partial when the model was to write it but failed, or nothing was looked for."""
        with self.tracer.span(action.style, "read", evidence=len(action.evidence)) as span:
            # Without evidence no model is asked to answer: it would make something up.
            if self.asking is None or not (action.evidence or action.style == "chat"):
                return await self._unwritten(action, looked)
            try:
                return await (self._chatted if action.style == "chat" else self._cited)(action, self.asking)
            except (ModelError, BudgetExceeded, PromptError) as error:
                return await self._fallen_back(action, looked, span, error)

    async def _unwritten(self, action: Read, looked: Looked) -> Draft:
        if action.style != "chat":
            return await extracted(action.question, action.evidence, looked)
        from rag.read.unsourced import smalltalk

        return smalltalk(action.question)

    async def _chatted(self, action: Read, asking: Asking) -> Draft:
        from rag.read.cited import request

        completion = await asking.complete(request(action.question, (), self.turns, "chat"), self.on_token)
        return _marked(Draft(completion.text, notes=("no source was asked",)), completion)

    async def _cited(self, action: Read, asking: Asking) -> Draft:
        from rag.read.citations import TokenFilter
        from rag.read.cited import draft, request

        items = await packed(action.evidence, asking.model.name)
        prompt = request(action.question, items, self.turns, action.style)
        # A chain of thought between two rounds is not part of the answer, and is not shown.
        if self.on_token is None or action.style == "chain":
            completion = await asking.complete(prompt)
            return _marked(draft(completion.text, items), completion)
        shown, tell = TokenFilter(len(items)), self.on_token
        completion = await asking.complete(prompt, lambda token: tell(shown.feed(token)))
        tell(shown.close())
        return _marked(draft(completion.text, items), completion)

    async def _fallen_back(self, action: Read, looked: Looked, span: OpenSpan, error: Exception) -> Draft:
        span.attributes["fallback"] = str(error)
        draft = await self._unwritten(action, looked)
        instead = ": it is extracted from the sources" if action.evidence else ""
        note = f"the model could not write the answer ({error}){instead}"
        return replace(draft, notes=(*draft.notes, note), partial=True)


def _marked(draft: Draft, completion: Completion) -> Draft:
    """The draft, partial where the model's reply was cut short."""
    if completion.finish != "length":
        return draft
    notes = (*draft.notes, f"the answer was cut at {completion.tokens} tokens")
    return replace(draft, notes=notes, partial=True)


async def extracted(question: str, evidence: Evidence, looked: Looked, *, by_meaning: bool = True) -> Draft:
    """The draft made without a model: extracted, or that nothing was found.

    Words alone are quick to compare; comparing by meaning takes a while, and loads a model.
    """
    if evidence:
        from rag.embed import default_embedder
        from rag.read.extractive import extract

        def extraction() -> Draft:
            return extract(question, evidence, embedder=default_embedder() if by_meaning else None)

        # In a worker thread: it computes, and would hold up the loop. At the deadline nobody waits for it.
        return await anyio.to_thread.run_sync(extraction, abandon_on_cancel=True)
    from rag.read.unsourced import NOTHING_ASKED, nothing_found

    return nothing_found(question, looked.failures) if looked.steps else Draft(NOTHING_ASKED, partial=True)
