"""Steps a planner, and holds it to its protocol."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any, TypeAlias

from rag.errors import PlanError, RagError
from rag.protocols import Action, Observation, Planner, Task
from rag.types import Answer

__all__ = ["Actions", "Observations", "Running", "advance", "start"]

Actions: TypeAlias = tuple[Action, ...]
Observations: TypeAlias = tuple[Observation, ...]
Running: TypeAlias = Generator[Actions, Observations, Answer]


def start(planner: Planner, task: Task) -> Running:
    """The planner's generator, not yet begun.

    Raises:
        PlanError: the planner gives none.
    """
    name = type(planner).__name__
    steps = _sound(name, lambda: planner.plan(task))
    if not isinstance(steps, Generator):
        raise PlanError(f"the planner {name} gives a {type(steps).__name__}; its plan method must be a generator")
    return steps


def advance(planner: Planner, steps: Running, seen: Observations | None) -> Actions | Answer:
    """What the planner wants next, or its answer, once it was sent what it wanted before.

    Raises:
        PlanError: it wants or returns something else, or raised an error that is not the framework's.
        RagError: as the planner raised it.
    """
    name = type(planner).__name__

    def step() -> Actions | Answer:
        try:
            return next(steps) if seen is None else steps.send(seen)
        except StopIteration as stop:
            if not isinstance(stop.value, Answer):
                raise PlanError(
                    f"the planner {name} returned {type(stop.value).__name__}; it must return an Answer"
                ) from None
            return stop.value

    outcome = _sound(name, step)
    if isinstance(outcome, Answer) or (isinstance(outcome, tuple) and all(isinstance(a, Action) for a in outcome)):
        return outcome
    raise PlanError(f"the planner {name} yielded {outcome!r:.80}; it must yield a tuple of actions")


def _sound(planner: str, call: Callable[[], Any]) -> Any:
    try:
        return call()
    except RagError:
        raise
    except Exception as error:  # planners are other people's code, and this is the edge to them
        raise PlanError(f"the planner {planner} raised {type(error).__name__}: {error}") from error
