"""What a memory recalls of LoCoMo, PersonaBench and Zyphra's questions of time and content, all dev parts.

    python -m benchmarks.memory_recall [locomo] [personabench] [zyphra] [--store FOLDER]

Each asks the real `Memory.recall`, without a model. Vectors are kept in the store's files, so that a second
run embeds nothing. `session any@5`: one of the first five sessions, in the order of their best turns, has
evidence. `clean` leaves out the questions whose labels an audit found wrong.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from statistics import fmean, quantiles
from typing import Any

from benchmarks.common import data_dir, jsonl, qrels, report
from benchmarks.memory_time import recall_and_f2, said
from rag import Memory, Scope, Turn
from rag.memory.recalled import Recall
from rag.settings import Settings

CATEGORIES = {1: "multi-hop", 2: "temporal", 3: "open-domain", 4: "single-hop", 5: "adversarial"}
MEASURES = ("session any@5", "turn any@5", "turn any@10", "all evidence@10")
DEPTH = 60
Records = dict[str, list[dict[str, float]]]


def means(records: Records) -> dict[str, dict[str, float]]:
    """The mean of each measure, and the number of questions, by group."""
    return {
        group: {name: round(fmean(record[name] for record in of), 4) for name in of[0]} | {"questions": len(of)}
        for group, of in records.items()
        if of
    }


class Clock:
    """Times calls."""

    def __init__(self) -> None:
        self.took: list[float] = []

    def timed(self, call: Callable[[], Recall]) -> Recall:
        """What the call brings."""
        started = time.perf_counter()
        found = call()
        self.took.append(1000 * (time.perf_counter() - started))
        return found

    @property
    def told(self) -> dict[str, float]:
        """Milliseconds a question."""
        marks = quantiles(self.took, n=20)
        return {"p50_ms": round(marks[9], 1), "p95_ms": round(marks[18], 1)}


def locomo(memory: Memory) -> dict[str, Any]:
    """Sessions and turns found, by category."""
    folder = data_dir("locomo")
    corpus = list(jsonl(folder / "corpus.jsonl.gz"))
    ends = added(memory, map(locomo_turn, corpus))
    gold = qrels(folder)
    disputed = {error["_id"] for error in json.loads((folder / "audit_errors.json").read_text(encoding="utf-8"))}
    records: Records = defaultdict(list)
    windows: Records = defaultdict(list)
    clock = Clock()
    for query in jsonl(folder / "queries.jsonl.gz"):
        conversation, category = query["metadata"]["conversation"], query["metadata"]["category"]
        recall = clock.timed(partial(memory.recall, query["text"], conversation, now=ends[conversation], k=DEPTH))
        windows["all"].append({"windows": float(recall.window is not None)})
        if wanted := set(gold.get(query["_id"], ())):
            record = locomo_record(recall, wanted)
            records["all"].append(record)
            records[CATEGORIES[category]].append(record)
            if query["_id"] not in disputed:
                records["clean"].append(record)
    return {"recall": means(records), "windows": means(windows)["all"], "time": clock.told}


def locomo_turn(line: Mapping[str, Any]) -> tuple[str, Turn]:
    told = line["metadata"]
    at = datetime.strptime(told["session_time"], "%I:%M %p on %d %B, %Y").replace(tzinfo=UTC)
    at += timedelta(seconds=10 * int(told["dia_id"].partition(":")[2]))
    text = line["text"].partition(": ")[2]
    return told["conversation"], Turn(
        turn_id=line["_id"], speaker=told["speaker"], text=text, at=at, session=str(told["session"])
    )


def locomo_record(recall: Recall, wanted: set[str]) -> dict[str, float]:
    ranked = [turn.turn_id for turn in recall.turns]
    sessions = list(dict.fromkeys(turn.session for turn in recall.turns))
    of_gold = {turn_id.partition("|D")[2].partition(":")[0] for turn_id in wanted}
    found = (
        of_gold & set(sessions[:5]),
        wanted & set(ranked[:5]),
        wanted & set(ranked[:10]),
        wanted <= set(ranked[:10]),
    )
    return dict(zip(MEASURES, map(float, map(bool, found)), strict=True))


def personabench(memory: Memory) -> dict[str, Any]:
    """The share of the evidence among the first 5 and 10, by noise."""
    told: dict[str, Any] = {}
    for folder in sorted(data_dir("personabench").glob("noise_*")):
        scope = Scope(tenant=folder.name)
        ends = added(memory, map(personabench_turn, jsonl(folder / "corpus.jsonl.gz")), scope)
        gold, records = qrels(folder), defaultdict(list)
        for query in jsonl(folder / "queries.jsonl.gz"):
            person, wanted = query["metadata"]["person"], set(gold.get(query["_id"], ()))
            recall = memory.recall(query["text"], person, now=ends[person], k=10, scope=scope)
            ranked = [turn.turn_id for turn in recall.turns]
            if wanted:
                record = {f"recall@{k}": len(wanted & set(ranked[:k])) / len(wanted) for k in (5, 10)}
                records["all"].append(record)
                records[query["metadata"]["type"]].append(record)
        told[folder.name] = means(records)
    return told


def personabench_turn(line: Mapping[str, Any]) -> tuple[str, Turn]:
    told = line["metadata"]
    at = datetime.strptime(told["time"].strip(), "%Y/%b/%d/%I:%M %p").replace(tzinfo=UTC)
    return told["person"], Turn(turn_id=line["_id"], text=line["text"], at=at, session=told["session"])


def zyphra(memory: Memory) -> dict[str, Any]:
    """Recall and F2 of the questions that name a time and a content."""
    folder = data_dir("zyphra_temporal_memory")
    ends: dict[str, datetime] = {}
    for path in sorted((folder / "ConversationData").glob("*.json.gz")):
        ends |= added(memory, ((path.name.partition(".")[0], turn) for turn in said(path)))
    records: Records = defaultdict(list)
    clock = Clock()
    for group in jsonl(folder / "questions.jsonl.gz"):
        if group["kind"] != "content_time_qs":
            continue
        conversation, wanted = str(group["conversation"]), frozenset(map(str, group["relevant_response_numbers"]))
        for question in group["questions"]:
            recall = clock.timed(partial(memory.recall, question, conversation, now=ends[conversation]))
            found = {turn.turn_id for turn in recall.turns}
            share, f2 = recall_and_f2(found, wanted)
            records["time and content"].append(
                {"recall": share, "F2": f2, "windows": float(recall.window is not None), "turns": len(found)}
            )
    return means(records) | {"time": clock.told}


def added(memory: Memory, said: Iterator[tuple[str, Turn]], scope: Scope | None = None) -> dict[str, datetime]:
    """Add the turns, with their vectors; the time of the last one, by conversation."""
    turns: dict[str, list[Turn]] = defaultdict(list)
    for conversation, turn in said:
        turns[conversation].append(turn)
    for conversation, told in turns.items():
        memory.add(conversation, told, scope=scope)
        memory.embed(conversation, scope=scope)
    return {conversation: max(turn.at for turn in told if turn.at) for conversation, told in turns.items()}


SETS: dict[str, Callable[[Memory], dict[str, Any]]] = {"locomo": locomo, "personabench": personabench, "zyphra": zyphra}


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="*", choices=[[], *SETS], help="by default, all")
    parser.add_argument("--store", type=Path, help="by default, in the user's cache folder")
    given = parser.parse_args(arguments)
    folder = given.store or Settings.load().cache_dir / "benchmarks"
    folder.mkdir(parents=True, exist_ok=True)
    result = {}
    for name in given.sets or SETS:
        with Memory.open(folder / f"memory_{name}.db") as memory:
            result[name] = SETS[name](memory)
    report("memory_recall", result)


if __name__ == "__main__":
    main()
