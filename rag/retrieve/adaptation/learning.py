"""Learning an adapter from what an index holds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, get_args

from rag.errors import ConfigError, InputError
from rag.retrieve.adaptation.adapter import Adapter
from rag.retrieve.adaptation.guard import By, guarded, learned
from rag.retrieve.adaptation.training import EVERY, Lesson
from rag.retrieve.algebra import Query, Step
from rag.retrieve.way import BLOCKING, finished
from rag.types import Hit, Scope

if TYPE_CHECKING:
    import numpy as np

    from rag.retrieve.index import Index

    Vectors = np.ndarray[Any, np.dtype[np.float32]]

__all__ = ["adapt", "distill"]

_FEWEST: Final = 20
_MOST: Final = 20_000  # passages that are negatives; of a larger index, those of the pairs and random others


def adapt(
    index: Index,
    pairs: Iterable[tuple[str, str]],
    *,
    scope: Scope | None = None,
    held_out: By = "questions",
    rank: int = 64,
    seed: int = 0,
) -> Adapter:
    """An adapter from questions and the documents or passages that answer them; on only if it wins held out.

    Args:
        index: what is searched; its vectors stay as they are.
        pairs: a question with a `doc_id` or `chunk_id`; a question may come with several.
        scope: whose documents they are; with a tenant or user, an index adapts their queries alone.
        held_out: "questions" where later questions are about the same passages as these, such as tools or
            rules that have pairs; "passages" where they are about others, which then may not suffer.
        rank: of the residual; less of it learns less from few pairs, and errs less.
        seed: the same pairs and seed give the same adapter.

    Raises:
        InputError: there are fewer than 20 questions, or the index lacks what a pair names.
        ConfigError: the rank is below 1, or `held_out` is neither.
        RetrievalError: the index cannot be read.
        ModelError: the embedder failed.
    """
    right: dict[str, list[str]] = defaultdict(list)
    for question, name in pairs:
        right[question].append(name)
    if held_out not in get_args(By):
        raise ConfigError(f"held_out={held_out!r} cannot be; give one of {', '.join(map(repr, get_args(By)))}")
    ids, corpus = index.vectors(scope=scope)
    places = _places(ids)
    unknown = sorted({name for names in right.values() for name in names} - places.keys())
    if unknown:
        raise InputError(
            f"{len(unknown)} pairs name what {index!r} does not hold, such as {unknown[0]!r};"
            " give the doc_id or chunk_id of a document in it, and its scope"
        )
    rows = [sorted({row for name in names for row in places[name]}) for names in right.values()]
    lessons = _lessons(index, list(right), rows)
    return _of_scope(_adapter(index, lessons, corpus, by=held_out, rank=rank, seed=seed), scope)


def distill(
    index: Index,
    questions: Iterable[str | tuple[str, str]],
    teacher: Step,
    *,
    scope: Scope | None = None,
    k: int = 20,
    rank: int = 64,
    seed: int = 0,
) -> Adapter:
    """An adapter that brings a reranker's judgement of a question with its draft into the question alone.

    For each question the index is searched for draft and question, the teacher scores what is found, and
    the question's vector learns to share its likelihood among these passages as the teacher does.

    Args:
        index: what is searched; its vectors stay as they are.
        questions: a question, or a question and a draft of its answer, such as a first round's.
        teacher: a step such as `rag.rerank(model)`; it is asked once a question.
        scope: whose documents are searched; with a tenant or user, an index adapts their queries alone.
        k: passages that the teacher sees.
        rank: of the residual.
        seed: the same judgements and seed give the same adapter.

    Raises:
        InputError: there are fewer than 20 questions that find anything to choose from.
        ConfigError: the rank is below 1.
        RetrievalError: the index cannot be read.
        ModelError: the embedder or the teacher failed.

    Source: Shao et al., 2023, arXiv 2305.15294, section 3.4 (retrieval adaptation).
    """
    ids, corpus = index.vectors(scope=scope)
    places = {name: place for place, name in enumerate(ids)}
    taught: dict[str, Mapping[int, float]] = {}
    for given in questions:
        question, draft = (given, "") if isinstance(given, str) else given
        judged = _judged(index, f"{draft} {question}".strip(), teacher, scope, k)
        if len(judged) > 1:  # among one there is nothing to learn
            taught[question] = {places[hit.passage.chunk_id]: hit.score for hit in judged}
    lessons = _lessons(index, list(taught), [list(rows) for rows in taught.values()], list(taught.values()))
    return _of_scope(_adapter(index, lessons, corpus, by="questions", rank=rank, seed=seed), scope)


def _of_scope(adapter: Adapter, scope: Scope | None) -> Adapter:
    """The adapter as that of the scope's tenant and user: what theirs taught it, others are not to see."""
    return replace(adapter, tenant=scope.tenant, user=scope.user) if scope else adapter


