"""Choosing among many sources: MultiHop-RAG, one source per publisher of news.

    python -m benchmarks.routing rules
    python -m benchmarks.routing reaper --n 40 --seed 0 --model qwen --base-url http://127.0.0.1:8101/v1

The publishers of a question's gold passages are the sources that should be asked. Questions without an answer
have none, and are told apart: "null" says how many sources are asked for one of them on average.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

import rag
from benchmarks.common import data_dir, jsonl, report
from planners.rules import named_sources

DATA = "multihop_rag"


def sources(stack: ExitStack) -> list[Any]:
    """One source for each publisher, over one index."""
    index = stack.enter_context(rag.Index.memory())
    facts = list(jsonl(data_dir(DATA) / "corpus.jsonl.gz"))
    index.add(
        {"doc_id": f"{fact['metadata']['source']}/{fact['_id']}", "title": fact["title"], "text": fact["text"]}
        for fact in facts
    )
    publishers = sorted({fact["metadata"]["source"] for fact in facts})
    return [index.source(publisher, collection=publisher) for publisher in publishers]


def questions(n: int | None, seed: int) -> list[dict[str, Any]]:
    """All questions in order, or n of those that have sources, drawn at random."""
    found = list(jsonl(data_dir(DATA) / "queries.jsonl.gz"))
    return found if n is None else random.Random(seed).sample([q for q in found if q["metadata"]["sources"]], n)


def routed(assistant: rag.Assistant, question: dict[str, Any]) -> dict[str, Any]:
    """The sources of one plan beside the gold ones."""
    started = time.perf_counter()
    plan = assistant.plan(question["text"])
    asked = {step.source for step in plan.steps if not step.if_empty}
    gold = set(question["metadata"]["sources"])
    named = set(named_sources(question["text"], [source.card for source in assistant.sources]))
    return {
        "gold": gold,
        "exact": asked == gold,
        "recall": len(asked & gold) / len(gold) if gold else None,
        "asked": len(asked),
        "names_all": bool(gold) and gold <= named,
        "names_none": not named,
        "by_rules": any(note.startswith("planned by rules") for note in plan.notes),
        "seconds": time.perf_counter() - started,
    }


def summary(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The shares over questions with sources, those that name all of them, those that name some or none."""
    with_sources = [row for row in rows if row["gold"]]
    groups = {
        "all": with_sources,
        "names_every_source": [row for row in with_sources if row["names_all"]],
        "names_some": [row for row in with_sources if not row["names_all"] and not row["names_none"]],
        "names_none": [row for row in with_sources if row["names_none"]],
    }
    null = [row for row in rows if not row["gold"]]
    return {
        **{name: _shares(group) for name, group in groups.items() if group},
        "null": {"questions": len(null), "sources_asked": _mean(null, "asked")} if null else None,
        "fell_back_to_rules": sum(row["by_rules"] for row in rows),
        "seconds_a_question": _mean(rows, "seconds"),
    }


def _shares(rows: Sequence[dict[str, Any]]) -> dict[str, float]:
    return {"questions": len(rows), "exact": _mean(rows, "exact"), "recall": _mean(rows, "recall")}


def _mean(rows: Sequence[dict[str, Any]], key: str) -> float:
    return round(sum(row[key] for row in rows) / len(rows), 3)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("planner", choices=["rules", "reaper"])
    parser.add_argument("--n", type=int, help="so many questions, drawn at random; all by default")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--model", default="local")
    parser.add_argument("--base-url", help="an OpenAI-compatible endpoint, for reaper")
    options = parser.parse_args()
    model = rag.model(options.model, base_url=options.base_url, api_key="any") if options.planner == "reaper" else None
    with ExitStack() as stack:
        assistant = rag.Assistant(sources=sources(stack), planner=options.planner, model=model)
        stack.enter_context(assistant)
        rows = [routed(assistant, question) for question in questions(options.n, options.seed)]
    report(f"routing_{options.planner}", summary(rows), prompts=("plan", "repair") if model else ())


if __name__ == "__main__":
    main()
