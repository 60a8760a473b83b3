"""Queries in other words: does it help, on SciFact dev and Cranfield dev?

    python -m benchmarks.reformulate                                        # without a model: RM3, feedback ensemble
    python -m benchmarks.reformulate --model qwen1.5b --base-url http://127.0.0.1:8101/v1 --n 10

Each strategy goes before search by words, by meaning, and both fused; nDCG@10 and recall@100, with the gain over
the query as it is and its 95 % interval. With a model, a seeded sample of SciFact's claims: keyword ensemble (3
of the ten instructions), drafts, parts and step-back, six calls a claim in all, each in one query against
several that are fused where both can be. What the model wrote is kept in the user's cache directory, so that
a second run asks it nothing.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import ir_measures
from ir_measures import R, nDCG

import rag
from benchmarks.adapt import kept
from benchmarks.common import data_dir, jsonl, qrels, report
from benchmarks.pooled import cache_folder, pool
from benchmarks.retrieval import run_of
from rag.evaluate.bootstrap import paired
from rag.evaluate.cassettes import Cassette
from rag.protocols import Model
from rag.retrieve import Index
from rag.retrieve.algebra import Retriever
from rag.retrieve.reformulate import (
    RM3,
    Decompose,
    FeedbackEnsemble,
    KeywordEnsemble,
    Reformulator,
    StepBack,
    Think,
)

SETS = ("cranfield", "scifact")
MEASURES = {"nDCG@10": nDCG @ 10, "recall@100": R @ 100}
PROMPTS = ("expand", "expand_by", "think", "decompose", "stepback")

Strategies = Mapping[str, Reformulator | None]


def without_model() -> Strategies:
    return {
        "none": None,
        "rm3": RM3(),
        "rm3, 10 hits, 10 words, half": RM3(documents=10, terms=10, original=0.5),
        "feedback ensemble, concat": FeedbackEnsemble(),
        "feedback ensemble, fusion": FeedbackEnsemble(mode="fusion"),
    }


def with_model(model: Model) -> Strategies:
    return {
        "none": None,
        "keywords, one instruction": KeywordEnsemble(model, instructions=1),
        "keywords, three, concat": KeywordEnsemble(model, instructions=3),
        "keywords, three, fusion": KeywordEnsemble(model, instructions=3, mode="fusion"),
        "draft, joined": Think(model),
        "draft, apart (HyDE)": Think(model, joined=False),
        "parts, fused": Decompose(model),
        "parts, fused, half": Decompose(model, weight=0.5),
        "step-back, fused": StepBack(model),
    }


def measured(index: Index, strategies: Strategies, queries: Mapping[str, str], gold: Any) -> dict[str, Any]:
    """Each strategy before each way to search."""
    ways = {"lexical": index.lexical(), "dense": index.dense(), "fused": index.lexical() + index.dense()}
    found: dict[str, Any] = {}
    for way, retriever in ways.items():
        before: dict[str, list[float]] = {}
        for name, by in strategies.items():
            started = time.perf_counter()
            values = per_query(by >> retriever if by else retriever, queries, gold)
            before = before or values
            found.setdefault(way, {})[name] = _told(values, before) | {
                "ms_a_query": round(1000 * (time.perf_counter() - started) / len(queries), 1)
            }
    return found


def per_query(retriever: Retriever, queries: Mapping[str, str], gold: Any) -> dict[str, list[float]]:
    run, _ = run_of(retriever, queries)
    return {name: _values(measure, gold, run, queries) for name, measure in MEASURES.items()}


def _values(measure: Any, gold: Any, run: Any, queries: Mapping[str, str]) -> list[float]:
    values = {each.query_id: each.value for each in ir_measures.iter_calc([measure], gold, run)}
    return [values.get(query_id, 0.0) for query_id in queries]


def _told(values: dict[str, list[float]], before: dict[str, list[float]]) -> dict[str, Any]:
    told: dict[str, Any] = {}
    for name, each in values.items():
        gain = paired(each, before[name])
        told[name] = round(sum(each) / len(each), 4)
        if each is not before[name]:
            told[f"{name} gain"] = [round(value, 4) for value in (gain.mean, gain.low, gain.high)]
    return told


def _queries(name: str) -> dict[str, str]:
    return {line["_id"]: line["text"] for line in jsonl(data_dir(name) / "queries.jsonl.gz")}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", help="asks this model, about a sample of SciFact's claims")
    parser.add_argument("--base-url")
    parser.add_argument("--n", type=int, default=10, help="claims of the sample")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    if not options.model:
        for name in SETS:
            with pool(name, kept()) as index:
                queries = _queries(name)
                result = measured(index, without_model(), queries, qrels(data_dir(name)))
            report(f"reformulate_{name}", {"queries": len(queries), **result})
        return
    queries, gold = _queries("scifact"), qrels(data_dir("scifact"))
    sample = dict(random.Random(options.seed).sample(sorted(queries.items()), options.n))
    cassette = _cassette(options)
    with pool("scifact", kept()) as index:
        result = measured(index, with_model(cassette), sample, {name: gold[name] for name in sample})
    report("reformulate_model", {"model": options.model, "queries": len(sample), **result}, prompts=PROMPTS)


def _cassette(options: argparse.Namespace) -> Cassette:
    path: Path = cache_folder() / f"reformulate_{options.model}.jsonl"
    model = rag.model(options.model, base_url=options.base_url, api_key="none", timeout=300)
    return Cassette(path, model, mode="record")


if __name__ == "__main__":
    main()
