"""The plan that rules made, as a model is shown it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

from planners.fill import is_plain
from planners.records import is_record
from rag.card import SourceCard
from rag.plan import Plan, Ref, Step
from rag.plan.givers import givers_among, needs

__all__ = ["drafted"]

_NOTHING: Final = "nothing: all of the plan is yours to make"
_LEFT_OUT: Final = "left out, since the question does not give its"


def drafted(prior: Plan, said: Mapping[str, str], cards: Sequence[SourceCard]) -> str:
    """The plan in the form that the model is to write: without fallbacks, its queries short.

    Where one source gives what another needs, rules only guess at what either is to be asked: steps that
    guess are left out, and so is what rules say of sources that the question does not give enough for.

    Args:
        prior: the plan that rules made.
        said: what the question says of each source that it names.
        cards: the sources that the model may ask.
    """
    given = _given(tuple(cards))
    giving = {name for by_name in given.values() for givers in by_name.values() for name in givers}
    # A search that leads to another source is for a name in the question; rules search for the whole of it.
    guessed = {card.name for card in cards if card.name in giving and not is_record(card)}
    # Of what other arguments a tool must be given, rules guess at the values: a model copies what it is shown.
    by_name = {card.name: card for card in cards}
    guessed |= {step.source for step in prior.steps if step.source in by_name and _guesses(step, by_name[step.source])}
    steps = [step for step in prior.steps if not step.if_empty and step.source not in guessed]
    steps = [step for step in steps if all(isinstance(step.args.get(name), Ref) for name in given.get(step.source, ()))]
    notes = prior.notes
    if any(given.values()) or guessed:
        asked = {step.source for step in steps}
        notes = tuple(
            note for note in notes if asked and _LEFT_OUT not in note and note.partition(":")[0] not in guessed
        )
    shown = [_short(step, said) for step in steps]
    return "\n".join([*notes, json.dumps({"steps": shown}, ensure_ascii=False)]) if steps or notes else _NOTHING


def _guesses(step: Step, card: SourceCard) -> bool:
    """Whether a value that the source must be given is one for which nothing but its type speaks."""
    due = (card.required & step.args.keys()) - {card.query_argument}
    return any(is_plain(card, name) and not isinstance(step.args[name], Ref) for name in due)


@lru_cache(maxsize=128)
def _given(cards: tuple[SourceCard, ...]) -> dict[str, dict[str, tuple[str, ...]]]:
    """By source and argument that it needs, the sources that may give it."""
    among = givers_among(cards)
    found = {card.name: {name: among.of(card, name) for name in sorted(needs(card))} for card in cards}
    return {name: {each: giving for each, giving in args.items() if giving} for name, args in found.items()}


def _short(step: Step, said: Mapping[str, str]) -> dict[str, Any]:
    # Short drafts make short plans: a model copies what it is shown, word by word, at a cost.
    shown = {name: value for name, value in step.saved().items() if name != "after"}
    if (words := said.get(step.source)) and isinstance(shown["args"].get("query"), str):
        shown["args"]["query"] = words
    return shown
