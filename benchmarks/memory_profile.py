"""What a reader has to be given to answer questions about a person: turns alone, or a profile, on PersonaBench dev.

    python -m benchmarks.memory_profile [noise_0.5 …] [--store FOLDER]

Without a model. A question asks for values ("What are my drink preferences?"), each with the segments of talk that
it is evident from. A value is counted as found when one piece of the context from such a segment has all its words;
values whose words no segment has, such as "employed", are left out, and counted. `anywhere` counts the words wherever
they stand. `tokens` are those of the context, estimated by `rag.tokens.estimate` (some 20 % above a tokenizer).

"segments" are whole segments, as PersonaBench retrieves them, and "turns" single lines, both by `Memory.recall`;
"profile" is `memory.profile.context` of lines, which a job had read facts and a summary from.
"""

from __future__ import annotations

import argparse
import ast
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import accumulate
from pathlib import Path
from statistics import fmean
from typing import Any

from benchmarks.common import data_dir, jsonl, report
from benchmarks.memory_recall import added, personabench_turn
from rag import Memory, Scope, Turn
from rag.memory.told import line
from rag.read.terms import terms
from rag.settings import Settings
from rag.tokens import estimate

SEGMENTS = (1, 2, 3, 5, 10)
TURNS = (5, 10, 20, 30, 40)
BUDGETS = (150, 300, 500, 565, 800)
Piece = tuple[frozenset[str], str]
"""The segments that a piece of a context comes from, and its text."""
Value = tuple[frozenset[str], frozenset[str]]
"""The words of a value, and the segments that it is evident from."""


def lines(segment: Mapping[str, Any]) -> Iterator[tuple[str, Turn]]:
    """The lines of a segment as turns: the person's own are the user's."""
    person, whole = personabench_turn(segment)
    for number, text in enumerate(segment["text"].split("\n")):
        who, colon, said = text.partition(": ")
        if not colon or text.startswith("{"):
            who, said = "", text
        mine = who in (person, "user")
        role: Any = "user" if mine else "assistant" if who == "assistant" else None
        speaker = person if mine else "" if role else who
        at = whole.at + timedelta(seconds=number) if whole.at else None
        yield (
            person,
            Turn(
                turn_id=f"{whole.turn_id}#{number}", text=said, speaker=speaker, role=role, at=at, session=whole.turn_id
            ),
        )


def values(query: Mapping[str, Any], texts: Mapping[str, str]) -> tuple[list[Value], int]:
    """The values that are asked for, and how many are in no segment in so many words."""
    told = query["metadata"]
    found, implicit = [], 0
    for value, names in (told["evidence_by_value"] or {}).items():
        words = frozenset(terms(plain(str(value))))
        segments = frozenset(f"{told['person']}|{name}" for name in names)
        if words and any(words <= set(terms(texts.get(segment, ""))) for segment in segments):
            found.append((words, segments))
        else:
            implicit += 1
    return found, implicit


def plain(value: str) -> str:
    """A value in words: PersonaBench writes pairs such as a pet's kind and name as Python does."""
    return " ".join(str(pair[1]) for pair in ast.literal_eval(value)) if value.startswith("((") else value


def found(pieces: Sequence[Piece], wanted: Sequence[Value]) -> dict[str, float]:
    """The share of values found, and what the context costs."""
    read = [(segments, set(terms(text))) for segments, text in pieces]
    return {
        "found": fmean(any(words <= has and of & segments for of, has in read) for words, segments in wanted),
        "anywhere": fmean(any(words <= has for _, has in read) for words, _ in wanted),
        "tokens": float(sum(estimate(text) for _, text in pieces)),
    }


def segment_of(name: str) -> str:
    """The segment that a turn lies in; of a hit's name, what follows the conversation's."""
    return name.partition("#")[0]


def of_turns(turns: Sequence[Turn]) -> list[Piece]:
    return [(frozenset([segment_of(turn.turn_id)]), line(turn)) for turn in turns]


