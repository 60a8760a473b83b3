"""REAPER, which plans once, against ReAct, which asks the model for each step.

    python -m benchmarks.interleaved loopback
    python -m benchmarks.interleaved reaper --n 40 --seed 0 --nulls 10 --model qwen --base-url http://127.0.0.1:8101/v1
    python -m benchmarks.interleaved react --n 40 --seed 0 --nulls 10 --model qwen --base-url http://127.0.0.1:8101/v1

`loopback` has both do one job of three steps over an endpoint that answers after 200 ms with what a good model
would write: what the shape of each costs. The others ask a model to answer questions of MultiHop-RAG from one
source per publisher, and compare the sources asked with those of the gold passages; plans are run, but read only
with `--answers`, and the seconds are those of looking up. Questions of `--nulls` have their answer in no source. They
are read, to see whether the model says so: each sentence is of what is lacking, and none is cited. Where nothing was
found, or the model wrote nothing, it has not said so ("nothing_read").
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import statistics
import time
from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

import rag
from benchmarks import routing
from benchmarks.common import Heard, data_dir, jsonl, report
from benchmarks.endpoint import serving
from benchmarks.job import PLAN, QUESTION, TEXT, sources
from planners.react import React
from planners.reaper import Reaper
from planners.written import objects
from rag.card import SourceCard
from rag.errors import PlanError
from rag.ingest.sentences import sentences
from rag.plan import Plan, from_model, problems
from rag.protocols import Draft, Planner, Read, Steps, Task
from rag.read.citations import speaks_of_absence
from rag.read.unsourced import NOTHING_FOUND
from rag.types import Answer

LATENCY, SOURCE_DELAY = 0.2, 0.05  # seconds
PLANNERS: dict[str, Planner] = {"reaper": Reaper(), "react": React()}
PROMPTS = {"reaper": ("plan", "repair", "answer"), "react": ("react", "answer")}
STEPS: list[dict[str, Any]] = [
    *({"thought": "…", "step": {"source": step["source"], "args": step["args"]}} for step in json.loads(PLAN)["steps"]),
    {"thought": "That is all.", "step": None},
]


class Unread:
    """A planner whose reading is left out: what is measured is what it looks up."""

    def __init__(self, planner: Planner) -> None:
        self._planner = planner

    def plan(self, task: Task) -> Steps:
        """What the planner does, less the reading."""
        steps = self._planner.plan(task)
        actions = next(steps)
        try:
            while True:
                reads = any(isinstance(action, Read) for action in actions)
                actions = steps.send((Draft(""),) if reads else (yield actions))
        except StopIteration as done:
            answer: Answer = done.value
            return answer


def loopback(name: str, count: int) -> dict[str, Any]:
    """The job, one question after the other, with a planner and the replies of a good model."""
    plans = [PLAN] if name == "reaper" else _literal(STEPS)
    with serving(plans, TEXT, delay=LATENCY) as url:
        return asyncio.run(_timed(url, PLANNERS[name], count))


def _literal(steps: Sequence[dict[str, Any]]) -> list[str]:
    """The steps with what was found in place of references, as ReAct writes them."""
    return [json.dumps(step, ensure_ascii=False).replace("$s1[0].product_id", "P-4") for step in steps]


async def _timed(url: str, planner: Planner, count: int) -> dict[str, Any]:
    model = Heard(rag.model("loopback", base_url=url, api_key="any"), estimated=True)
    async with rag.Assistant(sources(SOURCE_DELAY), model=model, planner=planner) as assistant:
        answers = [await assistant.aask(QUESTION.format(number)) for number in range(-1, count)][1:]
    for answer in answers:
        if [step.source for step in answer.plan.steps] != ["orders", "policies", "reviews"] or answer.partial:
            raise SystemExit(f"the job was not done as planned:\n{answer}\n{answer.plan}")
    return {
        "model_calls": statistics.mean(answer.usage.model_calls for answer in answers),
        "tokens": round(statistics.mean(answer.usage.tokens for answer in answers)),
        "seconds_p50": round(statistics.median(answer.usage.seconds for answer in answers), 3),
    }


def nulls(n: int, seed: int) -> list[dict[str, Any]]:
    """So many questions whose answer is in no source, drawn at random."""
    found = [q for q in jsonl(data_dir(routing.DATA) / "queries.jsonl.gz") if not q["metadata"]["sources"]]
    return random.Random(seed).sample(found, n)


def looked_up(assistant: rag.Assistant, model: Heard, question: dict[str, Any]) -> dict[str, Any]:
    """What was asked for a question beside the gold sources, what the model wrote, and what that cost."""
    model.written.clear()
    started = time.perf_counter()
    answer = assistant.ask(question["text"])
    cards = [source.card for source in assistant.sources]
    asked = {step.source for step in answer.plan.steps if not step.if_empty}
    gold = set(question["metadata"]["sources"])
    return {
        "exact": asked == gold,
        "recall": len(asked & gold) / len(gold) if gold else None,
        "sources_asked": len(asked),
        "unknown_run": len(asked - {card.name for card in cards}),
        "by_rules": any(note.startswith("planned by rules") for note in answer.notes),
        "model_says_so": _says_so(answer),
        "nothing_read": NOTHING_FOUND in answer.text,
        "model_calls": answer.usage.model_calls,
        "tokens": answer.usage.tokens,
        "seconds": time.perf_counter() - started,
        **_validity(model.written, cards),
    }


def _says_so(answer: Answer) -> bool:
    """Whether the model said, and said no more, than that the sources lack the answer."""
    said = [answer.text[start:end] for start, end in sentences(answer.text)]
    return NOTHING_FOUND not in answer.text and not answer.citations and all(map(speaks_of_absence, said))


def _validity(written: Sequence[str], cards: Sequence[SourceCard]) -> dict[str, int]:
    """Of the steps as the model wrote them, before any repair: how many, those sound, those of no known source."""
    steps = sound = unknown = unreadable = 0
    names = {card.name for card in cards}
    for plan in map(_read, written):
        if plan is None:
            unreadable += 1
            continue
        wrong = [str(problem) for problem in problems(plan, cards)]
        steps += len(plan.steps)
        sound += sum(not any(f"step {step.id!r}" in problem for problem in wrong) for step in plan.steps)
        unknown += sum(step.source not in names for step in plan.steps)
    return {"steps": steps, "sound": sound, "unknown_written": unknown, "unreadable": unreadable}


def _read(text: str) -> Plan | None:
    """The plan, or the one step, that a model wrote; without steps where it ends the walk."""
    found = next(objects(text), None)
    if found is None or not found.keys() & {"steps", "step"}:
        return None
    try:
        return from_model(found if "steps" in found else {"steps": [found["step"]] if found["step"] else []})
    except PlanError:
        return None


def summary(rows: Sequence[dict[str, Any]], missing: Sequence[dict[str, Any]], *, read: bool) -> dict[str, Any]:
    """Means over the questions with sources, totals over the steps, and what was said where nothing is to be found."""
    steps = sum(row["steps"] for row in rows)
    return {
        "questions": len(rows),
        **{key: round(statistics.mean(row[key] for row in rows), 3) for key in ("exact", "recall", "sources_asked")},
        "arguments_valid": round(sum(row["sound"] for row in rows) / steps, 3) if steps else None,
        "steps_written": steps,
        **{key: sum(row[key] for row in rows) for key in ("unknown_run", "unknown_written", "unreadable", "by_rules")},
        **_cost(rows, "seconds_p50" if read else "lookup_seconds_p50"),
        "null": _null(missing) if missing else None,
    }


def _null(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Of questions that nothing answers: how many the model left so, to how many it was not asked, the rest."""
    said, unread = (sum(row[key] for row in rows) for key in ("model_says_so", "nothing_read"))
    return {
        "questions": len(rows),
        "model_says_so": said,
        "nothing_read": unread,
        "answered_all_the_same": len(rows) - said - unread,
        "sources_asked": round(statistics.mean(row["sources_asked"] for row in rows), 2),
        **_cost(rows, "seconds_p50"),
    }


