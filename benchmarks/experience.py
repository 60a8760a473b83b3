"""What examples from experience buy in the planner's prompt.

    python -m benchmarks.experience --set metatool --n 60 --seed 0 --k 0,3,5 --model qwen \
        --base-url http://127.0.0.1:8101/v1

Questions are parted by a hash of their words, so that the same question is never on both sides: one in four is
asked, the others are experience. An experience is a question with a plan that asks its gold sources.

The planner `reaper` plans with k examples of up to 1,000 experiences, and with five random ones; 0 is without any.
What came of each plan is noted in the cache folder, so that a run that was cut short goes on.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import re
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple

import rag
from benchmarks import routing
from benchmarks.common import data_dir, jsonl, report
from prompts import load
from rag.card import SourceCard
from rag.embed import default_embedder
from rag.experience import ExperienceMemory
from rag.experience.memory import MOST, NEIGHBOURS
from rag.plan.check import problems
from rag.protocols import Example

ASKED: Final = 0.25
RANDOM: Final = 5


class Asked(NamedTuple):
    """A question and its gold sources."""

    id: str
    text: str
    sources: tuple[str, ...]

    @property
    def place(self) -> float:
        """From 0 to 1, by a hash of the question's words."""
        words = " ".join(re.findall(r"\w+", self.text.casefold()))
        return int(hashlib.sha256(words.encode()).hexdigest()[:8], 16) / 2**32


def parted(questions: Sequence[Asked]) -> tuple[list[Asked], list[Asked]]:
    """Those that are experience, in the order of their hash, and those that are asked, in their own."""
    by_hash = sorted(questions, key=lambda q: q.place)
    return [q for q in by_hash if q.place >= ASKED], [q for q in questions if q.place < ASKED]


def metatool() -> list[Asked]:
    """Questions for one or two of 199 tools."""
    rows = jsonl(data_dir("metatool") / "routing.jsonl.gz")
    return [Asked(row["id"], row["query"].strip(), tuple(row["tools"])) for row in rows]


def tools() -> list[Any]:
    """The tools as functions that take a free text."""
    told = json.loads((data_dir("metatool") / "plugin_des.json").read_text(encoding="utf-8"))

    def use(query: str) -> list[dict[str, str]]:
        return []

    return [rag.source(name, use, about=told[name]) for name in sorted(told)]


def multihop_rag() -> list[Asked]:
    """Questions for some of 47 publishers of news."""
    rows = jsonl(data_dir("multihop_rag") / "queries.jsonl.gz")
    found = [(row, tuple(sorted(set(row["metadata"]["sources"])))) for row in rows]
    return [Asked(row["_id"], row["text"], sources) for row, sources in found if sources]


SETS: Final[Mapping[str, tuple[Callable[[], list[Asked]], Callable[[ExitStack], list[Any]]]]] = {
    "metatool": (metatool, lambda _: tools()),
    "multihop_rag": (multihop_rag, routing.sources),
}


def learnt(asked: Asked, cards: Mapping[str, SourceCard]) -> rag.Plan:
    """The plan that served a question: each gold source is asked for it."""
    steps = tuple(
        rag.Step(id=f"s{n}", source=name, args={"query": asked.text}) for n, name in enumerate(asked.sources, 1)
    )
    return rag.Plan(steps=steps, sources={name: cards[name].fingerprint for name in asked.sources})


class Known:
    """The default embedder, which embeds each text once."""

    def __init__(self, texts: Sequence[str]) -> None:
        inner = default_embedder()
        self.name, self.dimensions = inner.name, inner.dimensions
        self._vectors = dict(zip(texts, inner.embed(texts), strict=True))

    def embed(self, texts: Sequence[str]) -> Any:
        """Unit vectors of texts that are known."""
        import numpy as np

        return np.stack([self._vectors[text] for text in texts])


class Arm(NamedTuple):
    """How many examples are shown, whether they are near or any, and whether experience votes for sources."""

    k: int = 0
    near: bool = True
    votes: bool = True


class Showing(ExperienceMemory):
    """Shows what the arm says, whatever it is asked for."""

    arm = Arm()
    pool: Sequence[Example] = ()
    last = 0

    def examples(
        self, question: str, cards: Sequence[SourceCard], k: int = 3, *, scope: rag.Scope | None = None
    ) -> tuple[Example, ...]:
        """Near examples or any."""
        near = super().examples(question, cards, self.arm.k, scope=scope) if self.arm.near else ()
        found = near if self.arm.near else tuple(random.Random(question).sample(self.pool, self.arm.k))
        self.last = len(found)
        return found

    def vote(
        self, question: str, cards: Sequence[SourceCard], k: int = NEIGHBOURS, *, scope: rag.Scope | None = None
    ) -> dict[str, float]:
        """The vote, or none."""
        return super().vote(question, cards, k, scope=scope) if self.arm.votes else {}


