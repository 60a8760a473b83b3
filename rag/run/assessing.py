"""Performs `Assess`: whether the evidence is enough, by the check that is asked for."""

from __future__ import annotations

from dataclasses import dataclass

import anyio

from rag.errors import ConfigError
from rag.protocols import Assess
from rag.run.tracing import Tracer
from rag.verdict import Verdict

__all__ = ["Assessing"]


@dataclass(frozen=True, slots=True)
class Assessing:
    """Checks evidence on behalf of one question."""

    tracer: Tracer

    async def assess(self, action: Assess) -> Verdict:
        """The verdict.

        Raises:
            ConfigError: there is no check of that name.
            ModelError: the embedder failed.
        """
        with self.tracer.span(action.by, "assess", evidence=len(action.evidence)) as span:
            # In a worker thread: it computes, and would hold up the loop. At the deadline nobody waits for it.
            verdict = await anyio.to_thread.run_sync(lambda: _computed(action), abandon_on_cancel=True)
            span.attributes |= {"by": verdict.by, "outcome": verdict.outcome, "score": round(verdict.score, 3)}
        return verdict


def _computed(action: Assess) -> Verdict:
    from rag.embed import default_embedder
    from rag.read.sufficiency import coverage, threshold

    match action.by:
        case "coverage":
            return coverage(action.question, action.evidence)
        case "threshold":
            return threshold(action.question, action.evidence, default_embedder())
    raise ConfigError(f"there is no check of evidence named {action.by!r}; there are: coverage, threshold")
