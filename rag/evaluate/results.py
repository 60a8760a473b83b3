"""What came of a task: results of questions, runs of seeds, and the report of them all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from statistics import fmean
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from rag.errors import LoadError
from rag.types import Usage

__all__ = ["Report", "Result", "Run", "mapped", "union"]


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Result(_Value):
    """What came of one question: what was said and found, and the value of each measure that applies.

    An `error` is what kept it from an answer; measures of which more is better then count as 0,
    but for those of the citations that an answer has, and its seconds count as they are. `unjudged` is what kept the
    judge from a verdict on one. `found` are the first ten ids of the ranking.
    """

    case_id: str
    question: str
    gold: tuple[str, ...] = ()
    text: str = ""
    found: tuple[str, ...] = ()
    label: str = ""
    gold_label: str | None = None
    plan: dict[str, JsonValue] | None = None
    notes: tuple[str, ...] = ()
    error: str | None = None
    unjudged: str | None = None
    planner: str = ""
    models: tuple[str, ...] = ()
    prompts: tuple[str, ...] = ()
    values: dict[str, float] = Field(default_factory=dict)


class Run(_Value):
    """The results of one seed, in the order of the task."""

    seed: int = 0
    results: tuple[Result, ...]


class Report(_Value):
    """What a task came to, with everything that the figures depend on.

    `about` holds the subject, the settings, the models and prompts that were used, the machine and the versions.
    Printed, it is the table of its measures.
    """

    version: Literal[1] = 1
    task: str
    data_hash: str
    about: dict[str, JsonValue] = Field(default_factory=dict)
    runs: tuple[Run, ...]
    judging: Usage = Usage()
    stale: tuple[str, ...] = ()

    @property
    def errors(self) -> tuple[Result, ...]:
        """The results of the questions that came to none."""
        return tuple(result for run in self.runs for result in run.results if result.error)

    @property
    def unjudged(self) -> tuple[Result, ...]:
        """The results on which the judge gave no verdict, which `judged` leaves out."""
        return tuple(result for run in self.runs for result in run.results if result.unjudged)

    @property
    def label_pairs(self) -> list[list[tuple[str, str]]]:
        """The gold label and the given one of each claim, for each run; none where it was not answers that came."""
        return [
            [(r.gold_label, r.label) for r in run.results if r.gold_label is not None and "label accuracy" in r.values]
            for run in self.runs
        ]

    def values(self, name: str) -> dict[str, float]:
        """The value of a measure by question, as the mean of the runs."""
        found: dict[str, list[float]] = {}
        for run in self.runs:
            for result in run.results:
                if name in result.values:
                    found.setdefault(result.case_id, []).append(result.values[name])
        return {case_id: fmean(values) for case_id, values in found.items()}

    def matrix(self, name: str) -> list[list[float]]:
        """The values of a measure, a row for each run, over the questions to which it applies in all of them."""
        found = [{r.case_id: r.values[name] for r in run.results if name in r.values} for run in self.runs]
        shared = [case_id for case_id in found[0] if all(case_id in values for values in found)] if found else []
        return [[values[case_id] for case_id in shared] for values in found] if shared else []

    def __getitem__(self, name: str) -> float:
        """The value of a measure as the table has it.

        Raises:
            KeyError: it does not apply to this task.
        """
        from rag.evaluate.summary import value

        found = value(self, name)
        if found is None:
            raise KeyError(f"{name!r} does not apply to the task {self.task}, or is none of the measures")
        return found

    def save(self, path: str | Path) -> None:
        """Write the report as JSON, with each value of each question."""
        Path(path).write_text(self.model_dump_json(exclude_defaults=True, indent=1) + "\n", encoding="utf-8")

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """The report that `save` wrote.

        Raises:
            LoadError: the file cannot be read, or is none.
        """
        try:
            return cls.model_validate_json(Path(path).read_bytes())
        except OSError as error:
            raise LoadError(f"{path} cannot be read: {error.strerror}", path=str(path)) from error
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(map(str, first["loc"])) or "the file"
            raise LoadError(f"{path} is no report of rag eval: {where}: {first['msg']}", path=str(path)) from error

    def save_html(self, path: str | Path, other: Report | None = None) -> None:
        """Write one page, with plots, that needs no network; with another report, also the comparison."""
        from rag.evaluate.page import page

        Path(path).write_text(page(self, other), encoding="utf-8")

    def __str__(self) -> str:
        from rag.evaluate.summary import text

        return text(self)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return {"text/plain": str(self)}


def union(results: Iterable[Result], field: Literal["models", "prompts"]) -> list[str]:
    """The models or prompts of the results, each once, in order."""
    return sorted({name for result in results for name in getattr(result, field)})


def mapped(values: Mapping[str, object]) -> dict[str, JsonValue]:
    """The values that are set, as JSON."""
    from pydantic_core import to_jsonable_python

    return {name: to_jsonable_python(value, fallback=str) for name, value in values.items() if value is not None}
