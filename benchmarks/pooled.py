"""Public sets of questions over one pool of passages: their questions, what is gold, and an index of the pool.

The index lies in the user's cache directory, so that the passages are embedded once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks.common import data_dir, documents, jsonl, qrels
from rag.protocols import Embedder
from rag.retrieve import Index
from rag.settings import Settings

__all__ = ["SETS", "Question", "cache_folder", "gold_rank", "pool", "questions"]

SETS: Final = {
    "hotpotqa": "hotpotqa_500",
    "2wiki": "2wikimultihopqa_101",
    "musique": "musique_train100",
    "ircot": "ircot_step_annotations",
    "popqa": "popqa_1000",
    "multihop_rag": "multihop_rag",
    "scifact": "scifact",
    "cranfield": "cranfield",
}
"""The folder of each set."""


@dataclass(frozen=True, slots=True)
class Question:
    """A question, the documents that answer it, and what else its set tells of it."""

    id: str
    text: str
    gold: frozenset[str]
    metadata: Mapping[str, Any]


def cache_folder() -> Path:
    """Where what is dear to compute is kept from one run to the next."""
    folder = Settings.load().cache_dir / "benchmarks"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def questions(name: str) -> list[Question]:
    """The questions of a set, in their order."""
    folder = data_dir(SETS[name])
    gold = qrels(folder)
    return [
        Question(
            line["_id"],
            line["text"],
            frozenset(doc_id for doc_id, relevance in gold.get(line["_id"], {}).items() if relevance),
            line.get("metadata", {}),
        )
        for line in jsonl(folder / "queries.jsonl.gz")
    ]


def pool(name: str, embedder: Embedder | None = None) -> Index:
    """The index of a set's passages; the first time, they are embedded."""
    index = Index.open(cache_folder() / "pools" / name, embedder=embedder)
    index.add(documents(data_dir(SETS[name])))
    return index


def gold_rank(gold: frozenset[str], found: Sequence[str]) -> int | None:
    """From 1, the rank by which all gold is in; None where some is not found.

    Example:
        >>> gold_rank(frozenset({"a", "b"}), ["a", "c", "b"])
        3
    """
    ranks = {doc_id: rank for rank, doc_id in reversed(list(enumerate(found, 1)))}
    return max((ranks[doc_id] for doc_id in gold), default=1) if gold <= ranks.keys() else None
