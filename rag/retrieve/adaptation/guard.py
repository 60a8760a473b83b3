"""The guard: how many steps help questions that training has not seen, and whether they help at all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias

from rag.errors import InputError
from rag.retrieve.adaptation.adapter import HeldOut
from rag.retrieve.adaptation.training import EVERY, Lesson, Residual, trained

if TYPE_CHECKING:
    import numpy as np

    Vectors = np.ndarray[Any, np.dtype[np.float32]]
    Numbers = np.ndarray[Any, np.dtype[np.float64]]

__all__ = ["By", "guarded", "learned"]

By: TypeAlias = Literal["questions", "passages"]

_FOLDS: Final = 5
_PATIENCE: Final = 10  # looks without a new best, after which no more are taken
_AT_ONCE: Final = 256  # questions that are ranked together


def guarded(lessons: Sequence[Lesson], corpus: Vectors, *, by: By, rank: int, seed: int) -> tuple[int, HeldOut]:
    """The steps after which held-out questions fare best, and how they fare then and before.

    Each fold is held out once: a fifth of the questions, or the questions of a fifth of the passages. All
    folds are trained in step, and the mean reciprocal rank of all that is held out decides. Questions about
    one passage stand or fall together, so that passages count once each where they are held out.

    Raises:
        InputError: there is nothing to hold out.
    """
    import numpy as np

    groups = _groups(lessons, by)
    folds = list(_folds(lessons, groups, by, seed))
    if not folds:
        raise InputError(f"the pairs cannot be parted by {by}; give pairs about more of them")
    _, member = np.unique([groups[n] for _, out in folds for n in out], return_inverse=True)
    curves = [
        _curve([lessons[n] for n in kept], [lessons[n] for n in out], corpus, by=by, rank=rank, seed=seed)
        for kept, out in folds
    ]
    looks: list[Numbers] = []
    means: list[Numbers] = []
    best = 0
    for ranks in zip(*curves, strict=True):
        looks.append(1 / np.concatenate(ranks))
        means.append(np.bincount(member, looks[-1]) / np.bincount(member))
        best = max(range(len(means)), key=lambda look: means[look].mean())
        if len(looks) - best > _PATIENCE:
            break
    gains = means[best] - means[0]
    error = float(gains.std(ddof=1) / len(gains) ** 0.5) if len(gains) > 1 else float("inf")
    before, after = _recalls(looks[0]), _recalls(looks[best])
    return best * EVERY, HeldOut(by, len(looks[0]), before, after, float(gains.mean()), error)


def learned(lessons: Sequence[Lesson], corpus: Vectors, *, by: By, rank: int, seed: int) -> Iterator[Residual]:
    """The residual look by look, trained as `by` asks: among all passages, or among those with questions, evenly."""
    if by == "questions":
        return trained(lessons, corpus, rank=rank, seed=seed)
    return trained(*_among(lessons, corpus), rank=rank, seed=seed, evenly=True)


def _among(lessons: Sequence[Lesson], corpus: Vectors) -> tuple[list[Lesson], Vectors]:
    """The lessons over the passages alone that one of them is about, and these passages.

    What no question is about is not pushed away from all of them.
    """
    import numpy as np

    rows = np.unique(np.concatenate([lesson.rows for lesson in lessons]))
    moved = [Lesson(each.vector, np.searchsorted(rows, each.rows), each.shares) for each in lessons]
    return moved, corpus[rows]


def _curve(
    kept: Sequence[Lesson], out: Sequence[Lesson], corpus: Vectors, *, by: By, rank: int, seed: int
) -> Iterator[Numbers]:
    """The ranks of the held-out questions' passages, look by look."""
    for residual in learned(kept, corpus, by=by, rank=rank, seed=seed):
        yield _ranks(residual, out, corpus)


def _ranks(residual: Residual, lessons: Sequence[Lesson], corpus: Vectors) -> Numbers:
    """From 1, the rank of each lesson's best passage among all."""
    import numpy as np

    ranks: list[int] = []
    for start in range(0, len(lessons), _AT_ONCE):
        part = lessons[start : start + _AT_ONCE]
        scores = residual.moved(np.array([lesson.vector for lesson in part])) @ corpus.T
        ranks += [int((row > row[_right(each)].max()).sum()) + 1 for row, each in zip(scores, part, strict=True)]
    return np.array(ranks, np.float64)


def _right(lesson: Lesson) -> Any:
    """The rows that count as found: all, or the one with the largest share."""
    return lesson.rows if lesson.shares is None else lesson.rows[[int(lesson.shares.argmax())]]


def _groups(lessons: Sequence[Lesson], by: By) -> list[int]:
    """What is held out together: each lesson by itself, or all that are about one passage first of all."""
    return list(range(len(lessons))) if by == "questions" else [int(min(lesson.rows)) for lesson in lessons]


def _folds(
    lessons: Sequence[Lesson], groups: Sequence[int], by: By, seed: int
) -> Iterator[tuple[list[int], list[int]]]:
    """The lessons that are trained on and those that are held out; if passages are, no passage is in both."""
    import numpy as np

    names = sorted(set(groups))
    fold = dict(zip(names, np.random.default_rng(seed).permutation(len(names)) % _FOLDS, strict=True))
    passages = [frozenset(lesson.rows.tolist()) for lesson in lessons]
    for number in range(_FOLDS):
        out = [place for place, group in enumerate(groups) if fold[group] == number]
        hidden = frozenset[int]().union(*(passages[n] for n in out)) if by == "passages" else frozenset[int]()
        kept = [n for n, group in enumerate(groups) if fold[group] != number and not passages[n] & hidden]
        if kept and out:
            yield kept, out


def _recalls(reciprocal: Numbers) -> tuple[float, float]:
    return float((reciprocal >= 1).mean()), float((reciprocal >= 0.2).mean())
