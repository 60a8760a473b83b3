"""Retrieval on SciFact dev and HotpotQA dev: words alone, meaning alone, and both fused.

    python -m benchmarks.retrieval [--index FOLDER]

One line of JSON a set. Passages stand for their documents, so a document counts where its first
passage does. `rank_fusion` is what is usual (reciprocal ranks, k = 60), for comparison. With
`--index` the indexes are kept, and a second run embeds nothing.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import fmean
from typing import Any

import ir_measures
from ir_measures import R, nDCG

from benchmarks.common import data_dir, documents, jsonl, qrels, report
from rag.embed.minilm import MiniLM
from rag.retrieve import Index, Retriever

SETS = {"scifact_dev": "scifact", "hotpotqa_dev": "hotpotqa_500"}
SYSTEMS: dict[str, Callable[[Index], Retriever]] = {
    "lexical": Index.lexical,
    "dense": Index.dense,
    "fused": lambda index: index.lexical() + index.dense(),
}
DEPTH = 100


def run_of(retriever: Retriever, queries: Mapping[str, str]) -> tuple[dict[str, dict[str, float]], float]:
    """Scores by query and document, and the milliseconds of one query."""
    run: dict[str, dict[str, float]] = {}
    started = time.perf_counter()
    for query_id, text in queries.items():
        best = run[query_id] = {}
        for hit in retriever.search(text, DEPTH):
            best.setdefault(hit.passage.doc_id, hit.score)
    return run, 1000 * (time.perf_counter() - started) / len(queries)


def rank_fusion(*runs: dict[str, dict[str, float]], k: int = 60) -> dict[str, dict[str, float]]:
    """Reciprocal ranks of several runs, summed (Cormack et al., 2009)."""
    fused: dict[str, dict[str, float]] = {}
    for run in runs:
        for query_id, scores in run.items():
            best = fused.setdefault(query_id, {})
            for rank, doc_id in enumerate(sorted(scores, key=lambda name: (-scores[name], name)), 1):
                best[doc_id] = best.get(doc_id, 0.0) + 1 / (k + rank)
    return fused


def measured(run: dict[str, dict[str, float]], gold: dict[str, dict[str, int]]) -> dict[str, float]:
    found = ir_measures.calc_aggregate([nDCG @ 10, R @ 5], gold, run)
    values = {str(measure): value for measure, value in found.items()}
    return {
        "nDCG@10": round(values["nDCG@10"], 4),
        "recall@5": round(values["R@5"], 4),
        "all-gold@5": round(all_gold(run, gold, 5), 4),
        "all-gold@10": round(all_gold(run, gold, 10), 4),
    }


def all_gold(run: dict[str, dict[str, float]], gold: dict[str, dict[str, int]], k: int) -> float:
    """The share of questions whose relevant documents are all among the first `k`."""
    first = {name: sorted(found, key=lambda doc_id: (-found[doc_id], doc_id))[:k] for name, found in run.items()}
    return fmean({d for d, relevance in wanted.items() if relevance} <= set(first[n]) for n, wanted in gold.items())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--index", type=Path, help="where the indexes are kept; without it they are thrown away")
    parser.add_argument("sets", nargs="*", default=list(SETS), help=f"of {', '.join(SETS)}")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for name in options.sets:
            data = data_dir(SETS[name])
            queries = {line["_id"]: line["text"] for line in jsonl(data / "queries.jsonl.gz")}
            place, gold, runs = (options.index or Path(folder)) / name, qrels(data), {}
            with Index.open(place) as index:
                index.add(documents(data))
                result: dict[str, Any] = {"questions": len(queries), "documents": len(index)}
            for system, retriever in SYSTEMS.items():
                # Each with an embedder of its own, which remembers no question of the one before.
                with Index.open(place, embedder=MiniLM()) as index:
                    index.search("warm up")
                    runs[system], milliseconds = run_of(retriever(index), queries)
                result[system] = measured(runs[system], gold) | {"ms_a_question": round(milliseconds, 1)}
            result["rank_fusion"] = measured(rank_fusion(runs["lexical"], runs["dense"]), gold)
            report(f"retrieval_{name}", result)


if __name__ == "__main__":
    main()
