"""Evaluation from Python: a subject, a task, a report."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rag.run import bridge

if TYPE_CHECKING:
    from rag.evaluate.recording import Recording
    from rag.evaluate.results import Report
    from rag.evaluate.subjects import Subject
    from rag.evaluate.tasks import Task
    from rag.protocols import Model
    from rag.types import Scope

__all__ = ["aevaluate", "evaluate"]


def evaluate(
    subject: Subject | Callable[..., Subject],
    task: Task | Path | str,
    *,
    seeds: Sequence[int] = (0,),
    limit: int | None = None,
    concurrency: int = 4,
    judge: Model | None = None,
    recording: Recording | None = None,
    scope: Scope | None = None,
    resume: Path | str | None = None,
    about: dict[str, Any] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Report:
    """How well an assistant, a retriever, an index or a memory does a task.

    Args:
        subject: what is evaluated, or a function, of a seed or of nothing, that makes it; it is then closed.
        task: one that is loaded, or its file or folder; see `rag.evaluate.formats`.
        seeds: one run for each; a subject that is no function is asked again as it is.
        limit: ask a sample of so many questions, the same ones every time.
        concurrency: how many questions are asked at once; with more, each takes longer.
        judge: a model that says whether answers imply the gold ones; without one that is not measured.
        recording: records the model and the sources of an assistant, and the judge, or plays them back.
        scope: in whose name questions are asked; those of conversations are asked in their own.
        resume: a file that keeps finished questions until all are done, so that a run which broke off goes on.
        about: what else is to stand in the report.
        progress: called with how many questions are done, and of how many.

    Raises:
        ConfigError: the subject or the conditions cannot work.
        LoadError: the task cannot be read.

    Example:
        >>> import rag
        >>> from rag.evaluate.tasks import Case, Task
        >>> with rag.Index.memory() as index:
        ...     added = index.add([{"doc_id": "returns", "text": "Goods may be returned within 30 days."}])
        ...     case = Case("q1", "how long can I return goods?", docs={"returns": 1})
        ...     report = evaluate(index, Task("faq", (case,)))
        >>> report["nDCG@10"], report["R@5"]
        (1.0, 1.0)
    """
    return bridge.run(
        aevaluate,
        subject,
        task,
        seeds=seeds,
        limit=limit,
        concurrency=concurrency,
        judge=judge,
        recording=recording,
        scope=scope,
        resume=resume,
        about=about,
        progress=progress,
    )


async def aevaluate(
    subject: Subject | Callable[..., Subject],
    task: Task | Path | str,
    *,
    seeds: Sequence[int] = (0,),
    limit: int | None = None,
    concurrency: int = 4,
    judge: Model | None = None,
    recording: Recording | None = None,
    scope: Scope | None = None,
    resume: Path | str | None = None,
    about: dict[str, Any] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Report:
    """The async twin of `evaluate`."""
    from rag.evaluate.work import (
        Conditions,
        evaluated,
    )  # measures take a while to load, and `import rag` waits for nobody

    kept = Path(resume) if resume else None
    conditions = Conditions(tuple(seeds), limit, concurrency, judge, recording, scope, kept, about or {})
    return await evaluated(subject, task, conditions, progress or (lambda *_: None))
