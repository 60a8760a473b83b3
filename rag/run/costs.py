"""What calls have cost so far in this process, and so what they will probably cost."""

from __future__ import annotations

import math
import threading
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

from rag.card import SourceCard
from rag.plan.estimate import Cost, Range
from rag.protocols import Row
from rag.types import Usage

__all__ = ["Costs"]

_KEPT: Final = 50
"""Calls of each source that are remembered."""


class _Call(NamedTuple):
    seconds: float
    tokens: float
    usd: float


class Costs:
    """Remembers what calls took, the last ones of each source and of the model.

    Example:
        >>> costs = Costs()
        >>> card = SourceCard(name="docs", cost={"seconds": 0.2, "usd": 0.01})
        >>> str(costs.of_source(card).seconds)
        '0.2'
        >>> costs.called("docs", 0.1, []); costs.called("docs", 0.3, [])
        >>> str(costs.of_source(card).seconds)
        '0.1–0.3'
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()  # an assistant may be used from several loops, each in its thread
        self._calls: dict[str, deque[_Call]] = {}
        self._completions: dict[str, deque[_Call]] = {}

    def called(self, source: str, seconds: float, rows: Sequence[Row]) -> None:
        """Remember a call of a source."""
        tokens = sum(len(text) for row in rows if isinstance(text := row.get("text"), str)) / 4
        with self._lock:
            self._calls.setdefault(source, deque(maxlen=_KEPT)).append(_Call(seconds, tokens, 0.0))

    def asked(self, prompt: str, usage: Usage) -> None:
        """Remember a call of the model, for a prompt."""
        with self._lock:
            calls = self._completions.setdefault(prompt, deque(maxlen=_KEPT))
            calls.append(_Call(usage.seconds, usage.tokens, usage.usd or 0.0))

    def of_source(self, card: SourceCard) -> Cost:
        """What a call of the source costs: as seen, else as its card declares, else at most its time limit."""
        with self._lock:
            seen = list(self._calls.get(card.name, ()))
        declared = {name: Range(value, value) for name, value in card.cost.items()}
        return Cost(
            seconds=_span(c.seconds for c in seen) or declared.get("seconds", Range(0.0, card.timeout)),
            usd=declared.get("usd", Range()),
            tokens=_span(c.tokens for c in seen) or declared.get("tokens", Range(0.0, math.inf)),
        )

    def of_reading(self) -> Cost:
        """What a call of the model that reads costs, as seen; nothing is known of the first one."""
        with self._lock:
            seen = list(self._completions.get("answer", ()))
        unknown = Range(0.0, math.inf)
        return Cost(
            seconds=_span(c.seconds for c in seen) or unknown,
            usd=_span(c.usd for c in seen) or unknown,
            tokens=_span(c.tokens for c in seen) or unknown,
        )


def _span(numbers: Iterable[Any]) -> Range | None:
    # Three digits are all that such a guess is good for, and keep saved plans short.
    found = [float(f"{number:.3g}") for number in numbers]
    return Range(min(found), max(found)) if found else None
