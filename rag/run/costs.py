"""What calls have cost so far in this process, and so what they will probably cost."""

from __future__ import annotations

import math
import threading
from collections import deque
from collections.abc import Iterable, Sequence
from statistics import median
from typing import Final, NamedTuple

from rag.card import SourceCard
from rag.plan.estimate import Cost, Range
from rag.protocols import Row
from rag.types import Usage

__all__ = ["QUICK", "Costs", "declared"]

_KEPT: Final = 20
"""Calls of each source that are remembered."""

QUICK: Final = 0.5
"""Seconds; a reply that comes sooner is not streamed for the sake of what may begin before its end."""


class _Call(NamedTuple):
    seconds: float
    tokens: float
    usd: float | None


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
        self._best: dict[str, float] = {}
        self._written: dict[str, deque[int]] = {}

    def called(self, source: str, seconds: float, rows: Sequence[Row]) -> None:
        """Remember a call of a source."""
        tokens = sum(map(_size, rows)) / 4
        with self._lock:
            self._calls.setdefault(source, deque(maxlen=_KEPT)).append(_Call(_short(seconds), _short(tokens), 0.0))

    def asked(self, prompt: str, usage: Usage) -> None:
        """Remember a call of the model, for a prompt."""
        usd = None if usage.usd is None else _short(usage.usd)
        with self._lock:
            calls = self._completions.setdefault(prompt, deque(maxlen=_KEPT))
            calls.append(_Call(_short(usage.seconds), _short(usage.tokens), usd))
            if usage.seconds:  # not all models tell
                words = max(1, usage.completion_tokens)
                self._written.setdefault(prompt, deque(maxlen=_KEPT)).append(words)
                self._best[prompt] = min(usage.seconds / words, self._best.get(prompt, math.inf))

    def is_quick(self, prompt: str) -> bool:
        """Whether the model is known to answer the prompt so soon that nothing is won by work begun meanwhile."""
        # Its best pace is what counts, however long ago: under load, when streaming would cost most, all take longer.
        # But for a reply as long as they usually are: one that was quick since it said little tells nothing.
        written = self._written.get(prompt)
        return written is not None and self._best[prompt] * median(written) < QUICK

    def of_source(self, card: SourceCard) -> Cost:
        """What a call of the source costs: as seen, else as its card declares, else at most its time limit."""
        with self._lock:
            seconds, tokens, _ = _spans(self._calls.get(card.name, ()))
        seen = {name: value for name, value in (("seconds", seconds), ("tokens", tokens)) if value}
        return declared(card).model_copy(update=seen)

    def of_reading(self) -> Cost:
        """What a call of the model that reads costs, as seen; nothing is known of the first one."""
        with self._lock:
            seconds, tokens, usd = _spans(self._completions.get("answer", ()))
        unknown = Range(0.0, math.inf)
        return Cost(seconds=seconds or unknown, usd=usd or unknown, tokens=tokens or unknown)


def declared(card: SourceCard) -> Cost:
    """What a call of the source costs as its card declares, else at most its time limit."""
    told = {name: Range(value, value) for name, value in card.cost.items()}
    return Cost(
        seconds=told.get("seconds", Range(0.0, card.timeout)),
        usd=told.get("usd", Range()),
        tokens=told.get("tokens", Range(0.0, math.inf)),
        at_once=card.concurrency,
    )


def _size(row: Row) -> int:
    """About how many characters of the row a reader is shown."""
    if isinstance(text := row.get("text"), str):
        return len(text)
    return sum(len(f"{name}: {value}") for name, value in row.items() if value is not None)


def _spans(calls: Iterable[_Call]) -> tuple[Range | None, Range | None, Range | None]:
    """The ranges of the seconds, the tokens and the money of calls; None where there were none."""
    columns = list(zip(*calls, strict=True))
    if not columns:
        return None, None, None
    # What nobody has said the price of is not free.
    seconds, tokens, usd = (None if None in column else Range(min(column), max(column)) for column in columns)
    return seconds, tokens, usd


def _short(number: float) -> float:
    # Three digits are all that such a guess is good for, and keep saved plans short.
    return float(f"{number:.3g}")