def _adapter(index: Index, lessons: Sequence[Lesson], corpus: Vectors, *, by: By, rank: int, seed: int) -> Adapter:
    if rank < 1:
        raise ConfigError(f"a rank of {rank} cannot work; give 1 or more, such as 64")
    if len(lessons) < _FEWEST:
        raise InputError(f"{len(lessons)} questions are too few to learn from and to check; give {_FEWEST} or more")
    lessons, corpus = _sampled(lessons, corpus, seed)
    steps, seen = guarded(lessons, corpus, by=by, rank=rank, seed=seed)
    residual = next(islice(learned(lessons, corpus, by=by, rank=rank, seed=seed), steps // EVERY, None))
    return Adapter(index.embedder.name, residual.down, residual.up, steps, seen)


def _lessons(
    index: Index,
    questions: Sequence[str],
    rows: Sequence[Sequence[int]],
    scores: Sequence[Mapping[int, float]] | None = None,
) -> list[Lesson]:
    import numpy as np

    vectors = index.embedder.embed(questions)
    shares = [_shares(each) for each in scores] if scores else [None] * len(questions)
    each = zip(vectors, rows, shares, strict=True)
    return [Lesson(vector, np.array(found, np.int64), share) for vector, found, share in each]


def _shares(scores: Mapping[int, float]) -> Vectors:
    """Scores of any range as shares of 1: softmax over what they are when their deviation is 1."""
    import numpy as np

    values = np.array(list(scores.values()), np.float32)
    likelihood = np.exp((values - values.max()) / (values.std() or 1))
    shares: Vectors = likelihood / likelihood.sum()
    return shares


def _judged(index: Index, text: str, teacher: Step, scope: Scope | None, k: int) -> Sequence[Hit]:
    hits = index.search(text, k, scope=scope)
    return finished(_applied(teacher, Query(text, scope), hits))


async def _applied(teacher: Step, query: Query, hits: Sequence[Hit]) -> Sequence[Hit]:
    return await teacher.applied(query, hits, BLOCKING)


def _places(ids: Sequence[str]) -> dict[str, list[int]]:
    """The rows of each document and of each passage."""
    places: dict[str, list[int]] = defaultdict(list)
    for row, name in enumerate(ids):
        places[name].append(row)
        places[name.rpartition("#")[0]].append(row)
    return places


def _sampled(lessons: Sequence[Lesson], corpus: Vectors, seed: int) -> tuple[Sequence[Lesson], Vectors]:
    import numpy as np

    if len(corpus) <= _MOST:
        return lessons, corpus
    needed = np.unique(np.concatenate([lesson.rows for lesson in lessons]))
    others = np.setdiff1d(np.arange(len(corpus)), needed)
    extra = np.random.default_rng(seed).choice(others, max(_MOST - len(needed), 0), replace=False)
    rows = np.sort(np.concatenate([needed, extra]))
    return [Lesson(each.vector, np.searchsorted(rows, each.rows), each.shares) for each in lessons], corpus[rows]