def of_profile(memory: Memory, query: Mapping[str, Any], now: datetime, scope: Scope, **given: int) -> list[Piece]:
    context = memory.profile.context(query["text"], query["metadata"]["person"], now=now, scope=scope, **given)
    told = [*((fact.turns, str(fact)) for fact in context.facts), *((one.turns, one.text) for one in context.said)]
    return [
        *((frozenset(segment_of(turn.partition("#")[2]) for turn in turns), text) for turns, text in told),
        *of_turns(context.turns),
    ]


def cut(pieces: Sequence[Piece], budget: int) -> list[Piece]:
    """The first pieces that fit into a budget of tokens."""
    sizes = list(accumulate(estimate(text) + 1 for _, text in pieces))
    return [piece for piece, size in zip(pieces, sizes, strict=True) if size <= budget]


def measured(memory: Memory, folder: Path) -> dict[str, Any]:
    """Each way of making a context, at several sizes."""
    segments, spoken = Scope(tenant=f"{folder.name} segments"), Scope(tenant=f"{folder.name} lines")
    corpus = list(jsonl(folder / "corpus.jsonl.gz"))
    ends = added(memory, map(personabench_turn, corpus), segments)
    added(memory, (pair for segment in corpus for pair in lines(segment)), spoken)
    memory.profile.refresh(scope=spoken)
    texts = {segment["_id"]: segment["text"] for segment in corpus}
    records: dict[str, list[dict[str, float]]] = defaultdict(list)
    asked = implicit = 0
    for query in jsonl(folder / "queries.jsonl.gz"):
        wanted, untold = values(query, texts)
        asked, implicit = asked + len(wanted), implicit + untold
        if not wanted:
            continue
        person = query["metadata"]["person"]
        now = ends[person]
        for name, scope, sizes in (("segments", segments, SEGMENTS), ("turns", spoken, TURNS)):
            recalled = memory.recall(query["text"], person, now=now, k=max(sizes), scope=scope).turns
            for size in sizes:
                records[f"{name}, k={size}"].append(found(of_turns(recalled[:size]), wanted))
        whole = of_profile(memory, query, now, spoken, budget=max(BUDGETS))
        for budget in BUDGETS:  # sentences fill it in order: a smaller budget has the first of them
            records[f"profile, {budget} tokens"].append(found(cut(whole, budget), wanted))
        pieces = of_profile(memory, query, now, spoken, budget=565, turns=2)
        records["profile, 565 tokens, 2 turns in full"].append(found(pieces, wanted))
    told = {name: {key: round(fmean(one[key] for one in of), 4) for key in of[0]} for name, of in records.items()}
    return {"contexts": told, "values": asked, "implicit": implicit, "questions": len(records["segments, k=5"])}


def saved(contexts: Mapping[str, Mapping[str, float]]) -> dict[str, Any]:
    """How many tokens fewer than turns alone the smallest profile takes that finds as much."""
    profiles = {name: of for name, of in contexts.items() if name.startswith("profile")}
    told: dict[str, Any] = {}
    for name, alone in contexts.items():
        if name in profiles:
            continue
        enough = [(of["tokens"], of["found"]) for of in profiles.values() if of["found"] >= alone["found"]]
        told[name] = round(1 - min(enough)[0] / alone["tokens"], 3) if enough else None
    return told


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("noise", nargs="*", default=["noise_0.0", "noise_0.5"], help="the data's folders")
    parser.add_argument("--store", type=Path, help="by default, in the user's cache folder")
    given = parser.parse_args(arguments)
    folder = given.store or Settings.load().cache_dir / "benchmarks"
    folder.mkdir(parents=True, exist_ok=True)
    result: dict[str, Any] = {}
    for name in given.noise:
        with Memory.open(folder / "memory_profile.db") as memory:
            result[name] = measured(memory, data_dir("personabench") / name)
            result[name]["fewer_tokens_at_equal_found"] = saved(result[name]["contexts"])
    report("memory_profile", result)


if __name__ == "__main__":
    main()
