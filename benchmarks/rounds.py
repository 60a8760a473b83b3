"""Rounds of retrieval with a model: as published, one query with as many passages, and the evidence loop.

    python -m benchmarks.rounds [--set hotpotqa] [--n 60] [--minutes 60] [--base-url URL]

One line of JSON. Every setting reads by the same prompt, so that only the passages differ:

| setting | |
| --- | --- |
| `t1` | one query, k = 5 |
| `t2` | two rounds of Iter-RetGen as published, k = 5 |
| `wide` | one query, k = 10: as many passages as two rounds bring |
| `loop` | the evidence loop, two rounds at most, k = 5 |

The model's exchanges are kept in the user's cache directory: a run that was broken off goes on where it was, and
settings share the calls that they have in common. With `--minutes`, questions are taken until then, and the result
says how many there were. `holds` stands in for a judge: the gold answer stands in the prediction.
"""

from __future__ import annotations

import argparse
import random
import re
import time
from collections.abc import Callable, Mapping, Sequence
from statistics import fmean
from typing import Any, Final

import rag
from benchmarks.common import report
from benchmarks.pooled import Question, cache_folder, pool, questions
from planners.direct import Direct
from planners.evidence_loop import EvidenceLoop
from planners.iter_retgen import IterRetGen
from rag.evaluate.bootstrap import paired
from rag.evaluate.measures.answers import exact_match, f1, holds
from rag.protocols import Message, Model, Planner, Reply
from rag.retrieve import Index
from rag.testing import Cassette
from rag.types import Answer

SETTINGS: Final[Mapping[str, tuple[Callable[[], Planner], int]]] = {
    "t1": (lambda: IterRetGen(Direct(), rounds=1), 5),
    "t2": (lambda: IterRetGen(Direct(), rounds=2), 5),
    "wide": (lambda: IterRetGen(Direct(), rounds=1), 10),
    "loop": (lambda: EvidenceLoop(Direct(), rounds=2, style="chain"), 5),
}
MEASURES: Final = ("answer_recall", "all_gold", "em", "f1", "holds")
_SEED: Final = 7
_ANSWER: Final = re.compile(r".*\banswer is:?\s*(.+)", re.IGNORECASE | re.DOTALL)


class Timed:
    """A model that counts its calls and their seconds: what is played from a recording takes none."""

    def __init__(self, model: Model) -> None:
        self._model, self.name = model, model.name
        self.seconds: list[float] = []

    async def complete(self, messages: Sequence[Message], **options: Any) -> Reply:
        """The model's reply."""
        started = time.perf_counter()
        reply = await self._model.complete(messages, **options)
        self.seconds.append(time.perf_counter() - started)
        return reply

    async def aclose(self) -> None:
        """Close the model."""
        await self._model.aclose()


def predicted(text: str) -> str:
    """The short answer at the end of a chain of thought, less its citations; the whole where there is none.

    Example:
        >>> predicted("It opened in 1890 [1]. So the answer is the Forth Bridge [1].")
        'the Forth Bridge'
    """
    bare = re.sub(r"\s*\[\d+\]", "", text)
    match = _ANSWER.match(bare)
    return (match[1] if match else bare).strip().rstrip(".")


def answers_of(question: Question) -> list[str]:
    """The gold answer, and what else it may be called."""
    return [question.metadata["answer"], *question.metadata.get("aliases", ())]


def measured(question: Question, answer: Answer) -> dict[str, float]:
    """What one answer is worth, and what it cost."""
    gold, said = answers_of(question), predicted(answer.text)
    found = [item.passage for item in answer.evidence.items]
    return {
        "answer_recall": max(holds(f"{passage.title} {passage.text}", gold) for passage in found) if found else 0.0,
        "all_gold": float(question.gold <= {passage.doc_id for passage in found}),
        "em": exact_match(said, gold),
        "f1": f1(said, gold),
        "holds": holds(said, gold),
        "passages": len(found),
        "model_calls": answer.usage.model_calls,
        "tokens": answer.usage.tokens,
        "source_calls": answer.usage.source_calls,
        "stopped": float("enough after round 1" in answer.notes),
    }


def asked(index: Index, model: Model, sample: Sequence[Question], until: float) -> list[dict[str, dict[str, float]]]:
    """What each setting made of each question, as far as time allows."""
    assistants = {
        name: rag.Assistant([index.source("wiki", about="Wikipedia", k=k)], model=model, planner=make())
        for name, (make, k) in SETTINGS.items()
    }
    rows = []
    for question in sample:
        if time.monotonic() > until:
            break
        rows.append({name: measured(question, one.ask(question.text)) for name, one in assistants.items()})
    return rows


def told(rows: Sequence[Mapping[str, Mapping[str, float]]]) -> dict[str, Any]:
    """The means of each setting, and what the loop has over each other one, with its interval."""
    means = {name: {key: round(fmean(row[name][key] for row in rows), 4) for key in rows[0][name]} for name in SETTINGS}
    gains: dict[str, dict[str, list[float]]] = {}
    for other in ("t1", "t2", "wide"):
        gains[f"loop over {other}"] = {}
        for key in MEASURES:
            gain = paired([row["loop"][key] for row in rows], [row[other][key] for row in rows])
            gains[f"loop over {other}"][key] = [round(value, 3) for value in (gain.mean, gain.low, gain.high)]
    return {"settings": means, "gain_low_high": gains}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", default="hotpotqa", choices=("hotpotqa", "musique"))
    parser.add_argument("--n", type=int, default=60)
    parser.add_argument("--minutes", type=float, default=600.0)
    parser.add_argument("--base-url", default="http://127.0.0.1:8101/v1")
    parser.add_argument("--model", default="qwen2.5-coder-1.5b-instruct-q4_k_m")
    options = parser.parse_args()
    until = time.monotonic() + 60 * options.minutes
    sample = random.Random(_SEED).sample(questions(options.set), options.n)
    real = Timed(rag.model(options.model, base_url=options.base_url, api_key="x", timeout=600))
    cassette = Cassette(cache_folder() / f"rounds_{options.set}.jsonl", real, mode="record")
    with pool(options.set) as index:
        rows = asked(index, cassette, sample, until)
    result = {"set": options.set, "questions": len(rows), "of": options.n, "seed": _SEED, "model": real.name}
    live = {"calls_made_now": len(real.seconds), "seconds_a_call": round(fmean(real.seconds or [0.0]), 1)}
    report(f"rounds_{options.set}", result | told(rows) | live, prompts=["chain"])


if __name__ == "__main__":
    main()
