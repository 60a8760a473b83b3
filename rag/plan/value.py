"""`Plan` and `Step`: frozen values with a saved form."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_serializer, model_validator

from rag.errors import BadReference, PlanCycle, PlanError
from rag.plan import draw
from rag.plan.estimate import Cost, Estimate, estimated
from rag.plan.normal import MOST_DEPTH, is_deep, normal
from rag.plan.ran import Ran
from rag.plan.refs import NAME, references, unparse_value
from rag.plan.saved import first_problem, no_constant, read_step

__all__ = ["Plan", "Step"]

VERSION = 1
_MOST_NAMED = 12  # steps of a ring that a message names


class Step(BaseModel):
    """One call of one source.

    `args` is JSON in which a `Ref` or a `Template` may stand for a value. `after` names steps to
    wait for besides those referred to; `if_empty` names a step that must have brought nothing for
    this one to run.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", ignored_types=(cached_property,))

    id: str = Field(pattern=rf"^{NAME}$")
    source: str = Field(min_length=1)
    args: dict[str, Any] = Field(default_factory=dict)
    after: tuple[str, ...] = ()
    if_empty: str | None = None

    @field_validator("args")
    @classmethod
    def _in_normal_form(cls, args: dict[str, Any]) -> dict[str, Any]:
        if is_deep(args):
            raise PlanError(f"an argument is nested more than {MOST_DEPTH} deep")
        try:
            # null means absent, as in the saved form
            return {name: normal(value) for name, value in args.items() if value is not None}
        except ValueError as error:
            raise PlanError(f"an argument cannot be kept in a plan: {error}") from error

    @cached_property
    def needs(self) -> frozenset[str]:
        """The ids of the steps whose results the arguments refer to."""
        return frozenset(ref.step for ref in references(self.args))

    @cached_property
    def waits_for(self) -> frozenset[str]:
        """The ids of all steps that must have ended before this one starts."""
        return self.needs | set(self.after) | ({self.if_empty} if self.if_empty else set())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Step) and self._identity == other._identity

    def __hash__(self) -> int:
        return hash(self._identity)

    @cached_property
    def _identity(self) -> str:
        # As text: Python has 1 == True, but a source that is sent the one need not take the other.
        return json.dumps(self.saved(), sort_keys=True)

    def replace(self, **changes: Any) -> Step:
        """The step with some fields changed."""
        return Step(**{name: getattr(self, name) for name in Step.model_fields} | changes)

    def saved(self) -> dict[str, Any]:
        """The step as JSON, references written as text."""
        form: dict[str, Any] = {"id": self.id, "source": self.source, "args": unparse_value(self.args)}
        if self.after:
            form["after"] = list(self.after)
        if self.if_empty:
            form["if_empty"] = self.if_empty
        return form


