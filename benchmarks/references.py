"""Plans with references: public requests over tools, whose plans pass the output of one call to the next.

    python -m benchmarks.references gold
    python -m benchmarks.references oracle --set nestful --n 122
    python -m benchmarks.references model --set complexfuncbench --n 60 --seed 0 --model qwen --base-url http://127.0.0.1:8101/v1

`gold` takes every gold plan of both sets for a plan of ours, checks it against the tools and runs it. For
ComplexFuncBench tools answer from the recording, and a call that was not recorded fails; NESTFUL has no
responses, and its tools answer with made-up rows of the fields that they declare.
`model` has the planner `reaper` plan requests, compares the plans with the gold ones, and runs them: there a call
that was not recorded is given the response of the recorded call of the tool that is most like it. `oracle` does the
same with a model that writes the gold plan whatever it is shown: what is lost then is lost by rules.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import re
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import rag
from benchmarks.common import Heard, report
from benchmarks.nestful import SETS, Request, made, requests, resolved, specifications
from planners.reaper import read_plan
from rag.card import SourceCard
from rag.errors import PlanError, SourceError
from rag.plan import Plan, problems, references, repair
from rag.run.resolve import fitted
from rag.sources.tools import tools
from rag.testing.fakes import FakeModel

_WHEN = re.compile(r"\d{4}-\d\d-\d\d|\d\d:\d\d")
TODAY = datetime(2024, 11, 1, 12, tzinfo=UTC)  # when the recordings were made, nearly; most requests do not say


class Recorded:
    """The tools of one file, answering for the request at hand."""

    def __init__(self, specs: Sequence[Mapping[str, Any]], *, nearest: bool) -> None:
        self.sources = tools(specs, self._call, shared=True)
        self.cards = {source.card.name: source.card for source in self.sources}
        self.used: Counter[str] = Counter()
        self._nearest = nearest
        self._request: Request | None = None
        self._calls: dict[str, list[tuple[dict[str, Any], Any]]] = {}

    def play(self, request: Request) -> None:
        """Answer for this request from now on."""
        self._request, self._calls = request, {}
        for step in request.plan.steps if request.responses else ():
            # As our runtime passes them: what the tool's specification does not know is left out.
            card = self.cards[step.source]
            known = {name: value for name, value in step.args.items() if name in card.properties}
            args = fitted(card, resolved(known, request.responses), step.id)
            self._calls.setdefault(step.source, []).append((args, request.responses[step.id]))

    def _call(self, name: str, arguments: dict[str, Any]) -> Any:
        if self._request is not None and not self._request.responses:
            return made(self.cards[name].output or {})
        recorded = self._calls.get(name, [])
        for args, response in recorded:
            if args == arguments:
                self.used["exact"] += 1
                return response
        if not recorded or not self._nearest:
            self.used["none"] += 1
            raise SourceError(f"{name}({arguments}) was not recorded", source=name)
        self.used["nearest"] += 1
        alike = [sum(args.get(key) == value for key, value in arguments.items()) for args, _ in recorded]
        return recorded[alike.index(max(alike))][1]


class Oracle(FakeModel):
    """A model that writes the gold plan of the request at hand."""

    request: Request

    def __init__(self) -> None:
        super().__init__(lambda _: json.dumps({"steps": self.request.plan.saved()["steps"]}), name="oracle")


def assistants(name: str, **options: Any) -> dict[str, tuple[Recorded, rag.Assistant]]:
    """For each file of tools its recording, and an assistant over it."""
    found = {}
    for kind, specs in specifications(name).items():
        recorded = Recorded(specs, nearest="model" in options)
        found[kind] = (recorded, rag.Assistant(sources=recorded.sources, clock=lambda: TODAY, **options))
    return found


async def gold(name: str) -> dict[str, Any]:
    """How many gold plans are read, checked, mended by rules and run, and every one that is not."""
    bound, counts, faults = assistants(name), Counter[str](), dict[str, str]()
    for request in requests(name):
        recorded, assistant = bound[request.tools]
        counts["plans"] += 1
        counts["read_back"] += Plan.from_json(request.plan.to_json()) == request.plan
        counts.update(dict(_resolving(request)))
        counts["with_values_that_only_responses_tell"] += _needs_looking(request)
        wrong = problems(request.plan, list(recorded.cards.values()))
        counts["valid"] += not wrong
        try:
            plan = repair(request.plan, list(recorded.cards.values()))
        except PlanError as error:
            faults[request.id] = _short(error)
            continue
        counts["valid_or_mended"] += 1
        recorded.play(request)
        answer = await assistant.arun(plan.replace(question=None))
        counts["run"] += not answer.partial
        if answer.partial or wrong:
            faults[request.id] = _why(answer) if answer.partial else f"mended: {_short(wrong[0])}"
    longest = max(len(request.plan.steps) for request in requests(name))
    return {**counts, "most_steps": longest, "exceptions": len(faults), "exceptions_are": faults}


def _resolving(request: Request) -> Iterator[tuple[str, int]]:
    """The references of a plan: how many, how many of them nested, how many that bring the very value."""
    refs = [ref for step in request.plan.steps for ref in references(step.args)]
    yield "references", len(refs)
    yield "nested_references", sum(sum(isinstance(element, str) for element in ref.fields) > 1 for ref in refs)
    if request.responses:
        rows = {step: found if isinstance(found, list) else [found] for step, found in request.responses.items()}
        right = (ref.pick(rows[ref.step]) == resolved(ref, request.responses) is not None for ref in refs)
        yield "references_resolved", sum(right)


def _needs_looking(request: Request) -> bool:
    """Whether a literal of the gold plan is in an earlier response alone: nobody can write it before that has come."""
    asked, seen = request.question.casefold(), ""
    for step in request.plan.steps:
        literals = [str(value).casefold() for value in step.args.values() if isinstance(value, str | int | float)]
        if any(
            len(each) >= 4 and each in seen and each not in asked and not _WHEN.fullmatch(each) for each in literals
        ):
            return True
        seen += json.dumps(request.responses.get(step.id), ensure_ascii=False).casefold()
    return False


def _short(problem: Any) -> str:
    return str(problem).partition(", which is not a source")[0].partition("; it takes:")[0][:160]


def _why(answer: rag.Answer) -> str:
    return "; ".join(_short(note) for note in answer.notes if "brought nothing" in note)


def drawn(name: str, n: int, seed: int) -> list[Request]:
    """So many requests of a set, at random."""
    return random.Random(seed).sample(list(requests(name)), n)


async def planned(request: Request, recorded: Recorded, assistant: rag.Assistant, heard: Heard) -> dict[str, Any]:
    """One plan of the planner beside the gold one, and what became of it."""
    recorded.play(request)
    heard.written.clear()
    started = time.perf_counter()
    plan = await assistant.aplan(request.question)
    seconds = time.perf_counter() - started
    plan = plan.replace(steps=tuple(step for step in plan.steps if not step.if_empty))
    answer = await assistant.arun(plan.replace(question=None)) if plan.steps else None
    asked, due = ({step.source for step in each.steps} for each in (plan, request.plan))
    flows, due_flows = _flows(plan), _flows(request.plan)
    written = _written(heard.written, recorded.cards)
    return {
        "id": request.id,
        "f1": 2 * len(asked & due) / (len(asked) + len(due)),
        "exact": asked == due,
        "same": plan.steps == request.plan.steps,
        "asked": sorted(asked),
        "flows_found": len(due_flows.keys() & flows.keys()),
        "flows": len(due_flows),
        "fields_found": sum(bool(flows[flow] & due_flows[flow]) for flow in due_flows.keys() & flows.keys()),
        "written_steps": len(written),
        "written_valid": sum(written),
        "unknown": sum(step.source not in recorded.cards for step in plan.steps),
        "steps": len(plan.steps),
        "run": answer is not None and not answer.partial,
        "why": _why(answer) if answer is not None and answer.partial else "",
        "by_rules": any(note.startswith("planned by rules") for note in plan.notes),
        "seconds": seconds,
    }


def _flows(plan: Plan) -> dict[tuple[str, str, str], set[tuple[Any, ...]]]:
    """Which tool's output goes into which tool's argument, and which fields of it."""
    sources = {step.id: step.source for step in plan.steps}
    found: dict[tuple[str, str, str], set[tuple[Any, ...]]] = {}
    for step in plan.steps:
        for name, value in step.args.items():
            for ref in references(value):
                found.setdefault((sources[ref.step], step.source, name), set()).add(ref.fields)
    return found


def _written(replies: Sequence[str], cards: Mapping[str, SourceCard]) -> list[bool]:
    """For each step that the model first wrote, before anything is mended, whether its arguments are valid."""
    try:
        plan = read_plan(replies[0]) if replies else Plan()
    except PlanError:
        return [False]
    wrong = [str(problem) for problem in problems(plan, list(cards.values()))]
    return [not any(f"step {step.id!r}" in problem for problem in wrong) for step in plan.steps]


async def measured(name: str, n: int, seed: int, model: Any) -> dict[str, Any]:
    """The shares over a seeded sample."""
    oracle = Oracle()
    heard = Heard(model or oracle)
    bound = assistants(name, model=heard, planner="reaper")
    rows = []
    for request in drawn(name, n, seed):
        oracle.request = request
        rows.append(await planned(request, *bound[request.tools], heard))
    total: Callable[[str], float] = lambda key: sum(row[key] for row in rows)  # noqa: E731
    used = Counter[str]()
    for recorded, _ in bound.values():
        used.update(recorded.used)
    return {
        "requests": len(rows),
        "tools_offered_from": {kind: len(recorded.cards) for kind, (recorded, _) in bound.items()},
        "tool_set_f1": round(total("f1") / len(rows), 3),
        "exact_tool_set": round(total("exact") / len(rows), 3),
        "gold_plan_exactly": round(total("same") / len(rows), 3),
        "references": total("flows"),
        "reference_accuracy": round(total("flows_found") / max(1, total("flows")), 3),
        "reference_and_field_accuracy": round(total("fields_found") / max(1, total("flows")), 3),
        "argument_validity_as_written": round(total("written_valid") / max(1, total("written_steps")), 3),
        "unknown_sources": total("unknown"),
        "run_to_the_end": round(total("run") / len(rows), 3),
        "answers_from": dict(used) if name == "complexfuncbench" else "made-up rows of the declared fields",
        "fell_back_to_rules": total("by_rules"),
        "p50_seconds_a_plan": round(statistics.median(row["seconds"] for row in rows), 2),
        "rows": rows,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["gold", "oracle", "model"])
    parser.add_argument("--set", choices=SETS, default="complexfuncbench", help="for oracle and model")
    parser.add_argument("--n", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--model", default="local")
    parser.add_argument("--base-url", help="an OpenAI-compatible endpoint")
    options = parser.parse_args()
    if options.what == "gold":
        report("references_gold", {name: asyncio.run(gold(name)) for name in SETS})
        return
    asked = options.what == "model"
    model = rag.model(options.model, base_url=options.base_url, api_key="any", timeout=600.0) if asked else None
    found = asyncio.run(measured(options.set, options.n, options.seed, model))
    name = f"references_{options.set}" if asked else f"references_oracle_{options.set}"
    report(name, found, prompts=("plan", "repair") if asked else ())


if __name__ == "__main__":
    main()
