"""Questions about when something was said, read without a model: recall and F2 (beta = 2) by kind and subtype.

    python -m benchmarks.memory_time [--free]

The conversations and questions of zyphra_temporal_memory; "now" is the last turn of a conversation. A question
that asks for a time alone is given every turn of its window; one that asks for something said at a time is given
the turns of its window that are ranked highest by words, cut where the score drops. `--free` reads instead
questions of our own about the same conversations, in other words, whose turns are worked out from the sessions.
"""

from __future__ import annotations

import argparse
import gzip
import json
import math
import re
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from statistics import fmean
from typing import Any

from benchmarks.common import data_dir, jsonl, report
from benchmarks.time_questions import Asked, free_questions
from rag.memory.sessions import Session, grouped
from rag.memory.when import Reading, Window, read
from rag.memory.when.region import Region
from rag.retrieve.lexical import query_words
from rag.types import Turn


@dataclass(frozen=True)
class Talk:
    """A conversation: its turns, the session each lies in, and its sessions."""

    turns: tuple[Turn, ...]
    number: Mapping[str, int]
    sessions: tuple[Session, ...]
    held: dict[Region, tuple[Turn, ...]] = field(default_factory=dict)

    @property
    def now(self) -> datetime:
        """The conversation's last turn."""
        return self.sessions[-1].end

    def within(self, window: Window) -> tuple[Turn, ...]:
        """The turns that a window holds; many questions ask for the same."""
        held = self.held.get(window.parts)
        if held is None:
            of = (turn for turn in self.turns if window.holds(_at(turn), self.number[turn.turn_id]))
            held = self.held[window.parts] = tuple(of)
        return held


def talks() -> dict[int, Talk]:
    """The conversations of the set, by number."""
    folder = data_dir("zyphra_temporal_memory") / "ConversationData"
    return {int(path.name.split(".")[0]): _talk(path) for path in sorted(folder.glob("*.json.gz"))}


def said(path: Path) -> Iterator[Turn]:
    """The turns of a conversation's file."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        data = json.load(lines)
    for name in data:
        if re.fullmatch(r"session_\d+", name):
            for turn in data[name]:
                at = datetime.strptime(turn["date_time"], "%I:%M:%S %p on %A %d %B, %Y").replace(tzinfo=UTC)
                yield Turn(
                    turn_id=turn["response_number"], speaker=turn["speaker"], text=turn["text"], at=at, session=name
                )


def _talk(path: Path) -> Talk:
    parts = grouped(said(path))
    number = {turn.turn_id: session.number for session, turns in parts for turn in turns}
    return Talk(tuple(turn for _, turns in parts for turn in turns), number, tuple(session for session, _ in parts))


def questions() -> Iterator[Asked]:
    """The questions of the set; of a dialogue, the last turn asks."""
    for line in jsonl(data_dir("zyphra_temporal_memory") / "questions.jsonl.gz"):
        gold = frozenset(str(n) for n in line["relevant_response_numbers"])
        for form in line["questions"]:
            turns = [{"text": form}] if isinstance(form, str) else form
            yield Asked(
                line["kind"],
                line["subtype"],
                line["conversation"],
                turns[-1]["text"],
                gold,
                tuple(Turn(text=turn["text"], speaker=turn["speaker"]) for turn in turns[:-1]),
            )


def given(reading: Reading, talk: Talk) -> set[str]:
    """The turns that a reading comes to."""
    seen = talk.turns if reading.window is None else talk.within(reading.window)
    return {turn.turn_id for turn in (seen if reading.pure else best(reading.content or reading.question, seen))}


def _at(turn: Turn) -> datetime:
    return turn.at or datetime.min.replace(tzinfo=UTC)


def best(query: str, turns: Sequence[Turn], most: int = 10, share: float = 0.5) -> list[Turn]:
    """The turns that fit best by their words (BM25 over stems), down to a share of the best score."""
    import Stemmer

    stem = Stemmer.Stemmer("english").stemWords
    bags = [Counter(stem(re.findall(r"[^\W_]+", f"{turn.speaker} {turn.text}".lower()))) for turn in turns]
    length = fmean(bag.total() for bag in bags) if bags else 1.0
    held = Counter(word for bag in bags for word in bag)
    weights = {w: math.log(1 + (len(bags) - held[w] + 0.5) / (held[w] + 0.5)) for w in stem(query_words(query))}
    scores = [
        sum(
            weight * bag[word] * 2.2 / (bag[word] + 1.2 * (0.25 + 0.75 * bag.total() / length))
            for word, weight in weights.items()
        )
        for bag in bags
    ]
    order = sorted(range(len(turns)), key=lambda n: (-scores[n], n))[:most]
    return [turns[n] for n in order if scores[n] > 0 and scores[n] >= share * scores[order[0]]]


def measured(asked: Sequence[Asked], talked: Mapping[int, Talk]) -> dict[str, Any]:
    """Recall and F2 by kind and by subtype, in percent, and the milliseconds that reading takes."""
    scores: dict[tuple[str, str], list[tuple[float, float]]] = defaultdict(list)
    spent = 0.0
    for question in asked:
        talk = talked[question.conversation]
        started = time.process_time()
        reading = read(question.text, now=talk.now, sessions=talk.sessions, context=question.context)
        spent += time.process_time() - started
        score = recall_and_f2(given(reading, talk), question.gold)
        scores[question.kind, question.subtype].append(score)
        scores[question.kind, "all"].append(score)
    return {
        "cpu_ms_a_question": round(1000 * spent / len(asked), 2),
        "scores": {
            f"{kind}/{subtype}": {
                "questions": len(pairs),
                "recall": round(100 * fmean(recall for recall, _ in pairs), 2),
                "f2": round(100 * fmean(f2 for _, f2 in pairs), 2),
            }
            for (kind, subtype), pairs in sorted(scores.items())
        },
    }


def recall_and_f2(found: set[str], gold: frozenset[str]) -> tuple[float, float]:
    """Both from 0 to 1; where nothing is meant, finding nothing is right."""
    hits = len(found & gold)
    if not gold:
        return float(not found), float(not found)
    precision, recall = hits / len(found) if found else 0.0, hits / len(gold)
    return recall, 5 * precision * recall / (4 * precision + recall) if hits else 0.0


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--free", action="store_true", help="questions of our own, in other words")
    free = parser.parse_args().free
    talked = talks()
    asked = list(free_questions(talked) if free else questions())
    report("memory_time_free" if free else "memory_time", measured(asked, talked))


if __name__ == "__main__":
    main()
