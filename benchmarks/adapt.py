"""Adapters of the query side: do they help questions that they have not seen, and does the guard refuse the others?

    python -m benchmarks.adapt [metatool | scifact | cranfield]...

MetaTool: questions to one of 199 tools, told by a sentence each. "same" tests 1,000 questions about any tool after
so many pairs; "disjoint" trains on the questions of 100 tools and tests those of the other 99, against all 199,
in three splits, held out by passages as is meant for it, and by questions as is not. SciFact: claims to abstracts,
a fifth of the claims tested, at random or with all abstracts that training had left out. Cranfield is
the control: nothing beats the embedder there, so that the adapter must come out off. Search is by meaning alone.
Vectors are kept in the user's cache directory.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from benchmarks.common import data_dir, jsonl, qrels, report
from benchmarks.pooled import cache_folder, pool
from benchmarks.vectors import Kept
from rag.embed.minilm import MiniLM
from rag.evaluate.bootstrap import paired
from rag.retrieve import Adapter, Index, adapt

Pair = tuple[str, str]
Tested = list[tuple[str, frozenset[str]]]

PAIRS = (100, 400, 1_000, 2_600)
SPLITS = 3
DEPTH = 5


def kept() -> Kept:
    return Kept(MiniLM(), cache_folder() / "vectors.db")


def found(index: Index, tested: Tested) -> dict[str, list[float]]:
    """For each question whether a right document is first, and whether one is among the first five."""
    retriever = index.dense()
    hits = [[hit.passage.doc_id for hit in retriever.search(question, 20)] for question, _ in tested]
    first = [list(dict.fromkeys(names))[:DEPTH] for names in hits]  # a document may have several passages
    return {
        f"recall@{k}": [float(not right.isdisjoint(names[:k])) for names, (_, right) in zip(first, tested, strict=True)]
        for k in (1, 5)
    }


def measured(index: Index, pairs: Sequence[Pair], tested: Tested, **settings: Any) -> dict[str, Any]:
    """Recall before and after, the gain with its interval, what the guard said, and the seconds of training."""
    index.use(None)
    before = found(index, tested)
    started = time.perf_counter()
    adapter = adapt(index, pairs, **settings)
    seconds = time.perf_counter() - started
    index.use(adapter)
    after = found(index, tested)
    index.use(None)
    return {
        "pairs": len(pairs),
        "tested": len(tested),
        **{name: _told(before[name], after[name]) for name in before},
        "guard": _guard(adapter),
        "seconds": round(seconds, 1),
    }


def _told(before: list[float], after: list[float]) -> dict[str, Any]:
    gain = paired(after, before)
    return {
        "before": round(float(np.mean(before)), 4),
        "after": round(float(np.mean(after)), 4),
        "gain": round(gain.mean, 4),
        "interval": [round(gain.low, 4), round(gain.high, 4)],
    }


def _guard(adapter: Adapter) -> dict[str, Any]:
    seen = adapter.held_out
    recalls = {"before": [round(each, 4) for each in seen.before], "after": [round(each, 4) for each in seen.after]}
    return {"on": adapter.on, "steps": adapter.steps, "held_out": seen.by, "recall@1, @5": recalls}


def metatool() -> Iterator[tuple[str, Any]]:
    """The same tools, and disjoint ones."""
    folder = data_dir("metatool")
    told = json.loads((folder / "plugin_des.json").read_text(encoding="utf-8"))
    rows = [(r["query"], r["tools"][0]) for r in jsonl(folder / "routing.jsonl.gz") if len(r["tools"]) == 1]
    with Index.memory(kept()) as index:
        index.add({"doc_id": name, "title": name, "text": about} for name, about in told.items())
        shuffled = [rows[place] for place in np.random.default_rng(0).permutation(len(rows))]
        tested = [(question, frozenset({tool})) for question, tool in shuffled[:1_000]]
        yield "same", [measured(index, shuffled[1_000 : 1_000 + count], tested) for count in PAIRS]
        yield "disjoint", [_disjoint(index, rows, sorted(told), seed) for seed in range(SPLITS)]


def _disjoint(index: Index, rows: Sequence[Pair], tools: Sequence[str], seed: int) -> dict[str, Any]:
    random = np.random.default_rng(seed)
    known = set(random.permutation(tools)[:100].tolist())
    shuffled = [rows[place] for place in random.permutation(len(rows))]
    pairs = [row for row in shuffled if row[1] in known]
    tested = [(question, frozenset({tool})) for question, tool in shuffled if tool not in known][:1_500]
    return {
        "by passages": [measured(index, pairs[:count], tested, held_out="passages") for count in (400, 2_600)],
        "by questions": measured(index, pairs[:400], tested),
    }


def scifact() -> Iterator[tuple[str, Any]]:
    """Claims at random, and claims about abstracts that training has not seen."""
    with pool("scifact", kept()) as index:
        claims = _questions("scifact")
        yield "random", measured(index, *_parted(claims, lambda _, place: place % 5 == 0))
        documents = sorted({name for _, right in claims for name in right})
        out = set(np.random.default_rng(0).permutation(documents)[: len(documents) // 5].tolist())
        pairs, tested = _parted(claims, lambda claim, _: not out.isdisjoint(claim[1]))
        known = {name for _, name in pairs}
        unseen = [claim for claim in tested if known.isdisjoint(claim[1])]
        yield "disjoint", measured(index, pairs, unseen, held_out="passages")
        yield "disjoint, held out by questions", measured(index, pairs, unseen)


def cranfield() -> Iterator[tuple[str, Any]]:
    """The control."""
    with pool("cranfield", kept()) as index:
        for by in ("questions", "passages"):
            pairs, tested = _parted(_questions("cranfield"), lambda _, place: place % 5 == 0)
            yield f"by {by}", measured(index, pairs, tested, held_out=by)


def _questions(name: str) -> Tested:
    """The questions in a random order, each with what is relevant and has a text."""
    folder = data_dir(name)
    gold = qrels(folder)
    right: dict[str, set[str]] = defaultdict(set)
    written = {line["_id"] for line in jsonl(folder / "corpus.jsonl.gz") if line["text"].strip()}
    for line in jsonl(folder / "queries.jsonl.gz"):
        right[line["text"]] |= {doc for doc, grade in gold[line["_id"]].items() if grade > 0} & written
    full = [(text, frozenset(names)) for text, names in right.items() if names]
    return [full[place] for place in np.random.default_rng(0).permutation(len(full))]


def _parted(
    questions: Tested, is_tested: Callable[[tuple[str, frozenset[str]], int], bool]
) -> tuple[list[Pair], Tested]:
    tested = [each for place, each in enumerate(questions) if is_tested(each, place)]
    asked = {question for question, _ in tested}
    return [(text, name) for text, right in questions if text not in asked for name in sorted(right)], tested


SETS: dict[str, Callable[[], Iterator[tuple[str, Any]]]] = {
    "metatool": metatool,
    "scifact": scifact,
    "cranfield": cranfield,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="*", default=list(SETS), help=f"of {', '.join(SETS)}")
    for name in parser.parse_args().sets:
        report(f"adapt_{name}", dict(SETS[name]()))


if __name__ == "__main__":
    main()
