"""`React`: thought, action and observation in turns, one model call a step.

Source: ReAct, Yao et al., ICLR 2023, arXiv 2210.03629. The interleaved baseline, to compare plans with
on one's own questions. What is ours: a step is held to a schema made from the sources and mended where
rules can, what was found is shown inert and short, and the answer is read and cited as with any planner.
"""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from planners.actions import affords, answered, complete, execute, joined, planned, read, retrieve_and_read
from planners.conversation import considered
from planners.fittest import fittest
from planners.offer import offered
from planners.retrieval import NOTHING, spared
from planners.rules import Rules, named_sources
from planners.shown import found, said_before
from planners.written import objects
from prompts.inert import on_one_line
from rag.card import Schema
from rag.errors import BudgetExceeded, ModelError, PlanError, PromptError, RagError
from rag.plan import Plan, Step, repair
from rag.plan.written import step_fields
from rag.protocols import Action, Executed, Observation, Steps, Task
from rag.types import Evidence

__all__ = ["MOST_STEPS", "React"]

MOST_STEPS: Final = 8
"""How often the model is asked for a step of one question, at most."""

_MOST_WASTED: Final = 2
"""After so many steps in a row that cannot be run, or were run before, nothing more is to be hoped for."""

_MOST_TOKENS: Final = 300
_LINE_LENGTH: Final = 600  # characters

_Actions = tuple[Action, ...]
_Observations = tuple[Observation, ...]
_Walking = Generator[_Actions, _Observations, str]


class React:
    """Has the model choose each step after it has seen what the steps before brought.

    The steps that were run make up the plan of the answer. A step that cannot be run is told to the
    model. Without a model, or when it writes no step that can be run, `Rules` plan, and a note says why.
    A plan that is asked for without being run is the first step alone.

    Example:
        >>> from datetime import datetime, timezone
        >>> from rag.card import SourceCard, free_query
        >>> from rag.protocols import Completion
        >>> cards = (SourceCard(name="docs", arguments=free_query()),)
        >>> steps = React().plan(Task("How long is the leave?", cards, datetime.now(timezone.utc), model=True))
        >>> (asked,) = next(steps)
        >>> asked.prompt
        'react'
        >>> reply = '{"thought": "The docs tell.", "step": {"source": "docs", "args": {"query": "leave"}}}'
        >>> (action,) = steps.send((Completion(reply),))
        >>> print(action.plan)
        s1  docs(query="leave")
    """

    def plan(self, task: Task) -> Steps:
        """Have steps written and run in turns, then read what they brought.

        Raises:
            RagError: the reader failed.
        """
        task = considered(task)
        if spared(task) or not (task.model and task.cards):
            plan = yield from Rules().route(task)
            # Of small talk a note tells already.
            noted = plan if spared(task) else plan.noted(_by_rules("there is no model"))
            return (yield from retrieve_and_read(noted if task.cards else plan, task))
        trail = _Trail(task)
        broken = yield from trail.walked()
        if not trail.executed.plan.steps:
            return (yield from _without_steps(task, broken))
        draft = yield from read(task.question, trail.executed.evidence)
        answer = answered(task.question, trail.executed, draft, *filter(None, [broken]))
        return answer.model_copy(update={"partial": True}) if broken else answer


def _without_steps(task: Task, broken: str) -> Steps:
    """The answer where no step was run: by rules, unless the model wants nothing looked up and may have it so."""
    if not (broken or task.retrieve):
        nothing = Plan(notes=(f"{NOTHING}the model asks for no step",))
        return (yield from retrieve_and_read(planned(nothing, task), task))
    plan = yield from Rules().route(task)
    why = broken or "the model asks for nothing in particular"
    return (yield from retrieve_and_read(plan.noted(_by_rules(why)), task))


def _by_rules(why: str) -> str:
    return f"planned by rules, since {why}"


