"""Malformed plans: each is mended and runs to an end, or is a typed `PlanError`.

    python -m benchmarks.fuzz --n 20000 --seed 0

Half are made by hypothesis, half are real plans spoiled: what rules make of the shop's questions, and the gold plans
of two public sets where they are present. Each goes the way of a model's text: read, repaired, checked, saved and read
again, drawn, and run over sources that return rows, nothing, oddities or an error.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import random
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import anyio
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, create_model

import rag
from benchmarks.common import ROOT, jsonl, report
from benchmarks.mutations import FAMILIES, HOSTILE, mutated
from planners.written import read_plan
from rag.card import SourceCard, free_query
from rag.errors import PlanError, SourceError
from rag.plan import Plan, check, repair
from rag.plan.svg import svg

SECONDS = 5.0
"""Of the processor: a case that takes longer hangs, and so does one that waits ten times as long."""
SIZES = (20_000, 200_000)


class Filters(BaseModel):
    """An argument that is an object."""

    model_config = ConfigDict(extra="forbid")
    city: str
    ids: list[str] = []


class Search(BaseModel):
    """Arguments of many kinds."""

    model_config = ConfigDict(extra="forbid")
    query: str | None = None
    ids: list[str] | None = None
    limit: int | None = Field(default=None, ge=1, le=50)
    filters: Filters | None = None
    anything: Any = None


class Item(BaseModel):
    """A part of a row."""

    sku: str


class Row(BaseModel):
    """What sources declare that they return."""

    id: str
    title: str
    price: float
    items: list[Item]


ROWS = [{"id": f"p{n}", "title": f"lamp $s1.title {n}", "price": n, "items": [{"sku": "a"}] * n} for n in range(25)]


@dataclass
class Canned:
    """A source that returns the same rows whatever it is asked, or raises an error."""

    card: SourceCard
    rows: Any = field(default_factory=lambda: ROWS)

    async def call(self, args: Mapping[str, Any], scope: rag.Scope) -> Any:
        """The rows, after the loop had a turn."""
        await anyio.lowlevel.checkpoint()
        if isinstance(self.rows, Exception):
            raise self.rows
        return self.rows


def sources() -> list[Any]:
    """Sources that declare what they return or do not, and return rows, nothing, oddities or an error."""
    output = Row.model_json_schema()
    return [
        Canned(SourceCard(name="shop", arguments=Search, output=output)),
        Canned(SourceCard(name="docs", arguments=free_query())),
        Canned(SourceCard(name="empty", arguments=Search, output=output), []),
        Canned(SourceCard(name="odd", arguments=Search), [{"title": None, "items": {"sku": float("nan")}}, {}]),
        Canned(SourceCard(name="broken", arguments=Search), SourceError("down", source="broken")),
        Canned(SourceCard(name="wrong", arguments=Search), "rows"),
    ]


def tools() -> Iterator[Canned]:
    """A source for each tool in the public plans, which takes the arguments that they give."""
    known: dict[str, set[str]] = {}
    for plan in public_plans():
        for step in plan["steps"]:
            known.setdefault(step["source"], set()).update(step["args"])
    for name, arguments in known.items():
        fields: dict[str, Any] = {key: (Any, None) for key in arguments if key.isidentifier() and key[0] != "_"}
        yield Canned(SourceCard(name=name, arguments=create_model("Arguments", **fields)))


@cache
def public_plans() -> tuple[dict[str, Any], ...]:
    """Gold plans in the form of ours, their references as they are written there; none where the sets are absent."""
    folder = Path(os.environ.get("RAG_DATA", ROOT.parent / "shared" / "data"))
    paths = [folder / name / "plans.jsonl.gz" for name in ("complexfuncbench_nestful", "nestful_v1")]
    return tuple(_ours(row["output"]) for path in paths if path.exists() for row in jsonl(path))


def _ours(calls: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    kept = [call for call in calls if call["name"] != "var_result"]
    return {"steps": [{"id": c.get("label"), "source": c["name"], "args": dict(c["arguments"])} for c in kept]}


def real_plans() -> list[dict[str, Any]]:
    """What rules make of the shop's questions, asked of the sources here, and the public plans."""
    from benchmarks.shop import QUESTIONS, assistant

    names = {"orders": "shop", "products": "odd", "policies": "docs", "reviews": "empty"}
    with ExitStack() as stack:
        asked = assistant(stack, planner="rules")
        made = [json.loads(asked.plan(question["question"]).to_json()) for question in QUESTIONS]
    for step in (step for plan in made for step in plan["steps"]):
        step["source"] = names[step["source"]]
    return [*({"steps": plan["steps"]} for plan in made if plan["steps"]), *EXAMPLES, *public_plans()]


EXAMPLES: list[dict[str, Any]] = [
    {
        "steps": [
            {"id": "s1", "source": "shop", "args": {"query": "lamp", "limit": 3}},
            {"id": "s2", "source": "docs", "args": {"query": "light of $s1[*].title"}, "after": ["s1"]},
            {"id": "s3", "source": "shop", "args": {"ids": "$s1[*].id", "filters": {"city": "$s1.items[0].sku"}}},
            {"id": "s4", "source": "empty", "args": {"query": "$s3.title"}, "if_empty": "s2"},
            {"id": "s5", "source": "broken", "args": {"query": "$s4.title"}},
        ]
    }
]

