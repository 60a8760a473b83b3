"""Intervals and tests over questions, by drawing them anew many times."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import numpy as np

    from rag.evaluate.measures.table import Fold

    Array = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["Gain", "interval", "paired"]

_DRAWS: Final = 10_000
_AT_ONCE: Final = 4_000_000  # values drawn at once, which bounds memory
_TAILS: Final = (2.5, 97.5)


@dataclass(frozen=True, slots=True)
class Gain:
    """A difference between two runs of the same questions: its 95 % interval, and the p of no difference."""

    mean: float
    low: float
    high: float
    p: float


def interval(runs: Sequence[Sequence[float]], fold: Fold | None = None) -> tuple[float, float]:
    """The 95 % interval of a sum over questions, their mean where nothing else is said, as the mean of the runs.

    Each run has a value for each question, in one order.

    Source: Efron and Tibshirani, 1993, An Introduction to the Bootstrap, chapter 13 (percentile interval).

    Example:
        >>> interval([[0.5, 0.5, 0.5]])
        (0.5, 0.5)
    """
    import numpy as np

    low, high = np.percentile(_drawn(np.asarray(runs, dtype=float), fold), _TAILS)
    return float(low), float(high)


def paired(here: Sequence[float], there: Sequence[float]) -> Gain:
    """How much more the first has than the second, question by question.

    Questions are drawn with replacement; p is two-sided, the share of draws around no difference that lie as far
    away as the difference that was found, and never below what so few questions can tell, as by their signs alone.

    Source: Sakai, 2006, Evaluating evaluation metrics based on the bootstrap, section 2.2; Efron and Tibshirani,
    1993, algorithm 16.2.

    Example:
        >>> paired([1.0, 0.5, 0.75], [0.5, 0.0, 0.25])
        Gain(mean=0.5, low=0.5, high=0.5, p=0.25)
    """
    import numpy as np

    differences = np.asarray(here, dtype=float) - np.asarray(there, dtype=float)
    mean = float(differences.mean())
    drawn = _drawn(differences[None])
    low, high = np.percentile(drawn, _TAILS)
    # Rounding must not part draws that are equal.
    as_far = int((np.abs(drawn - mean) >= abs(mean) - 1e-12).sum()) if mean else _DRAWS
    p = max((as_far + 1) / (_DRAWS + 1), 0.5 ** (len(differences) - 1))
    return Gain(mean, float(low), float(high), p)


def _drawn(values: Array, fold: Fold | None = None) -> Array:
    """The sum of each of many draws of questions, the last axis, as the mean of the runs; the same every time."""
    import numpy as np

    generator = np.random.default_rng(0)
    questions = values.shape[-1]
    rows = max(1, min(_DRAWS, _AT_ONCE // values.size))
    sums = list[Any]()
    for begun in range(0, _DRAWS, rows):
        places = generator.integers(questions, size=(min(rows, _DRAWS - begun), questions))
        drawn = values[:, places]
        sums.append((fold(drawn) if fold else drawn.mean(axis=-1)).mean(axis=0))
    return np.concatenate(sums)
