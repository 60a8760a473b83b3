"""Judged accuracy: a model says whether a prediction implies the gold answer."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from prompts.inert import on_one_line
from rag.card import Schema
from rag.errors import BadModelOutput
from rag.models.prices import Prices
from rag.protocols import Complete, Model
from rag.run.asking import Asking
from rag.run.budget import Ledger
from rag.run.tracing import Tracer
from rag.types import Budget, Usage

__all__ = ["Judge"]

_SCHEMA: Final[Schema] = {
    "type": "object",
    "properties": {"implied": {"type": "boolean"}},
    "required": ["implied"],
    "additionalProperties": False,
}
_FOUND: Final = re.compile(r'"implied"\s*:\s*(true|false)')
_LONGEST: Final = 4000  # characters of an answer


class Judge:
    """Asks a model the prompt `judge`; what that costs is no part of what the answers cost.

    Source: Shao et al., 2023, Iter-RetGen, section 4.3 (accuracy as judged by a model).
    """

    def __init__(self, model: Model, prompts: Path | None = None, prices: Prices | None = None) -> None:
        self.model = model
        self.prompt = ""
        self._prompts = prompts
        self._ledger = Ledger(Budget(), prices)

    @property
    def usage(self) -> Usage:
        """What the judgements have cost so far."""
        return self._ledger.usage

    async def implies(self, question: str, answers: Sequence[str], prediction: str) -> float:
        """1 where the prediction implies one of the answers, else 0.

        Raises:
            ModelError: the model failed, or wrote no verdict.
        """
        asking = Asking(self.model, self._ledger, Tracer(), self._prompts)
        values = {
            "question": on_one_line(question, _LONGEST),
            "answer": " / ".join(on_one_line(answer, _LONGEST) for answer in answers),
            "prediction": on_one_line(prediction, _LONGEST) or "(nothing)",
        }
        completion = await asking.complete(Complete("judge", values, schema=_SCHEMA, max_tokens=20))
        self.prompt = completion.prompt_id
        if (found := _FOUND.search(completion.text)) is None:
            told = json.dumps(completion.text[:80])
            raise BadModelOutput(f"the judge {self.model.name} wrote no verdict: {told}", raw=completion.text)
        return float(found[1] == "true")
