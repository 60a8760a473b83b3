"""Whether a query that a model writes between two rounds finds what the names in the passages do not.

    python -m benchmarks.followups [--set musique] [--n 30] [--minutes 10] [--base-url URL]

One line of JSON: of the same questions, all gold found by the evidence loop without the model and with it
(`asks=True`), two rounds at most, k = 5. Nothing is read: readings are answered at once with an empty text.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Sequence
from statistics import fmean
from typing import Any, Final

import rag
from benchmarks.common import report
from benchmarks.pooled import SETS, Question, cache_folder, pool, questions
from planners.direct import Direct
from planners.evidence_loop import EvidenceLoop
from rag.card import Schema
from rag.evaluate.bootstrap import paired
from rag.protocols import Message, Model, Reply
from rag.testing import Cassette

_SEED: Final = 7


class OnlyWrites:
    """A model that writes what has a schema, and reads nothing."""

    def __init__(self, model: Model) -> None:
        self._model, self.name = model, model.name
        self.calls = 0

    async def complete(self, messages: Sequence[Message], *, schema: Schema | None = None, **options: Any) -> Reply:
        """The model's reply, or an empty one."""
        if schema is None:
            return Reply("")
        self.calls += 1
        return await self._model.complete(messages, schema=schema, **options)

    async def aclose(self) -> None:
        """Close the model."""
        await self._model.aclose()


def found(assistant: rag.Assistant, question: Question) -> float:
    """Whether all gold is in the evidence of the answer."""
    answer = assistant.ask(question.text)
    return float(question.gold <= {item.passage.doc_id for item in answer.evidence.items})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", default="musique", choices=tuple(SETS))
    parser.add_argument("--n", type=int, default=30)
    parser.add_argument("--minutes", type=float, default=600.0)
    parser.add_argument("--base-url", default="http://127.0.0.1:8101/v1")
    parser.add_argument("--model", default="qwen2.5-coder-1.5b-instruct-q4_k_m")
    options = parser.parse_args()
    until = time.monotonic() + 60 * options.minutes
    sample = random.Random(_SEED).sample([each for each in questions(options.set) if each.gold], options.n)
    real = rag.model(options.model, base_url=options.base_url, api_key="x", timeout=600)
    model = OnlyWrites(Cassette(cache_folder() / f"followups_{options.set}.jsonl", real, mode="record"))
    rows = []
    with pool(options.set) as index:
        assistants = [
            rag.Assistant(
                [index.source("wiki", about="Wikipedia", k=5)], model=model, planner=EvidenceLoop(Direct(), asks=asks)
            )
            for asks in (False, True)
        ]
        for question in sample:
            if time.monotonic() > until:
                break
            rows.append([found(assistant, question) for assistant in assistants])
    without, with_it = zip(*rows, strict=True)
    gain = paired(with_it, without)
    result = {"questions": len(rows), "seed": _SEED, "model": real.name, "calls": model.calls}
    result |= {"without": fmean(without), "asks": fmean(with_it), "gain_low_high": [gain.mean, gain.low, gain.high]}
    report(f"followups_{options.set}", result, prompts=["followup"])


if __name__ == "__main__":
    main()
