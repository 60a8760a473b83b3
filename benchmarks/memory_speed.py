"""How fast a memory of a million turns adds and answers, and how that grows: with one's own turns, and with others'.

    python -m benchmarks.memory_speed
    python -m benchmarks.memory_speed --turns 100000
    python -m benchmarks.memory_speed --whole

Conversations have 1,000 turns in 50 sessions. Words and vectors are drawn at random (384 numbers a turn), since
embedding a million turns is not what is measured. At each size, first every conversation is another user's, then all
are one user's. A question is asked of one conversation, each time of another one: questions of time ("What did we talk
about on 3 March 2026?"), hybrid ones ("What did we say about …?"), and both ("What did we say about … last month?").

With `--whole`, one user of 20,000 turns in 20 conversations asks over all of them, as an assistant does: a turn comes
before each question. The first question of a process reads all that there is; the others read what came since.
"""

from __future__ import annotations

import argparse
import random
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import ROOT, report
from rag.memory import Memory
from rag.memory.store import Wanted
from rag.types import Scope, Turn

EACH, SESSIONS = 1000, 50  # turns and sessions of a conversation
NOW = datetime(2026, 5, 20, 12, tzinfo=UTC)
WORDS = [
    f"{a}{b}{c}" for a in "bcdfghjklmnprstvz" for b in ("a", "e", "i", "o", "u") for c in ("lo", "ner", "tis", "mak")
]
ONE = "one user"

WRITER = """
import sys, time
from rag.memory import Memory
from rag.types import Scope, Turn
path, name, seconds = sys.argv[1], sys.argv[2], float(sys.argv[3])
with Memory.open(path) as memory:
    end, count = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        memory.add(f"writer {name}", [Turn(text="What does the kettle cost?")], scope=Scope(user=name))
        count += 1
print(count)
"""