_ids = st.sampled_from(["s1", "s2", "s3", "s4", "s5", "1", 2, "step 3", "end"])
_scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12) | st.sampled_from(HOSTILE)
_pieces = st.sampled_from([".title", ".items", "[*]", "[0]", ".sku", ".0", '["id"]', ".x", "[]"])
_references = st.builds(
    "".join,
    st.tuples(
        st.sampled_from(["$", "", "{{", "of $", "$$", "${", "<"]),
        st.sampled_from(["s1", "s2", "s3", "s9", "shop"]),
        st.lists(
            st.sampled_from([".title", ".items", "[*]", "[0]", ".sku", ".0", '["id"]', ".x", "[]"]), max_size=4
        ).map("".join),
        st.sampled_from(["", "", "}}", "$", ">", " and more", "$;x"]),
    ),
)
_values = st.recursive(
    _scalars | _references,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["city", "ids", "a"]), inner, max_size=3)
    ),
    max_leaves=8,
)
_SOURCES = ("shop", "docs", "empty", "odd", "broken", "wrong")
_arguments = st.sampled_from(["query", "ids", "limit", "filters", "anything", "Query", "x"])
_steps = st.fixed_dictionaries(
    {
        "source": st.sampled_from([*_SOURCES, *_SOURCES, "Shop", "web"]),
        "args": st.one_of(*[st.dictionaries(_arguments, _values, max_size=4)] * 5, _values),
    },
    optional={
        "id": _ids,
        "after": st.lists(_ids, max_size=3) | _scalars,
        "if_empty": _ids | _scalars,
        "arguments": _values,
        "note": _scalars,
    },
)  # fmt: skip
_wholes = st.fixed_dictionaries({"steps": st.lists(_steps, max_size=7)})
plans = st.one_of(*[_wholes] * 9, st.fixed_dictionaries({"steps": _values}) | _values)
"""Values in the form of a plan, or nearly."""


class Bench:
    """Takes plans through all that happens to them, and keeps the count of what came of them."""

    def __init__(self, *more: Canned) -> None:
        self.assistant = rag.Assistant(sources=[*sources(), *more])
        self.cards = [source.card for source in self.assistant.sources]
        self.outcomes: Counter[str] = Counter()
        self.slowest = (0.0, "")
        self.failures: list[str] = []

    async def take(self, text: str) -> str:
        """What comes of the text: "ran", "ran after repair", the kind of a PlanError; anything else is a failure."""
        started = time.process_time()
        try:
            outcome = await self._outcome(text)
        except PlanError as error:
            outcome = type(error).__name__
        except Exception as error:  # noqa: BLE001  # what must not happen is what is looked for
            outcome = f"FAILED: {type(error).__name__}"
        seconds = time.process_time() - started
        if seconds > SECONDS:
            outcome = "FAILED: hang"
        if outcome.startswith("FAILED"):
            self.failures.append(text)
        self.outcomes[outcome] += 1
        self.slowest = max(self.slowest, (seconds, text[:200]))
        return outcome

    async def _outcome(self, text: str) -> str:
        with contextlib.suppress(PlanError):
            check(Plan.from_json(text), self.cards)
        plan = check(repair(read_plan(text), self.cards, question="which lamp?"), self.cards)
        if Plan.from_json(plan.to_json()) != plan:
            return "FAILED: not read back equal"
        if not (str(plan).isprintable() or len(plan.steps) > 1) or "<script" in svg(plan) + plan.mermaid():
            return "FAILED: drawn unsafely"
        with anyio.move_on_after(10 * SECONDS) as window:
            answer = await self.assistant.arun(plan)
            str(answer.plan)
        if window.cancelled_caught:
            return "FAILED: hang"
        return "ran after repair" if plan.notes else "ran"


async def hostile_families(bench: Bench) -> dict[str, list[float]]:
    """Processor seconds that each kind of text takes at two sizes, ten times apart."""
    taken: dict[str, list[float]] = {}
    for name, make in FAMILIES.items():
        for size in SIZES:
            text = make(size)
            started = time.process_time()
            await bench.take(text)
            taken.setdefault(name, []).append(round(time.process_time() - started, 3))
    return taken


def fuzzed(n: int, start: int) -> tuple[Bench, dict[str, list[float]]]:
    """The bench after so many plans, half of them made and half of them real ones spoiled."""
    bench, draw, real = Bench(*tools()), random.Random(start), real_plans()
    with asyncio.Runner() as runner:

        @seed(start)
        @settings(
            max_examples=n // 2,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=[*HealthCheck],
        )
        @given(plans)
        def made(plan: Any) -> None:
            runner.run(bench.take(json.dumps(plan)))

        made()
        for _ in range(n - bench.outcomes.total()):
            runner.run(bench.take(mutated(draw.choice(real), draw)))
        taken = runner.run(hostile_families(bench))
    return bench, taken


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--failures", type=Path, help="a file for the texts that failed")
    options = parser.parse_args()
    started = time.perf_counter()
    bench, taken = fuzzed(options.n, options.seed)
    if options.failures:
        options.failures.write_text("\n".join(map(json.dumps, bench.failures)), encoding="utf-8")
    report(
        "fuzz",
        {
            "plans": bench.outcomes.total(),
            "public_plans_spoiled": len(public_plans()),
            "outcomes": dict(bench.outcomes.most_common()),
            "failures": len(bench.failures),
            "seconds": round(time.perf_counter() - started, 1),
            "cpu_seconds": round(time.process_time(), 1),
            "slowest": {"cpu_seconds": round(bench.slowest[0], 3), "begins": bench.slowest[1][:80]},
            "cpu_seconds_at_characters": {"sizes": list(SIZES), **taken},
        },
    )


if __name__ == "__main__":
    main()
