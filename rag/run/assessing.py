"""Performs `Assess`: whether the evidence is enough, by the check that is asked for."""

from __future__ import annotations

from dataclasses import dataclass

import anyio

from rag.errors import BudgetExceeded, ConfigError, ModelError, PromptError
from rag.protocols import Assess
from rag.run.asking import Asking
from rag.run.packing import packed
from rag.run.tracing import OpenSpan, Tracer
from rag.verdict import Verdict

__all__ = ["Assessing"]

_CHECKS = ("coverage", "natlog", "threshold")


@dataclass(frozen=True, slots=True)
class Assessing:
    """Checks evidence on behalf of one question."""

    asking: Asking | None
    tracer: Tracer

    async def assess(self, action: Assess) -> Verdict:
        """The verdict; "natlog" becomes "coverage" without a model, or where the model brought none.

        Raises:
            ConfigError: there is no check of that name.
            ModelError: the embedder failed.
        """
        if action.by not in _CHECKS:
            raise ConfigError(f"there is no check of evidence named {action.by!r}; there are: {', '.join(_CHECKS)}")
        with self.tracer.span(action.by, "assess", evidence=len(action.evidence)) as span:
            verdict = await self._judged(action, span) if action.by == "natlog" else None
            if verdict is None:
                # In a worker thread: it computes, and would hold up the loop. At the deadline nobody waits for it.
                verdict = await anyio.to_thread.run_sync(_computed, action, abandon_on_cancel=True)
            span.attributes |= {"by": verdict.by, "outcome": verdict.outcome, "score": round(verdict.score, 3)}
        return verdict

    async def _judged(self, action: Assess, span: OpenSpan) -> Verdict | None:
        """The verdict of a model's proof, if there is a model and it wrote one."""
        if self.asking is None or not action.evidence:
            return None
        from rag.read.sufficiency.judged import request, verdict

        items = await packed(action.evidence, self.asking.model.name)
        try:
            completion = await self.asking.complete(request(action.question, items))
        except (ModelError, BudgetExceeded, PromptError) as error:
            span.attributes["fallback"] = str(error)
            return None
        if (judged := verdict(completion.text, action.question, items)) is None:
            span.attributes["fallback"] = "the model wrote no proof"
        return judged


def _computed(action: Assess) -> Verdict:
    from rag.embed import default_embedder
    from rag.read.sufficiency import conflicts, coverage, threshold

    if action.by == "threshold":
        return threshold(action.question, action.evidence, default_embedder())
    verdict = coverage(action.question, action.evidence)
    return verdict.model_copy(update={"conflicts": conflicts(action.evidence)})
