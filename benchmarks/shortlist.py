"""Shortlists of many sources: are the sources that a question needs among the first ones?

    python -m benchmarks.shortlist metatool
    python -m benchmarks.shortlist seal_tools
    python -m benchmarks.shortlist metatool --offered 24,36,199 --n 100

MetaTool has 199 tools, told by one sentence each, and questions that need one of them, or two. Seal-Tools has
4,076 tools with arguments, and questions that need up to six. "recall@k" is the mean share of the needed tools
among the first k, "all@k" the share of the questions that have all of theirs there. "first_seconds" is what the
first question takes, which has cards embedded; "prepare_seconds" is what embedding all of them takes.

`--offered` measures what is left when `reaper` asks its model, which is shown fewer still: of so many sources, those
that the question needs and random others, the share of the needed ones that the model may choose from.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import statistics
import time
from collections.abc import Mapping, Sequence
from typing import Any

import rag
from benchmarks.common import Heard, data_dir, jsonl, report
from planners.offer import offered_lines
from rag.card import SourceCard, free_query
from rag.run.shortlist import WEIGHTS, Shortlist
from rag.sources.tools import tools
from rag.testing.fakes import FakeModel
from rag.tokens import count

Questions = Sequence[tuple[str, frozenset[str]]]

CUTS = (1, 5, 10, 20)
WAYS = {"fused": WEIGHTS, "lexical": (1.0, 0.0), "dense": (0.0, 1.0)}
TYPES = {"str": "string", "int": "integer", "float": "number", "bool": "boolean"}


def metatool() -> tuple[list[SourceCard], dict[str, Questions]]:
    """The cards, and the questions by how many tools they need."""
    folder = data_dir("metatool")
    told = json.loads((folder / "plugin_des.json").read_text(encoding="utf-8"))
    cards = [SourceCard(name=name, about=about, arguments=free_query()) for name, about in told.items()]
    rows = [(row["query"], frozenset(row["tools"])) for row in jsonl(folder / "routing.jsonl.gz")]
    return cards, {
        "one": [row for row in rows if len(row[1]) == 1],
        "several": [row for row in rows if len(row[1]) > 1],
    }


def seal_tools() -> tuple[list[SourceCard], dict[str, Questions]]:
    """The cards, and the questions by how many tools they need."""
    folder = data_dir("seal_tools")
    sources = tools(map(_specification, jsonl(folder / "tool.jsonl")), lambda name, arguments: None)
    rows = [(row["query"], frozenset(c["api"] for c in row["calling"])) for row in jsonl(folder / "dev.jsonl")]
    return [source.card for source in sources], {
        "all": rows,
        "one": [row for row in rows if len(row[1]) == 1],
        "several": [row for row in rows if len(row[1]) > 1],
    }


def _specification(tool: Mapping[str, Any]) -> dict[str, Any]:
    properties = {
        name: {"type": TYPES[told["type"]], "description": told["description"]}
        for name, told in tool["parameters"].items()
    }
    parameters = {"type": "object", "properties": properties, "required": tool["required"]}
    return {"name": tool["api_name"], "description": tool["api_description"], "parameters": parameters}


async def measured(cards: Sequence[SourceCard], groups: Mapping[str, Questions]) -> dict[str, Any]:
    """Recall of each way to rank, what a question costs, and what a planner is spared."""
    lists = {way: Shortlist(weights=weights) for way, weights in WAYS.items()}
    started = time.perf_counter()
    await lists["fused"].fit(next(iter(groups.values()))[0][0], cards)
    first = time.perf_counter() - started
    for one in lists.values():
        await one.prepare(cards)
    prepared = time.perf_counter() - started
    rows = {row: await _ranked(lists, cards, *row) for row in dict.fromkeys(row for g in groups.values() for row in g)}
    every = list(rows.values())
    return {
        "sources": len(cards),
        **{name: _summary([rows[row] for row in questions]) for name, questions in groups.items()},
        "shown": statistics.mean(row["shown"] for row in every),
        "tokens_of_all": count(offered_lines(cards, {})).tokens,
        "tokens_of_shortlist": round(statistics.mean(row["tokens"] for row in every)),
        "milliseconds_a_question": round(1000 * statistics.median(row["seconds"] for row in every), 1),
        "first_seconds": round(first, 2),
        "prepare_seconds": round(prepared, 2),
    }


async def _ranked(
    lists: Mapping[str, Shortlist], cards: Sequence[SourceCard], question: str, needed: frozenset[str]
) -> dict[str, Any]:
    """Where the needed tools stand in each ranking, and what the shortlist is."""
    found: dict[str, Any] = {"needed": needed}
    for way, one in lists.items():
        started = time.perf_counter()
        fit = await one.fit(question, cards)
        found.setdefault("seconds", time.perf_counter() - started)
        found[way] = sorted(fit, key=lambda name: -fit[name])[: max(CUTS)]
        if way == "fused":
            shown = one.shortlisted(question, cards, fit)
            found |= {"shown": len(shown), "tokens": count(offered_lines(shown, {})).tokens}
            found["missing"] = needed - {card.name for card in shown}
    return found


def _summary(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    measures: dict[str, Any] = {"questions": len(rows)}
    for way in ("lexical", "dense", "fused"):
        shares = {k: [len(row["needed"] & set(row[way][:k])) / len(row["needed"]) for row in rows] for k in CUTS}
        measures[way] = {
            **{f"recall@{k}": round(statistics.mean(shares[k]), 3) for k in CUTS},
            **{f"all@{k}": round(statistics.mean(share == 1 for share in shares[k]), 3) for k in CUTS},
        }
    measures["recall_of_shortlist"] = round(
        statistics.mean(1 - len(row["missing"]) / len(row["needed"]) for row in rows), 3
    )
    return measures


class Told:
    """A source of which there is no more than its card."""

    def __init__(self, card: SourceCard) -> None:
        self.card = card

    async def call(self, args: Mapping[str, Any], scope: rag.Scope) -> list[dict[str, Any]]:
        """Nothing."""
        return []


async def offered(
    cards: Sequence[SourceCard], questions: Questions, sizes: Sequence[int], draw: random.Random
) -> dict[str, Any]:
    """By the number of sources, how many of the needed ones the model is offered, and among how many."""
    found = {}
    for size in sizes:
        seen = [await _offered(draw.sample(cards, len(cards)), size, *row) for row in questions]
        found[str(size)] = {
            "recall": round(statistics.mean(share for share, _ in seen), 3),
            "offered": round(statistics.mean(among for _, among in seen), 1),
        }
    return found


async def _offered(cards: Sequence[SourceCard], size: int, question: str, needed: frozenset[str]) -> tuple[float, int]:
    among = sorted(cards, key=lambda card: card.name not in needed)[:size]
    chosen = sorted(among, key=lambda card: card.name)  # where nothing else decides, the first ones are offered
    heard = Heard(FakeModel(lambda _: '{"steps": []}'))
    async with rag.Assistant([Told(card) for card in chosen], model=heard, planner="reaper", cache=False) as assistant:
        await assistant.aplan(question, retrieve=True)
    schema = heard.asked[0]["response_format"]["json_schema"]["schema"] if heard.asked else {}
    steps = schema["properties"]["steps"]["items"]["anyOf"] if schema else ()
    names = {step["properties"]["source"]["const"] for step in steps}
    return len(needed & names) / len(needed), len(names)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("set", choices=["metatool", "seal_tools"])
    parser.add_argument("--n", type=int, help="so many questions of each kind, drawn at random; all by default")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--offered", help="measure what the model is offered, of so many sources each")
    options = parser.parse_args()
    cards, groups = {"metatool": metatool, "seal_tools": seal_tools}[options.set]()
    if options.n is not None:
        draw = random.Random(options.seed)
        groups = {kind: draw.sample(rows, min(options.n, len(rows))) for kind, rows in groups.items()}
    if options.offered is None:
        report(f"shortlist_{options.set}", asyncio.run(measured(cards, groups)))
        return
    draw, sizes = random.Random(options.seed), [int(size) for size in options.offered.split(",")]
    found = {
        kind: {"questions": len(rows), "of_sources": asyncio.run(offered(cards, rows, sizes, draw))}
        for kind, rows in groups.items()
    }
    report(f"offered_{options.set}", found)


if __name__ == "__main__":
    main()