class Plan(BaseModel):
    """Steps, in the order they were written, and what is known of how they came about.

    `sources` maps the name of each source to the fingerprint of the card that the plan was made
    for. `notes` tells repairs and fallbacks. No steps means that no retrieval is needed.

    What was known of the sources' costs when the plan was made is saved with it. What came of its
    steps (`ran`) is drawn with it after a run, and is not saved: the trace of an answer has it, from
    which `rag.plan.ran.ran_of` makes it again. Neither makes two plans differ.

    Raises:
        PlanError: two steps share an id.

    Example:
        >>> plan = Plan.from_json('{"steps": [{"id": "s1", "source": "orders", "args": {"query": "lamp"}},'
        ...                       ' {"id": "s2", "source": "reviews", "args": {"query": "$s1.title light"}}]}')
        >>> print(plan)
        s1  orders(query="lamp")
        s2  reviews(query="$s1[0].title light")  ← s1
        >>> Plan.from_json(plan.to_json()) == plan
        True
    """

    model_config = ConfigDict(frozen=True, extra="forbid", ignored_types=(cached_property,))

    steps: tuple[Step, ...] = ()
    question: str | None = None
    sources: dict[str, str] = Field(default_factory=dict)
    notes: tuple[str, ...] = ()
    costs: dict[str, Cost] = Field(default_factory=dict, repr=False)
    ran: dict[str, Ran] = Field(default_factory=dict, repr=False)

    @model_validator(mode="before")
    @classmethod
    def _read_saved_form(cls, data: Any) -> Any:
        if not isinstance(data, Mapping):
            return data
        version = data.get("version", VERSION)
        if version != VERSION:
            raise PlanError(f"the plan is of version {version!r}; this release reads version {VERSION}")
        fields = {key: value for key, value in data.items() if key != "version"}
        if isinstance(steps := fields.get("steps"), list | tuple):
            fields["steps"] = tuple(read_step(step) for step in steps)
        return fields

    @model_validator(mode="after")
    def _ids_are_unique(self) -> Self:
        seen: set[str] = set()
        for step in self.steps:
            if step.id in seen:
                raise PlanError(f"two steps are called {step.id!r}; give each its own id")
            seen.add(step.id)
        return self

    @model_serializer(mode="plain")
    def saved(self) -> dict[str, Any]:
        """The saved form, as a dictionary."""
        form: dict[str, Any] = {"version": VERSION, "question": self.question, "sources": dict(self.sources)}
        form["steps"] = [step.saved() for step in self.steps]
        if self.notes:
            form["notes"] = list(self.notes)
        if self.costs:
            form["costs"] = {
                name: cost.model_dump(mode="json", exclude_defaults=True) for name, cost in self.costs.items()
            }
        return form

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Plan) and self._identity == other._identity

    def __hash__(self) -> int:
        return hash((self.question, tuple(step.id for step in self.steps)))

    @property
    def _identity(self) -> tuple[Any, ...]:
        return (self.steps, self.question, self.sources, self.notes)

    @classmethod
    def from_json(cls, saved: str | bytes | Mapping[str, Any]) -> Plan:
        """Read a saved plan, or the bare `{"steps": […]}` that a model writes.

        Raises:
            PlanError: the text is not JSON, or not of a plan's form.
        """
        try:
            data = json.loads(saved, parse_constant=no_constant) if isinstance(saved, str | bytes) else saved
            if not isinstance(data, Mapping) or not isinstance(data.get("steps"), list | tuple):
                raise PlanError('a plan is a JSON object with "steps": [{"id", "source", "args"}, …]')
            return cls.model_validate(data)
        except ValidationError as error:
            raise PlanError(f"not a plan: {first_problem(error)}") from error
        except (ValueError, RecursionError) as error:
            raise PlanError(f"not a plan: the text is not JSON ({error})") from error

    def to_json(self, *, indent: int | None = None) -> str:
        """The saved form, as text; `Plan.from_json` reads it back to an equal plan."""
        return json.dumps(self.saved(), indent=indent)

    def replace(self, **changes: Any) -> Plan:
        """The plan with some fields changed; where its steps change, it is one that has not run."""
        # Not model_copy: it would take the cached order of the old steps along.
        ran: dict[str, Any] = {"ran": {}} if "steps" in changes else {}
        return Plan(**{name: getattr(self, name) for name in Plan.model_fields} | ran | changes)

    def step(self, step_id: str) -> Step:
        """The step of that id.

        Raises:
            PlanError: there is none.
        """
        for step in self.steps:
            if step.id == step_id:
                return step
        raise PlanError(
            f"the plan has no step {step_id!r}; its steps are {', '.join(s.id for s in self.steps) or 'none'}"
        )

    @cached_property
    def order(self) -> tuple[str, ...]:
        """Step ids so that each comes after those it waits for, else in the order written.

        Raises:
            BadReference: a step waits for one that is not there.
            PlanCycle: steps wait for each other in a ring.
        """
        ids = {step.id for step in self.steps}
        for step in self.steps:
            if unknown := sorted(step.waits_for - ids):
                raise BadReference(f"step {step.id!r} refers to {unknown[0]!r}, which is not a step of the plan")
        try:
            return tuple(TopologicalSorter({s.id: sorted(s.waits_for) for s in self.steps}).static_order())
        except CycleError as error:
            ring = " → ".join(error.args[1][:_MOST_NAMED]) + (" → …" if len(error.args[1]) > _MOST_NAMED else "")
            raise PlanCycle(f"steps wait for each other in a ring: {ring}") from error

    def without(self, *step_ids: str) -> Plan:
        """The plan less those steps.

        Raises:
            PlanError: a step is not there, or one that stays waits for one that goes.
        """
        gone = {self.step(step_id).id for step_id in step_ids}
        kept = tuple(step for step in self.steps if step.id not in gone)
        for step in kept:
            if needed := sorted(step.waits_for & gone):
                raise PlanError(
                    f"step {step.id!r} waits for {needed[0]!r}; take both away, or change {step.id!r} first"
                )
        return self.replace(steps=kept)

    def with_args(self, step_id: str, **args: Any) -> Plan:
        """The plan with some arguments of one step replaced; None takes an argument away.

        Strings are literal; pass a `Ref`, or `text(…)`, to refer to another step.

        Raises:
            PlanError: there is no such step.
        """
        old = self.step(step_id)
        merged = {k: v for k, v in {**old.args, **args}.items() if v is not None}
        new = old.replace(args=merged)
        return self.replace(steps=tuple(new if s.id == step_id else s for s in self.steps))

    def noted(self, *notes: str) -> Plan:
        """The plan with notes added."""
        return self.replace(notes=(*self.notes, *notes)) if notes else self

    def diff(self, other: Plan) -> tuple[str, ...]:
        """What changed from this plan to the other, one line a step: "+", "-" and "~" lines.

        Example:
            >>> old = Plan(steps=(Step(id="s1", source="docs", args={"query": "a"}),))
            >>> old.diff(old.with_args("s1", query="b"))
            ('~ s1  docs(query="a")  →  docs(query="b")',)
        """
        before, after = ({s.id: s for s in plan.steps} for plan in (self, other))
        lines = [f"- {draw.line(s)}" for s in self.steps if s.id not in after]
        lines += [f"+ {draw.line(s)}" for s in other.steps if s.id not in before]
        for step_id in (s.id for s in self.steps if s.id in after and s != after[s.id]):
            lines.append(draw.change(before[step_id], after[step_id]))
        return tuple(lines)

    def estimate(self) -> Estimate:
        """What running and reading the plan will cost, as ranges, from what its sources declare or took before.

        Example:
            >>> plan = Plan(steps=(Step(id="s1", source="docs", args={"query": "a"}),),
            ...             costs={"docs": Cost(seconds=(0.1, 0.4))})
            >>> print(plan.estimate())
            1 source call · 0.1–0.4 s
        """
        return estimated(self, self.costs)

    def mermaid(self) -> str:
        """The plan as the text of a Mermaid flow chart."""
        return draw.mermaid(self)

    def __str__(self) -> str:
        return draw.lines(self)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return {"text/plain": str(self), "text/html": draw.html(self)}