def arms(ks: str) -> dict[str, Arm]:
    """The arms by name: none at all, the vote alone, so many near examples with the vote, and random examples."""
    known = {"0": Arm(votes=False), "vote": Arm()}
    return {k: known.get(k) or Arm(int(k)) for k in ks.split(",")} | {"random": Arm(RANDOM, near=False, votes=False)}


def plans(options: argparse.Namespace) -> dict[str, Any]:
    """Plans with each number of examples, one question after the other."""
    questions, sources = SETS[options.set]
    pool, asked = parted(questions())
    pool, asked = pool[:MOST], random.Random(options.seed).sample(asked, options.n)
    kept = Kept(f"{options.set} {options.model} {load('plan').identity}")
    with ExitStack() as stack:
        bound = sources(stack)
        cards = {source.card.name: source.card for source in bound}
        embedder = Known(list({q.text for q in (*pool, *asked)}))
        memory = stack.enter_context(Showing.open("sqlite://", embedder=embedder))
        for q in pool:
            memory.add(q.text, learnt(q, cards))
        memory.pool = [Example(q.text, learnt(q, cards), "complete") for q in pool]
        model = rag.model(options.model, base_url=options.base_url, api_key="any")
        assistant = stack.enter_context(
            rag.Assistant(sources=bound, planner="reaper", model=model, experience=memory, cache=False)
        )
        rows: dict[str, list[dict[str, Any]]] = {name: [] for name in arms(options.k)}
        for q in asked:
            for name, memory.arm in arms(options.k).items():
                rows[name].append(kept.once(f"{q.id} {name}", partial(planned, assistant, memory, q)))
    shown = {name: summary(found) for name, found in rows.items()}
    return {"set": options.set, "experiences": len(pool), "n": len(asked), "seed": options.seed, "examples": shown}


def planned(assistant: rag.Assistant, memory: Showing, asked: Asked) -> dict[str, Any]:
    """One plan beside the gold sources."""
    started = time.perf_counter()
    plan = assistant.plan(asked.text)
    seconds = time.perf_counter() - started
    cards = [source.card for source in assistant.sources]
    steps, gold = [step for step in plan.steps if not step.if_empty], set(asked.sources)
    chosen = {step.source for step in steps}
    return {
        "exact": chosen == gold,
        "recall": len(chosen & gold) / len(gold),
        "sources": len(chosen),
        "valid": not problems(plan, cards),
        "unknown": len(chosen - {card.name for card in cards}),
        "by_rules": any(note.startswith("planned by rules") for note in plan.notes),
        "examples": memory.last,
        "seconds": seconds,
    }


def summary(rows: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Means, but for what is counted."""
    counted = ("unknown", "by_rules")
    return {
        name: sum(row[name] for row in rows)
        if name in counted
        else round(sum(row[name] for row in rows) / len(rows), 3)
        for name in rows[0]
    }


class Kept:
    """What was measured before, in a file of the cache folder: a long run may be cut short and goes on."""

    def __init__(self, name: str) -> None:
        folder = Path.home() / ".cache" / "rag-benchmarks"
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / f"experience-{hashlib.sha256(name.encode()).hexdigest()[:12]}.jsonl"
        found = jsonl(self._path) if self._path.exists() else ()
        self._rows: dict[str, dict[str, Any]] = {row["key"]: row["row"] for row in found}

    def once(self, key: str, work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """What the work gives, now or when it was done before."""
        if key not in self._rows:
            self._rows[key] = work()
            with self._path.open("a", encoding="utf-8") as lines:
                lines.write(json.dumps({"key": key, "row": self._rows[key]}) + "\n")
        return self._rows[key]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", choices=list(SETS), default="metatool")
    parser.add_argument("--n", type=int, default=60, help="so many questions, drawn at random")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--k", default="0,3,5", help='how many examples are shown, and "vote" for none but the vote')
    parser.add_argument("--model", default="local")
    parser.add_argument("--base-url", help="an OpenAI-compatible endpoint")
    options = parser.parse_args()
    report(f"experience_{options.set}", plans(options), prompts=("plan", "repair"))


if __name__ == "__main__":
    main()