class Drawn:
    """An embedder whose vectors are drawn at random, the same for the same text."""

    name = "drawn"
    dimensions = 384

    def embed(self, texts: Sequence[str]) -> np.ndarray[Any, np.dtype[np.float32]]:
        """Unit vectors."""
        rows = [np.random.default_rng(zlib.crc32(text.encode())).standard_normal(self.dimensions) for text in texts]
        vectors: np.ndarray[Any, np.dtype[np.float32]] = np.asarray(rows, dtype=np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors


def owner(number: int) -> Scope:
    return Scope(tenant="acme", user=f"user {number}")


def turns(number: int) -> Iterator[Turn]:
    """A conversation: a session about every week, whose turns follow each other by a minute."""
    draw = random.Random(number)
    for session in range(SESSIONS):
        start = NOW - timedelta(days=7 * (SESSIONS - session) - draw.randrange(5), minutes=draw.randrange(300))
        for turn in range(EACH // SESSIONS):
            yield Turn(
                turn_id=f"{session}.{turn}",
                role="user" if turn % 2 == 0 else "assistant",
                text=" ".join(draw.choices(WORDS, k=20)),
                at=start + turn * timedelta(minutes=1),
            )


def fill(memory: Memory, numbers: range) -> dict[str, float]:
    """Add the conversations with their vectors; seconds that the turns took."""
    draw = np.random.default_rng(1)
    seconds = 0.0
    for number in numbers:
        whole = list(turns(number))
        started = time.perf_counter()
        memory.add(f"talk {number}", whole, scope=owner(number))
        seconds += time.perf_counter() - started
        found = memory.store.find(Wanted(owner(number)))
        vectors = draw.standard_normal((len(found), Drawn.dimensions)).astype(np.float32)
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        rows = {kept.number: vector.tobytes() for kept, vector in zip(found, vectors, strict=True)}
        memory.store.put_vectors(rows, Drawn.name, owner(number))
    return {"turns_a_second_in_batches_of_1000": round(len(numbers) * EACH / seconds)} if numbers else {}


def timed(questions: int, ask: Callable[[int], object]) -> dict[str, float]:
    """Milliseconds of each question, by the clock and of the processor: the middle one, and what 95 % stay below."""
    wall, processor = [], []
    for number in range(questions):
        started, worked = time.perf_counter(), time.thread_time()
        ask(number)
        wall.append((time.perf_counter() - started) * 1000)
        processor.append((time.thread_time() - worked) * 1000)
    return {
        f"{name}{percent}": round(statistics.quantiles(taken, n=20)[percent // 5 - 1], 2)
        for name, taken in (("p", wall), ("processor_p", processor))
        for percent in (50, 95)
    }


def asked(memory: Memory, talks: int, questions: int, scope_of: Callable[[int], Scope]) -> dict[str, dict[str, float]]:
    draw = random.Random(7)
    picks = [draw.randrange(talks) for _ in range(questions)]
    days = [NOW - timedelta(days=draw.randrange(1, 350)) for _ in range(questions)]
    topics = [" and ".join(draw.sample(WORDS, 2)) for _ in range(questions)]

    def recall(question: str, n: int) -> None:
        memory.recall(question, f"talk {picks[n]}", now=NOW, scope=scope_of(picks[n]))

    def found(n: int) -> None:
        start = days[n]
        memory.store.find(Wanted(scope_of(picks[n]), f"talk {picks[n]}", start, start + timedelta(days=7)))

    recall("What did we talk about yesterday?", 0)  # imports and grammar are made once
    recall("What did we say about kettles?", 0)
    return {
        "a week's rows, by the store": timed(questions, found),
        "time": timed(questions, lambda n: recall(f"What did we talk about on {days[n]:%d %B %Y}?", n)),
        "time and content": timed(questions, lambda n: recall(f"What did we say about {topics[n]} last month?", n)),
        "hybrid": timed(questions, lambda n: recall(f"What did we say about {topics[n]}?", n)),
    }


def written(path: Path, processes: int, seconds: float) -> int:
    """Turns added a second, one at a time, each on disk before the next, by so many processes."""
    command = [sys.executable, "-c", WRITER, str(path)]
    writers = [
        subprocess.Popen([*command, str(number), str(seconds)], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        for number in range(processes)
    ]
    return round(sum(int(writer.communicate()[0]) for writer in writers) / seconds)


def given_to_one(path: Path) -> None:
    """Make all conversations one user's."""
    db = sqlite3.connect(path)
    db.execute("UPDATE turns SET user = ? WHERE user LIKE 'user %'", (ONE,))
    db.commit()
    db.close()


def measured(folder: Path, size: int, questions: int) -> dict[str, Any]:
    path = folder / f"{size}.db"
    talks = size // EACH
    with Memory.open(path, embedder=Drawn()) as memory:
        added = fill(memory, range(talks))
        others = asked(memory, talks, questions, owner)
        started = time.perf_counter()
        memory.forget(conversation="talk 0", turns=["0.0"], scope=owner(0))
        forgotten = round(time.perf_counter() - started, 2)
    durable = {f"{count} writers": written(path, count, 10) for count in (1, 8)}
    megabytes = round(path.stat().st_size / 2**20)
    given_to_one(path)
    with Memory.open(path, embedder=Drawn()) as memory:
        own = asked(memory, talks, questions, lambda _: Scope(tenant="acme", user=ONE))
    path.unlink()
    return {
        "conversations": talks,
        "megabytes": megabytes,
        "durable_adds_a_second": durable | added,
        "seconds_to_forget_a_turn": forgotten,
        "milliseconds_among_other_users_turns": others,
        "milliseconds_among_ones_own_turns": own,
    }


def whole(folder: Path, questions: int) -> dict[str, Any]:
    """Questions over all that one user said, each after another turn."""
    path, talks, scope = folder / "whole.db", 20, Scope(tenant="acme", user=ONE)
    with Memory.open(path) as memory:
        fill(memory, range(talks))
    given_to_one(path)
    draw = random.Random(7)
    with Memory.open(path, embedder=Drawn()) as memory:

        def ask(question: str) -> float:
            started = time.thread_time()
            memory.recall(question, now=NOW, scope=scope)
            return round((time.thread_time() - started) * 1000, 2)

        def after_another(question: Callable[[], str]) -> dict[str, float]:
            taken = []
            for _ in range(questions):
                memory.add(f"talk {draw.randrange(talks)}", [Turn(text="And then?", at=NOW)], scope=scope)
                taken.append(ask(question()))
            return {f"processor_p{q}": round(statistics.quantiles(taken, n=20)[q // 5 - 1], 2) for q in (50, 95)}

        def topic() -> str:
            return " and ".join(draw.sample(WORDS, 2))

        return {
            "turns": talks * EACH,
            "conversations": talks,
            "first_question_by_the_processor": ask("What did we say about kettles?"),
            "milliseconds": {
                "time": after_another(
                    lambda: f"What did we talk about on {NOW - timedelta(days=draw.randrange(1, 350)):%d %B %Y}?"
                ),
                "time and content": after_another(lambda: f"What did we say about {topic()} last month?"),
                "hybrid": after_another(lambda: f"What did we say about {topic()}?"),
                "a day before a topic": after_another(lambda: f"What came the day before we talked about {topic()}?"),
            },
        }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--whole", action="store_true", help="one user, asked over all conversations")
    parser.add_argument("--turns", type=int, default=1_000_000)
    parser.add_argument("--questions", type=int, default=200)
    options = parser.parse_args()
    if options.whole:
        with tempfile.TemporaryDirectory() as folder:
            result = whole(Path(folder), options.questions)
        report("memory_speed_whole", {"vectors": "synthetic, 384 numbers", "questions": options.questions} | result)
        return
    sizes = [size for size in (10_000, 100_000, 1_000_000) if size < options.turns] + [options.turns]
    with tempfile.TemporaryDirectory() as folder:
        result = {str(size): measured(Path(folder), size, options.questions) for size in sizes}
    report("memory_speed", {"vectors": "synthetic, 384 numbers", "questions": options.questions, "turns": result})


if __name__ == "__main__":
    main()
