"""Sufficiency and abstention without a model, on Feverous dev, HotpotQA dev and MultiHop-RAG dev.

    python -m benchmarks.claims [--index FOLDER] [--n 100] [--k 10]

Feverous: a seeded sample of claims. For each, what the check says of the evidence that one query finds, against
whether all gold sentences are in it; and the verdict on the gold sentences themselves and on as many others.
HotpotQA: the same for questions, with the first five passages. How well each check ranks is told as the area
under the curve of risk over coverage (lower is better; `best` is what no check can beat, `chance` what one gets
that knows nothing) and as the area under the ROC curve; `threshold` is the cosine of the nearest passage.
MultiHop-RAG: how often the reader without a model, by words alone, says that what is asked is not in the sources,
of questions that have no answer and of those that have one; HotpotQA's all have one.
"""

from __future__ import annotations

import argparse
import random
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from benchmarks.common import data_dir, jsonl, qrels, report
from rag.embed import default_embedder
from rag.read.extractive import extract
from rag.read.sufficiency import coverage, threshold
from rag.retrieve import Index
from rag.types import Evidence, EvidenceItem, Passage

Scored = Sequence[tuple[float, bool]]


def evidence_of(passages: Sequence[Passage]) -> Evidence:
    return Evidence(items=tuple(EvidenceItem(passage=each, step_id="s1") for each in passages))


def risk_over_coverage(scored: Scored) -> float:
    """The mean, over how many of the surest are taken, of the share of them that is wrong."""
    ranked = sorted(scored, key=lambda pair: -pair[0])
    wrong, risks = 0, []
    for taken, (_, right) in enumerate(ranked, 1):
        wrong += not right
        risks.append(wrong / taken)
    return fmean(risks)


def roc(scored: Scored) -> float:
    right, wrong = [s for s, y in scored if y], [s for s, y in scored if not y]
    if not right or not wrong:
        return float("nan")
    return fmean((one > other) + 0.5 * (one == other) for one in right for other in wrong)


def compared(texts: Sequence[str], found: Sequence[Evidence], complete: Sequence[bool]) -> dict[str, Any]:
    """Each check's ranking of evidence by whether all that is needed is in it."""
    verdicts = [coverage(text, evidence) for text, evidence in zip(texts, found, strict=True)]
    near = [threshold(text, evidence, default_embedder()) for text, evidence in zip(texts, found, strict=True)]
    enough = [right for verdict, right in zip(verdicts, complete, strict=True) if verdict.enough]
    not_enough = [right for verdict, right in zip(verdicts, complete, strict=True) if not verdict.enough]
    perfect = [(float(right), right) for right in complete]
    result: dict[str, Any] = {"n": len(texts), "all gold in": round(fmean(complete), 3)}
    for name, found_by in (("coverage", verdicts), ("threshold", near)):
        scored = [(verdict.score, right) for verdict, right in zip(found_by, complete, strict=True)]
        result[name] = {"risk_over_coverage": round(risk_over_coverage(scored), 4), "roc": round(roc(scored), 3)}
    result["risk_over_coverage"] = {
        "best": round(risk_over_coverage(perfect), 4),
        "chance": round(1 - fmean(complete), 4),
    }
    result["coverage says enough"] = {"share": round(len(enough) / len(texts), 3), "all gold in": _mean(enough)}
    result["coverage says not enough"] = {
        "share": round(len(not_enough) / len(texts), 3),
        "all gold in": _mean(not_enough),
    }
    return result


def _mean(values: Sequence[bool]) -> float | None:
    return round(fmean(values), 3) if values else None


class Set:
    """A data set with its index."""

    def __init__(self, name: str, place: Path) -> None:
        folder = data_dir(name)
        self.queries = sorted(
            (line["_id"], line["text"], line["metadata"]) for line in jsonl(folder / "queries.jsonl.gz")
        )
        self.gold = {query_id: {d for d, r in found.items() if r} for query_id, found in qrels(folder).items()}
        lines = [
            {
                "doc_id": line["_id"],
                "title": line["title"],
                "text": line["text"],
                "metadata": line.get("metadata") or {},
            }
            for line in jsonl(folder / "corpus.jsonl.gz")
        ]
        self.passages = {line["doc_id"]: Passage(chunk_id=f"{line['doc_id']}#0", **line) for line in lines}
        self.index = Index.open(place / f"ix_{name}")
        self.index.add(lines)

    def found(self, text: str, k: int) -> list[Passage]:
        """The passages that one query finds."""
        return [hit.passage for hit in self.index.search(text, k)]

    def has_all(self, query_id: str, found: Sequence[Passage]) -> bool:
        """Whether all gold passages are among those."""
        return self.gold[query_id] <= {each.doc_id for each in found}


def questions(data: Set, k: int, n: int | None = None) -> dict[str, Any]:
    asked = [each for each in data.queries if data.gold.get(each[0])]
    asked = asked if n is None else random.Random(5).sample(asked, n)
    found = [data.found(text, k) for _, text, _ in asked]
    complete = [data.has_all(query_id, each) for (query_id, _, _), each in zip(asked, found, strict=True)]
    return compared([text for _, text, _ in asked], [evidence_of(each) for each in found], complete)


def verdicts(data: Set, n: int) -> dict[str, Any]:
    """The verdict on claims from their gold sentences, and from as many that one query finds beside them."""
    asked = random.Random(5).sample([each for each in data.queries if data.gold.get(each[0])], n)
    result: dict[str, Any] = {}
    for label in ("supports", "refutes"):
        some = [(query_id, text) for query_id, text, told in asked if told["label"] == label]
        with_gold, without = [], []
        for query_id, text in some:
            gold = data.gold[query_id]
            others = [each for each in data.found(text, 20) if each.doc_id not in gold][: len(gold)]
            with_gold.append(coverage(text, evidence_of([data.passages[each] for each in sorted(gold)])).enough)
            without.append(coverage(text, evidence_of(others)).enough)
        result[label] = {"n": len(some), "enough with gold": _mean(with_gold), "enough without": _mean(without)}
    return result


def abstentions(data: Set, k: int) -> dict[str, Any]:
    """How often the reader says that what is asked is not in the sources, by the kind of question."""
    said: dict[str, list[bool]] = {}
    for query_id, text, told in data.queries:
        found = data.found(text, k)
        kind = told.get("question_type") or told.get("type") or ""
        abstains = not extract(text, evidence_of(found)).citations
        said.setdefault(kind, []).append(abstains)
        if data.gold.get(query_id) and data.has_all(query_id, found):
            said.setdefault(f"{kind}, all gold in", []).append(abstains)
    return {kind: {"n": len(each), "says not in the sources": _mean(each)} for kind, each in sorted(said.items())}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--index", type=Path, help="where the indexes are kept; without it, they are thrown away")
    parser.add_argument("--n", type=int, default=100, help="claims of the sample")
    parser.add_argument("--k", type=int, default=10, help="passages of one query")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        place = options.index or Path(folder)
        feverous, hotpotqa, multihop = (Set(name, place) for name in ("feverous_dev", "hotpotqa_500", "multihop_rag"))
        report(
            "claims",
            {
                "feverous_dev": questions(feverous, options.k, options.n),
                "feverous_dev_verdicts": verdicts(feverous, options.n),
                "hotpotqa_dev": questions(hotpotqa, 5),
                "multihop_rag_dev_abstention": abstentions(multihop, options.k),
                "hotpotqa_dev_abstention": abstentions(hotpotqa, options.k),
            },
        )


if __name__ == "__main__":
    main()
