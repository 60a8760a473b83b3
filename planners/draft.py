"""The plan that rules made, as a model is shown it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from rag.card import SourceCard
from rag.plan import Plan, Ref, Step
from rag.plan.givers import Givers, needs

__all__ = ["drafted"]

_LEFT_OUT: Final = "left out, since the question does not give its"


def drafted(prior: Plan, said: Mapping[str, str], cards: Sequence[SourceCard]) -> str:
    """The plan in the form that the model is to write: without fallbacks, its queries short.

    Where one source gives what another needs, rules only guess at the latter: those steps are left out,
    and so is what rules say of sources that the question does not give enough for.

    Args:
        prior: the plan that rules made.
        said: what the question says of each source that it names.
        cards: the sources that the model may ask.
    """
    given = _given(cards)
    steps = [step for step in prior.steps if not step.if_empty and not _guessed(step, given.get(step.source, set()))]
    if not any(given.values()):
        notes = prior.notes
    else:
        notes = tuple(note for note in prior.notes if _LEFT_OUT not in note and steps)
    shown = [_short(step.replace(after=()).saved(), said) for step in steps]
    return "\n".join([*notes, json.dumps({"steps": shown}, ensure_ascii=False)]) if steps or notes else "nothing"


def _given(cards: Sequence[SourceCard]) -> dict[str, set[str]]:
    """By source, the arguments that it needs and others may give."""
    among = Givers(cards)
    return {card.name: {name for name in needs(card) if among.of(card, name)} for card in cards}


def _guessed(step: Step, given: set[str]) -> bool:
    return any(not isinstance(step.args.get(name), Ref) for name in given)


def _short(step: dict[str, Any], said: Mapping[str, str]) -> dict[str, Any]:
    # Short drafts make short plans: a model copies what it is shown, word by word, at a cost.
    if (words := said.get(step["source"])) and isinstance(step["args"].get("query"), str):
        step["args"]["query"] = words
    return step
