"""An evaluation under way: runs of seeds, and the report that they make."""

from __future__ import annotations

import hashlib
import inspect
import json
import os
import platform
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import anyio

import prompts
from rag.assistant import Assistant
from rag.errors import ConfigError
from rag.evaluate.formats import load_task
from rag.evaluate.journal import Journal
from rag.evaluate.judge import Judge
from rag.evaluate.results import Report, Result, Run, mapped, union
from rag.evaluate.runner import Asker
from rag.evaluate.subjects import Subject, asking
from rag.evaluate.tasks import Task
from rag.memory import Memory
from rag.retrieve import Index
from rag.retrieve.algebra import Retriever
from rag.run.binding import close
from rag.settings import Settings
from rag.types import Scope, Usage

if TYPE_CHECKING:
    from rag.evaluate.recording import Recording
    from rag.protocols import Model

__all__ = ["Conditions", "evaluated"]

_VERSIONS: Final = ("planweave-rag", "ir-measures", "numpy", "onnxruntime", "openai", "pydantic")


@dataclass(frozen=True, slots=True)
class Conditions:
    """How a task is put to a subject; see `evaluate`."""

    seeds: tuple[int, ...] = (0,)
    limit: int | None = None
    concurrency: int = 4
    judge: Model | None = None
    recording: Recording | None = None
    scope: Scope | None = None
    resume: Path | None = None
    about: dict[str, Any] = field(default_factory=dict)

    @property
    def told(self) -> dict[str, Any]:
        """What a report says of them."""
        told = {"seeds": list(self.seeds), "limit": self.limit, "concurrency": self.concurrency}
        scope = self.scope.model_dump(mode="json", exclude_defaults=True) if self.scope else None
        return {name: value for name, value in {**told, "scope": scope}.items() if value is not None}


async def evaluated(
    subject: Subject | Callable[..., Subject],
    task: Task | Path | str,
    conditions: Conditions,
    progress: Callable[[int, int], None],
) -> Report:
    """The report of a task; see `evaluate`.

    Raises:
        ConfigError: the subject or the conditions cannot work.
        LoadError: the task cannot be read.
    """
    if conditions.concurrency < 1:
        raise ConfigError(f"concurrency={conditions.concurrency} cannot be; ask at least 1 question at once")
    if not conditions.seeds or len(set(conditions.seeds)) < len(conditions.seeds):
        raise ConfigError(f"seeds={conditions.seeds} cannot be; give one or more that differ")
    whole = task if isinstance(task, Task) else await anyio.to_thread.run_sync(load_task, task)
    return await _Work(whole.sampled(conditions.limit), subject, conditions, progress).report()


class _Work:
    """A task being put to a subject."""

    def __init__(
        self,
        task: Task,
        subject: Subject | Callable[..., Subject],
        conditions: Conditions,
        progress: Callable[[int, int], None],
    ) -> None:
        self._task, self._subject, self._conditions, self._progress = task, subject, conditions, progress
        recording, judge = conditions.recording, conditions.judge
        self._judge = Judge(recording.model(judge) if recording else judge) if judge else None
        self._journal: Journal | None = None
        self._described: dict[str, Any] = {}
        self._done = 0

    async def report(self) -> Report:
        async with AsyncExitStack() as stack:
            runs = [await self._run(seed, stack) for seed in self._conditions.seeds]
        if self._journal is not None:
            self._journal.remove()
        recording = self._conditions.recording
        return Report(
            task=self._task.name,
            data_hash=self._task.data_hash,
            about=self._about(runs),
            runs=tuple(runs),
            judging=self._judge.usage if self._judge else Usage(),
            stale=recording.stale() if recording else (),
        )

    async def _run(self, seed: int, stack: AsyncExitStack) -> Run:
        subject = await self._made(seed, stack)
        if not self._described:
            self._described = _described(subject)
            self._journal = self._opened()
        conditions = self._conditions
        ask = await asking(subject, self._task, conditions.scope)
        done = self._journal.done(seed) if self._journal is not None else {}
        self._tell(len(done))

        def tell(result: Result) -> None:
            if self._journal is not None:
                self._journal.add(seed, result)
            self._tell(1)

        asker = Asker(ask, isinstance(subject, Assistant), self._judge, conditions.concurrency)
        return Run(seed=seed, results=await asker.results(self._task.cases, done, tell))

    def _tell(self, more: int) -> None:
        self._done += more
        self._progress(self._done, len(self._task) * len(self._conditions.seeds))

    async def _made(self, seed: int, stack: AsyncExitStack) -> Subject:
        subject, recording = self._subject, self._conditions.recording
        if not isinstance(subject, Assistant | Retriever | Index | Memory) and callable(subject):
            # In a thread, so that it may use what waits, such as an index.
            given = (seed,) if inspect.signature(subject).parameters else ()
            subject = await anyio.to_thread.run_sync(subject, *given)
            stack.push_async_callback(close, subject)
        if recording is None:
            return subject
        if not isinstance(subject, Assistant):
            raise ConfigError("only assistants are recorded: a retriever or a memory asks no model and no source")
        return recording.assistant(subject, seed)

    def _opened(self) -> Journal | None:
        conditions = self._conditions
        if conditions.resume is None:
            return None
        names = [case.case_id for case in self._task.cases]
        judge = conditions.judge.name if conditions.judge else None
        recording = conditions.recording.told if conditions.recording else None
        texts = [prompts.load(name, Settings.load().prompts).identity for name in prompts.names()]
        told = (conditions.told, judge, conditions.about, self._described, recording, texts)
        depends = [self._task.data_hash, names, *told]
        key = hashlib.sha256(json.dumps(depends, default=str).encode()).hexdigest()[:16]
        return Journal(conditions.resume, key)

    def _about(self, runs: Sequence[Run]) -> dict[str, Any]:
        """What the figures depend on."""
        results = [result for run in runs for result in run.results]
        recording = self._conditions.recording
        return mapped(
            {
                **self._conditions.about,
                "subject": self._described,
                "planners": sorted({result.planner for result in results} - {""}),
                "models": union(results, "models"),
                "prompts": union(results, "prompts"),
                "judge": {"model": self._judge.model.name, "prompt": self._judge.prompt} if self._judge else None,
                "settings": self._conditions.told,
                "questions": len(self._task),
                "replayed": True if recording and recording.replays else None,
                "date": datetime.now(UTC).isoformat(timespec="seconds"),
                "machine": {"machine": platform.machine(), "system": platform.system(), "cores": os.cpu_count()},
                "versions": dict(_versions()),
            }
        )


def _described(subject: Subject) -> dict[str, Any]:
    if not isinstance(subject, Assistant):
        return {"kind": type(subject).__name__, "expression": repr(subject)}
    model = subject.model
    return {
        "kind": "Assistant",
        "model": model.name if model else None,
        "sources": {source.card.name: source.card.fingerprint for source in subject.sources},
    }


def _versions() -> list[tuple[str, str]]:
    found = [("python", platform.python_version())]
    for name in _VERSIONS:
        try:
            found.append((name, metadata.version(name)))
        except metadata.PackageNotFoundError:
            continue
    return found
