"""Performs `Read`: the cited reader over the model, else the extractive reader; then checks what was written."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import anyio

from rag.errors import BudgetExceeded, ModelError, PromptError
from rag.protocols import Completion, Draft, Form, Read
from rag.run.asking import Asking
from rag.run.manner import Manner
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
    manner: Manner = field(default_factory=Manner)

    async def read(self, action: Read, looked: Looked) -> Draft:
        """The reader's draft; partial when the model was to write it but failed, or nothing was looked for."""
        with self.tracer.span(action.style, "read", evidence=len(action.evidence)) as span:
            # Without evidence no model is asked to answer: it would make something up.
            if self.asking is None or not (action.evidence or action.style == "chat"):
                return await self._unwritten(action, looked)
            try:
                return await (self._chatted if action.style == "chat" else self._cited)(action, self.asking, span)
            except (ModelError, BudgetExceeded, PromptError) as error:
                return await self._fallen_back(action, looked, span, error)

    async def _unwritten(self, action: Read, looked: Looked) -> Draft:
        if action.style != "chat":
            draft = await extracted(action.question, action.evidence, looked, form=self.manner.form)
            return _noting(draft, ())
        from rag.read.unsourced import smalltalk

        return smalltalk(action.question)

    async def _chatted(self, action: Read, asking: Asking, _: OpenSpan) -> Draft:
        from rag.read.cited import request

        completion = await asking.complete(request(action.question, (), self.turns, "chat"), self.on_token)
        return _marked(Draft(completion.text, notes=("no source was asked",)), completion)

    async def _cited(self, action: Read, asking: Asking, span: OpenSpan) -> Draft:
        from rag.read.citations import TokenFilter
        from rag.read.cited import draft, request

        items = await packed(action.evidence, asking.model.name)
        prompt = request(action.question, items, self.turns, action.style, self.manner.form)
        # A chain of thought between two rounds is not part of the answer: it is neither shown nor checked.
        if action.style == "chain":
            completion = await asking.complete(prompt)
            return _marked(draft(completion.text, items), completion)
        # What may yet be taken out is not shown before it is known to stay.
        dropping = self.manner.unsupported == "drop"
        if self.on_token is None or dropping:
            completion = await asking.complete(prompt)
        else:
            shown, tell = TokenFilter(len(items)), self.on_token
            completion = await asking.complete(prompt, lambda token: tell(shown.feed(token)))
            tell(shown.close())
        written = await self._checked(
            _marked(draft(completion.text, items, self.manner.form), completion), asking, span
        )
        if self.on_token and dropping:
            self.on_token(written.text)
        return _noting(written, _unknown(action))

    async def _checked(self, draft: Draft, asking: Asking, span: OpenSpan) -> Draft:
        """The draft with each citation's sentence checked, as the manner has it."""
        dropping, form = self.manner.unsupported == "drop", self.manner.form
        # A bare "yes" has nothing to check, and yet is not to stay.
        bare = dropping and form in ("yes/no", "claim")
        if self.manner.check is None or not (draft.citations or bare):
            return draft
        from rag.read.support import dropped, marked

        verdicts = await self._told(draft, asking, span) if self.manner.check == "model" else None
        if verdicts is None:
            verdicts = await _by_words(draft)
        span.attributes["unsupported"] = sum(verdict is False for verdict in verdicts)
        return dropped(draft, verdicts, form) if dropping else marked(draft, verdicts)

    async def _told(self, draft: Draft, asking: Asking, span: OpenSpan) -> Sequence[bool | None] | None:
        """What the model says of each sentence; None where it could not be asked or did not say."""
        from rag.read.support import request, told

        try:
            prompt = request(draft)
            return told((await asking.complete(prompt)).text, draft) if prompt else None
        except (ModelError, BudgetExceeded, PromptError) as error:
            span.attributes["unchecked"] = str(error)
            return None

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


async def _by_words(draft: Draft) -> Sequence[bool | None]:
    """The check without a model: words that are the same tell at once, and meaning, which takes a while, the rest."""
    from rag.embed import default_embedder
    from rag.read.support import by_words

    verdicts = by_words(draft)
    if False not in verdicts:
        return verdicts
    return await anyio.to_thread.run_sync(lambda: by_words(draft, default_embedder()), abandon_on_cancel=True)


def _unknown(action: Read) -> tuple[str, ...]:
    from rag.read.absent import unknown_names

    names, _ = unknown_names(action.question, action.evidence.items)
    return tuple(f"the sources say nothing of {name!r}" for name in names)


def _noting(draft: Draft, notes: tuple[str, ...]) -> Draft:
    """The draft with further notes, and with one on each contradiction of a passage that it cites."""
    from rag.read.sufficiency import conflicts

    cited = {(citation.passage.source, citation.passage.chunk_id) for citation in draft.citations}
    found = conflicts(draft.evidence) if cited else ()
    differ = [str(each) for each in found if cited & {side.evidence for side in each.sides}]
    return replace(draft, notes=tuple(dict.fromkeys((*draft.notes, *notes, *differ))))


async def extracted(
    question: str, evidence: Evidence, looked: Looked, *, by_meaning: bool = True, form: Form = "answer"
) -> Draft:
    """The draft made without a model: extracted, or that nothing was found.

    Words alone are quick to compare; comparing by meaning takes a while, and loads a model.
    """
    if evidence:
        from rag.embed import default_embedder
        from rag.read.extractive import extract

        def extraction() -> Draft:
            return extract(question, evidence, embedder=default_embedder() if by_meaning else None, form=form)

        # In a worker thread: it computes, and would hold up the loop. At the deadline nobody waits for it.
        return await anyio.to_thread.run_sync(extraction, abandon_on_cancel=True)
    from rag.read.unsourced import NOTHING_ASKED, nothing_found

    return nothing_found(question, looked.failures) if looked.steps else Draft(NOTHING_ASKED, partial=True)
