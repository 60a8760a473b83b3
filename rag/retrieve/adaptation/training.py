"""Training of the residual, in numpy: seconds on a CPU for thousands of questions.

What was measured (all-MiniLM-L6-v2, rank 64): negatives are all passages, one positive is drawn a step,
and other passages that answer the same question are left out. Static hard negatives alone wrecked
the ranking, so that they are not offered.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import numpy as np

    Vectors = np.ndarray[Any, np.dtype[np.float32]]
    Rows = np.ndarray[Any, np.dtype[np.int64]]

__all__ = ["EVERY", "STEPS", "Lesson", "Residual", "trained"]

STEPS: Final = 500
EVERY: Final = 10
"""Steps from one look at held-out questions to the next."""

_BATCH: Final = 128
_RATE: Final = 1e-3
_TEMPERATURE: Final = 0.05
_DECAY: Final = (0.9, 0.999)  # of Adam's two averages


@dataclass(frozen=True, eq=False)
class Lesson:
    """A question's vector, and the rows of the corpus that it should find.

    Without `shares` any one of them is right, among all passages. With them the rows are all that is
    compared, and each should get its share of the likelihood.
    """

    vector: Vectors
    rows: Rows
    shares: Vectors | None = None


@dataclass(frozen=True, eq=False)
class Residual:
    """The two matrices of an adapter as they stand after some steps."""

    down: Vectors
    up: Vectors

    def moved(self, vectors: Vectors) -> Vectors:
        """The vectors of questions, or of one, moved, as unit vectors."""
        import numpy as np

        moved = vectors + vectors @ self.down.T @ self.up.T
        unit: Vectors = moved / np.linalg.norm(moved, axis=-1, keepdims=True)
        return unit


def trained(
    lessons: Sequence[Lesson], corpus: Vectors, *, rank: int, seed: int, evenly: bool = False
) -> Iterator[Residual]:
    """The residual after every `EVERY` steps, up to `STEPS`; the first one changes nothing.

    With `evenly` each passage is drawn as often as any other, however many questions it has: what is
    learned then says less of these passages, and more of questions as such.

    The loss is InfoNCE at temperature .05 where one passage is right, and the Kullback-Leibler
    divergence where passages have shares; both have the gradient "likelihood less target".

    Source: van den Oord et al., 2018, arXiv 1807.03748 (InfoNCE); Shao et al., 2023, arXiv 2305.15294,
    section 3.4 (a reranker's scores distilled into the query); Kingma and Ba, 2015, arXiv 1412.6980 (Adam).
    """
    import numpy as np

    random = np.random.default_rng(seed)
    width = corpus.shape[1]
    # `up` starts at nothing, and so does the change.
    down = random.normal(0, width**-0.5, (rank, width)).astype(np.float32)
    up = np.zeros((width, rank), np.float32)
    adam = [_Adam(down), _Adam(up)]
    vectors = np.array([lesson.vector for lesson in lessons], np.float32)
    yield Residual(down.copy(), up.copy())
    odds = _odds(lessons) if evenly else None
    for step in range(1, STEPS + 1):
        batch = random.choice(len(lessons), min(_BATCH, len(lessons)), replace=evenly, p=odds)
        target, allowed = _targets([lessons[place] for place in batch], len(corpus), random)
        gradients = _gradients(vectors[batch], (down, up), corpus, target, allowed)
        for optimiser, gradient in zip(adam, gradients, strict=True):
            optimiser.step(gradient)
        if step % EVERY == 0:
            yield Residual(down.copy(), up.copy())


def _odds(lessons: Sequence[Lesson]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """How likely each lesson is drawn, so that passages are drawn alike."""
    import numpy as np

    passages = Counter(int(lesson.rows[0]) for lesson in lessons)
    odds = np.array([1 / passages[int(lesson.rows[0])] for lesson in lessons])
    shares: np.ndarray[Any, np.dtype[np.float64]] = odds / odds.sum()
    return shares


def _targets(lessons: Sequence[Lesson], size: int, random: np.random.Generator) -> tuple[Vectors, Vectors]:
    """For each lesson, the likelihood that each passage should have, and which passages are compared at all."""
    import numpy as np

    target = np.zeros((len(lessons), size), np.float32)
    allowed = np.ones((len(lessons), size), bool)
    for place, lesson in enumerate(lessons):
        if lesson.shares is None:
            right = random.choice(lesson.rows)
            allowed[place, lesson.rows] = False
            allowed[place, right] = True
            target[place, right] = 1
        else:
            allowed[place] = False
            allowed[place, lesson.rows] = True
            target[place, lesson.rows] = lesson.shares
    return target, allowed


def _gradients(
    vectors: Vectors, residual: tuple[Vectors, Vectors], corpus: Vectors, target: Vectors, allowed: Vectors
) -> tuple[Vectors, Vectors]:
    """Of the loss, by `down` and by `up`."""
    import numpy as np

    down, up = residual
    inner = vectors @ down.T
    moved = vectors + inner @ up.T
    length = np.linalg.norm(moved, axis=1, keepdims=True)
    unit = moved / length
    logits = np.where(allowed, unit @ corpus.T / _TEMPERATURE, -np.inf)
    likelihood = np.exp(logits - logits.max(axis=1, keepdims=True))
    likelihood /= likelihood.sum(axis=1, keepdims=True)
    by_unit = (likelihood - target) @ corpus / (_TEMPERATURE * len(vectors))
    by_moved = (by_unit - (by_unit * unit).sum(axis=1, keepdims=True) * unit) / length
    return (by_moved @ up).T @ vectors, by_moved.T @ inner


class _Adam:
    """Adam's averages for one matrix, which it changes in place."""

    def __init__(self, matrix: Vectors) -> None:
        self._matrix, self._count = matrix, 0
        self._mean, self._square = matrix * 0, matrix * 0

    def step(self, gradient: Vectors) -> None:
        first, second = _DECAY
        self._count += 1
        self._mean = first * self._mean + (1 - first) * gradient
        self._square = second * self._square + (1 - second) * gradient**2
        mean = self._mean / (1 - first**self._count)
        square = self._square / (1 - second**self._count)
        self._matrix -= _RATE * mean / (square**0.5 + 1e-8)
