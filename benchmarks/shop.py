"""The 30 questions over the example shop: right sources, right steps, right answers.

    python -m benchmarks.shop rules
    python -m benchmarks.shop reaper --model qwen --base-url http://127.0.0.1:8101/v1
    python -m benchmarks.shop reaper --replay

With a model the exchanges are recorded in `tests/cassettes/shop.jsonl`; `--replay` plays them back.
"""

from __future__ import annotations

import argparse
import json
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any

import rag
from benchmarks.common import ROOT, report
from rag.evaluate.cassettes import Cassette

SHOP = ROOT / "examples" / "shop"
QUESTIONS: list[dict[str, Any]] = json.loads((ROOT / "examples" / "shop_questions.json").read_text(encoding="utf-8"))
TODAY = datetime(2026, 11, 20, 12, tzinfo=UTC)
CASSETTE = ROOT / "tests" / "cassettes" / "shop.jsonl"


def assistant(stack: ExitStack, *, planner: str, model: Any = None) -> rag.Assistant:
    """The assistant that the command line makes for the shop."""
    built = stack.enter_context(rag.Index.memory())
    names = ("policies", "products", "reviews")
    built.add(rag.load(*(SHOP / name for name in names)))
    sources = [
        *(built.source(name, collection=name) for name in names),
        rag.sql("orders", f"sqlite:///{SHOP / 'shop.db'}"),
    ]
    return stack.enter_context(rag.Assistant(sources=sources, planner=planner, model=model, clock=lambda: TODAY))


def scored(question: dict[str, Any], answer: rag.Answer) -> dict[str, Any]:
    """Whether the sources, the steps and the answer are those of the table."""
    asked = sorted({step.source for step in answer.plan.steps if not step.if_empty})
    steps = {step.id: step for step in answer.plan.steps}
    waits = {(step.source, steps[needed].source) for step in answer.plan.steps for needed in step.needs}
    text = answer.text.casefold()
    return {
        "id": question["id"],
        "sources": asked == sorted(question["sources"]),
        "depends": waits >= {(later, earlier) for later, earlier in question["depends"]},
        "answer": all(fact.casefold() in text for fact in question["answer"]),
        "asked": asked,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("planner", choices=["rules", "reaper", "direct"])
    parser.add_argument("--model", default="local")
    parser.add_argument("--base-url")
    parser.add_argument("--replay", action="store_true", help="play the recorded exchanges back")
    options = parser.parse_args()
    with ExitStack() as stack:
        model = None
        if options.replay:
            model = Cassette(CASSETTE)
        elif options.base_url:
            model = Cassette(
                CASSETTE, rag.model(options.model, base_url=options.base_url, api_key="any"), mode="record"
            )
        asked = assistant(stack, planner=options.planner, model=model)
        started = time.perf_counter()
        rows = [scored(question, asked.ask(question["question"])) for question in QUESTIONS]
        seconds = time.perf_counter() - started
    share = {key: round(sum(row[key] for row in rows) / len(rows), 3) for key in ("sources", "depends", "answer")}
    missed = {key: [row["id"] for row in rows if not row[key]] for key in share}
    name = f"shop_{options.planner}"
    result = {"questions": len(rows), **share, "missed": missed, "seconds_a_question": round(seconds / len(rows), 2)}
    report(name, result, prompts=("plan", "repair", "answer") if model else ())


if __name__ == "__main__":
    main()
