"""A file of the questions that are done, so that a run which broke off goes on where it ended."""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import ValidationError

from rag.evaluate.results import Result

__all__ = ["Journal"]


class Journal:
    """Keeps results as they come, each on a line; begun anew where the file is of another task or other settings.

    Questions that failed, or could not be judged, are not kept: they are asked again.

    Args:
        path: the file.
        key: what the results depend on.
    """

    def __init__(self, path: Path, key: str) -> None:
        self._path = path
        self._done: dict[tuple[int, str], Result] = {}
        if not self._read(key):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps({"key": key}) + "\n", encoding="utf-8")

    def done(self, seed: int) -> dict[str, Result]:
        """What is done of a seed, by question."""
        return {case_id: result for (own, case_id), result in self._done.items() if own == seed}

    def add(self, seed: int, result: Result) -> None:
        """Keep a result."""
        if result.error is None and result.unjudged is None:
            with self._path.open("a", encoding="utf-8") as file:
                file.write(json.dumps({"seed": seed, "result": result.model_dump(mode="json")}) + "\n")

    def remove(self) -> None:
        """Remove the file: the run has come to its end."""
        self._path.unlink(missing_ok=True)

    def _read(self, key: str) -> bool:
        if not self._path.is_file():
            return False
        first, *others = self._path.read_text(encoding="utf-8").split("\n")
        try:
            if json.loads(first) != {"key": key}:
                return False
        except ValueError:
            return False
        for line in others:
            try:
                told = json.loads(line)
                result = Result.model_validate(told["result"])
            except (ValueError, ValidationError):
                continue  # the last line, where the run was killed as it wrote
            self._done[(told["seed"], result.case_id)] = result
        return True