def _cost(rows: Sequence[dict[str, Any]], seconds: str) -> dict[str, float]:
    return {
        "model_calls": round(statistics.mean(row["model_calls"] for row in rows), 2),
        "tokens": round(statistics.mean(row["tokens"] for row in rows)),
        seconds: round(statistics.median(row["seconds"] for row in rows), 2),
    }


def asked(options: argparse.Namespace) -> dict[str, Any]:
    """A planner over the questions, with a model."""
    planner = PLANNERS[options.what]
    model = Heard(rag.model(options.model, base_url=options.base_url, api_key="any", timeout=600))
    with ExitStack() as stack:
        given = routing.sources(stack)
        whole = rag.Assistant(given, model=model, planner=planner)
        unread = rag.Assistant(given, model=model, planner=Unread(planner))
        stack.callback(whole.close)
        chosen = whole if options.answers else unread
        rows = [looked_up(chosen, model, question) for question in routing.questions(options.n, options.seed)]
        missing = [looked_up(whole, model, question) for question in nulls(options.nulls, options.seed)]
    return {"read": options.answers, "model": options.model, **summary(rows, missing, read=options.answers)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["loopback", *PLANNERS])
    parser.add_argument("--n", type=int, default=40, help="so many questions, drawn at random")
    parser.add_argument("--nulls", type=int, default=0, help="so many more whose answer is in no source")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--answers", action="store_true", help="read what was found, and write an answer")
    parser.add_argument("--model", default="local")
    parser.add_argument("--base-url", help="an OpenAI-compatible endpoint")
    options = parser.parse_args()
    if options.what != "loopback":
        report(f"interleaved_{options.what}", asked(options), prompts=PROMPTS[options.what])
        return
    told = {"model": "scripted: writes what a good one would", "tokens_are": "estimated", "questions": options.n}
    both = {name: loopback(name, options.n) for name in PLANNERS}
    prompts = sorted({*PROMPTS["reaper"], *PROMPTS["react"]})
    report("interleaved_loopback", {**told, "latency": LATENCY, "source_delay": SOURCE_DELAY, **both}, prompts=prompts)


if __name__ == "__main__":
    main()
