"""Measures of plans against gold plans: which sources, and with which arguments."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from statistics import fmean
from typing import Any, Final

from rag.evaluate.measures.answers import f1
from rag.plan import Plan, Step

__all__ = ["arguments", "source_f1", "sources_exact"]

_STEP: Final = re.compile(r"(?<!\$)\$(\w+)")


def sources_exact(plan: Plan, gold: Sequence[Plan]) -> float:
    """1 where the plan asks exactly the sources of a gold plan; what is asked only if another brings nothing is let be.

    Example:
        >>> orders, both = ({"steps": [{"id": n, "source": n} for n in names]} for names in ("a", "ab"))
        >>> sources_exact(Plan.model_validate(orders), [Plan.model_validate(both)])
        0.0
    """
    return float(any(_sources(plan) == _sources(one) for one in gold))


def source_f1(plan: Plan, gold: Sequence[Plan]) -> float:
    """The best F1 of the set of sources against that of a gold plan, from 0 to 1."""
    return max(_set_f1(_sources(plan), _sources(one)) for one in gold)


def arguments(plan: Plan, gold: Sequence[Plan]) -> float:
    """The best share of a gold plan's arguments that the plan has, from 0 to 1.

    Each gold step is compared with the step of the same source that fits it best, and each step serves once. A
    reference counts by the source and the field that it refers to; of a text of several words, the F1 of its words.
    """
    return max(_arguments(plan, one) for one in gold)


def _sources(plan: Plan) -> set[str]:
    return {step.source for step in plan.steps if not step.if_empty}


def _set_f1(found: set[str], gold: set[str]) -> float:
    return 2 * len(found & gold) / (len(found) + len(gold)) if found or gold else 1.0


def _arguments(plan: Plan, gold: Plan) -> float:
    if not gold.steps:
        return float(not plan.steps)
    left, shares, named = list(plan.steps), list[float](), _namer(plan)
    wanted_named = _namer(gold)
    for step in gold.steps:
        wanted = wanted_named(step)
        fits = [
            (_share(named(other), wanted), -place) for place, other in enumerate(left) if other.source == step.source
        ]
        share, place = max(fits, default=(0.0, 0))
        shares.append(share)
        if fits:
            del left[-place]
    return fmean(shares)


def _namer(plan: Plan) -> Callable[[Step], dict[str, Any]]:
    """Gives a step's saved arguments, in which references name sources: ids are each plan's own."""
    sources = {step.id: step.source for step in plan.steps}

    def renamed(value: Any) -> Any:
        if isinstance(value, str):
            return _STEP.sub(lambda match: f"${sources.get(match[1], match[1])}", value)
        if isinstance(value, Mapping):
            return {name: renamed(item) for name, item in value.items()}
        return [renamed(item) for item in value] if isinstance(value, list) else value

    return lambda step: dict(renamed(step.saved()["args"]))


def _share(found: Mapping[str, Any], gold: Mapping[str, Any]) -> float:
    if not gold:
        return float(not found)
    return fmean(_likeness(found.get(name), value) for name, value in gold.items())


def _likeness(found: Any, gold: Any) -> float:
    if not isinstance(found, str) or not isinstance(gold, str):
        return float(found == gold)
    if found.casefold().split() == gold.casefold().split():
        return 1.0
    return f1(found, [gold]) if len(gold.split()) > 1 and not _STEP.search(gold) else 0.0