@dataclass
class _Trail:
    """What was thought, done and seen so far."""

    task: Task
    executed: Executed = field(default_factory=lambda: Executed(Plan(), Evidence()))
    lines: list[str] = field(default_factory=list)
    wasted: int = 0

    def walked(self) -> _Walking:
        """Take steps until the model has had enough; what broke the walk off before that, if anything did."""
        cards = yield from fittest(self.task, Plan(), named_sources(self.task.question, self.task.cards))
        values, plans = offered(cards, self.task)
        values["conversation"] = said_before(self.task.turns)
        schema = _step_schema(plans)
        for made in range(MOST_STEPS):
            if not affords(self.task, made):
                return "the budget leaves no model call for a further step"
            shown = values | {"steps": "\n".join(self.lines)}
            try:
                reply = yield from complete("react", shown, schema=schema, max_tokens=_MOST_TOKENS)
            except (ModelError, BudgetExceeded, PromptError) as error:
                return f"the model wrote no further step: {error}"
            written = next(objects(reply.text), {})
            if "step" in written and not written["step"]:
                return ""
            yield from self._taken(written, reply.text)
            if self.wasted >= _MOST_WASTED:
                return "the model came to no further step that could be run"
        return f"the model had not finished after {MOST_STEPS} steps"

    def _taken(self, written: Mapping[str, Any], text: str) -> Generator[_Actions, _Observations, None]:
        """Run what the model wrote, if it can be run, and note what there is to see."""
        try:
            step_id = yield from self._run(written)
        except RagError as error:
            self.wasted += 1
            seen = f"This step was not run: {on_one_line(str(error), _LINE_LENGTH)}"
        else:
            self.wasted = 0
            why = self.executed.failures.get(step_id)
            rows = self.executed.rows.get(step_id, ())
            seen = f"This step failed: {on_one_line(why, _LINE_LENGTH)}" if why else found(rows)
        # The model's own words may have been those of a source.
        self.lines += [on_one_line(json.dumps(written, ensure_ascii=False) if written else text, _LINE_LENGTH), seen]

    def _run(self, written: Mapping[str, Any]) -> Generator[_Actions, _Observations, str]:
        """Run the step, and nothing of what was run before; its id.

        Raises:
            PlanError: it is no step, cannot be mended, or was run before.
        """
        plan = self.executed.plan
        step_id = f"s{len(plan.steps) + 1}"
        call = written.get("step", {name: value for name, value in written.items() if name != "thought"})
        fields = step_fields(call, step_id) if isinstance(call, dict) else {}
        source, args = fields.get("source"), fields.get("args")
        if not source or not isinstance(source, str) or not isinstance(args, dict):
            raise PlanError('it has no "step" with a "source" and "args"')
        # Made of literals: what was found may stand in it, and is not read for references.
        step = Step(id=step_id, source=source, args=args)
        alone = repair(Plan(steps=(step,)), self.task.cards, question=self.task.question)
        (step,) = alone.steps
        if any((step.source, step.args) == (before.source, before.args) for before in plan.steps):
            raise PlanError("it was run before")
        whole = planned(plan.replace(steps=(*plan.steps, step)).noted(*alone.notes), self.task)
        done = {before.id: self.executed.rows.get(before.id, ()) for before in plan.steps}
        self.executed = joined(self.executed, (yield from execute(whole, done=done)))
        return step.id


def _step_schema(plan: Schema) -> Schema:
    """The schema of a thought with one step or none, made from that of a plan.

    Sources that take the same arguments share a kind: fifty of texts would make fifty.
    """
    kinds: dict[str, Schema] = {}
    for step in plan["properties"]["steps"]["items"]["anyOf"]:
        source, args = step["properties"]["source"]["const"], step["properties"]["args"]
        kind = kinds.setdefault(json.dumps(args, sort_keys=True), _object(source={"enum": []}, args=args))
        kind["properties"]["source"]["enum"].append(source)
    schema = _object(thought={"type": "string"}, step={"anyOf": [*kinds.values(), {"type": "null"}]})
    return schema | {name: plan[name] for name in plan.keys() & {"$defs"}}


def _object(**properties: Schema) -> Schema:
    return {"type": "object", "properties": properties, "required": [*properties], "additionalProperties": False}
