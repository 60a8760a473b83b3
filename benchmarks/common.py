"""What the benchmarks share: where the data is, and how a result is told."""

from __future__ import annotations

import gzip
import json
import os
import platform
import shlex
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

__all__ = ["RESULTS", "ROOT", "data_dir", "jsonl", "qrels", "report"]

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"


def data_dir(name: str) -> Path:
    """The folder of a public development set; ends the command with a clear line when it is absent."""
    folder = Path(os.environ.get("RAG_DATA", ROOT.parent / "shared" / "data")) / name
    if not folder.is_dir():
        raise SystemExit(f"the data set {name} is not at {folder}; set RAG_DATA to the folder that holds it")
    return folder


def jsonl(path: Path) -> Iterator[dict[str, Any]]:
    """The objects of a .jsonl or .jsonl.gz file, in order."""
    open_text = gzip.open if path.suffix == ".gz" else open
    with open_text(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def qrels(folder: Path) -> dict[str, dict[str, int]]:
    """Relevance by query and document, from `qrels.tsv` in BEIR layout."""
    found: dict[str, dict[str, int]] = {}
    for line in (folder / "qrels.tsv").read_text(encoding="utf-8").splitlines()[1:]:
        query_id, doc_id, relevance = line.split("\t")
        found.setdefault(query_id, {})[doc_id] = int(relevance)
    return found


def report(name: str, result: dict[str, Any]) -> dict[str, Any]:
    """Print the result as one line of JSON, with the command and the machine, and keep it under `results/`."""
    # An absolute path is of this machine alone, and says nothing about the result.
    given = ["PATH" if Path(argument).is_absolute() else shlex.quote(argument) for argument in sys.argv[1:]]
    arguments = [f"-m benchmarks.{Path(sys.argv[0]).stem}", *given]
    full = {"benchmark": name, **result, "command": " ".join(["python", *arguments]), "environment": _environment()}
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.json").write_text(json.dumps(full, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    sys.stdout.write(json.dumps(full, ensure_ascii=False) + "\n")
    return full


def _environment() -> dict[str, Any]:
    versions = {name: metadata.version(name) for name in ("chromadb", "onnxruntime", "openai", "pydantic")}
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "machine": platform.machine(),
        "versions": versions,
    }
