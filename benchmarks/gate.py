"""The gate on PopQA: how many searches a threshold of popularity saves, and what that costs in right answers.

    python -m benchmarks.gate [--n 40] [--minutes 20] [--base-url URL]

One line of JSON. Each question is answered from memory and from five passages; half of them fit the threshold, and
the other half is measured. `always` looks everything up, `never` nothing, `gated` what the threshold says. An answer
is right where it holds one of the gold answers. A weak model is expected to learn that it always has to look up.
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
from benchmarks.pooled import Question, cache_folder, pool, questions
from planners.direct import Direct
from planners.popularity import Popularity, Trial
from rag.evaluate.measures.answers import holds
from rag.testing import Cassette

_SEED: Final = 7


def trials(assistant: rag.Assistant, sample: Sequence[Question], until: float) -> list[Trial]:
    """Each question answered both ways, as far as time allows."""
    found = []
    for question in sample:
        if time.monotonic() > until:
            break
        right = [
            holds(assistant.ask(question.text, retrieve=retrieve).text, question.metadata["answers"])
            for retrieve in (False, True)
        ]
        found.append(Trial(question.text, *right))
    return found


def measured(table: Popularity, test: Sequence[Trial]) -> dict[str, Any]:
    """Accuracy and the share of searches, gated and not."""
    spared = [bool(table.why(trial.question)) for trial in test]
    gated = [trial.recalled if spare else trial.retrieved for trial, spare in zip(test, spared, strict=True)]
    return {
        "threshold": table.threshold,
        "always": {"accuracy": fmean(trial.retrieved for trial in test), "searches": 1.0},
        "never": {"accuracy": fmean(trial.recalled for trial in test), "searches": 0.0},
        "gated": {"accuracy": fmean(gated), "searches": 1 - fmean(spared)},
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=40)
    parser.add_argument("--minutes", type=float, default=600.0)
    parser.add_argument("--base-url", default="http://127.0.0.1:8101/v1")
    parser.add_argument("--model", default="qwen2.5-coder-1.5b-instruct-q4_k_m")
    options = parser.parse_args()
    until = time.monotonic() + 60 * options.minutes
    every = questions("popqa")
    sample = random.Random(_SEED).sample(every, options.n)
    table = Popularity({question.metadata["subj"]: question.metadata["s_pop"] for question in every})
    real = rag.model(options.model, base_url=options.base_url, api_key="x", timeout=600)
    cassette = Cassette(cache_folder() / "gate_popqa.jsonl", real, mode="record")
    with pool("popqa") as index:
        source = index.source("wiki", about="Wikipedia", k=5)
        tried = trials(rag.Assistant([source], model=cassette, planner=Direct()), sample, until)
    half = len(tried) // 2
    fitted = table.fit(tried[:half])
    # Names that the table has in another form than the question cannot be told, and are looked up.
    known = sum(table.of(trial.question) is not None for trial in tried)
    result = {"fitted_on": half, "measured_on": len(tried) - half, "subjects_known": known, "model": real.name}
    report("gate_popqa", result | measured(fitted, tried[half:]), prompts=["answer", "chat"])


if __name__ == "__main__":
    main()
