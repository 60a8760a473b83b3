"""What the benchmarks share: where the data is, and how a result is told."""

from __future__ import annotations

import gzip
import json
import os
import platform
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from prompts import load
from rag import tokens
from rag.card import Schema
from rag.protocols import Message, Model, Reply
from rag.types import Usage

__all__ = ["RESULTS", "ROOT", "Heard", "data_dir", "documents", "jsonl", "qrels", "report"]

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results"


def _git(*arguments: str) -> str:
    told = ["git", "-C", str(ROOT), *arguments]
    return subprocess.run(told, capture_output=True, text=True, check=True).stdout.strip()


def _commit() -> str | None:
    """The commit that is checked out, with a plus where what is measured differs from it; None outside a checkout."""
    try:
        changed = _git("status", "--porcelain", "--", "rag", "planners", "prompts")
        return _git("rev-parse", "--short", "HEAD") + "+" * bool(changed)
    except (OSError, subprocess.CalledProcessError):
        return None


# Of when the command began: what is measured was read then, whatever is checked out at its end.
_BEGUN: dict[str, Any] = {"commit": _commit(), "load_average": round(os.getloadavg()[0], 1)}


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


def documents(folder: Path) -> Iterator[dict[str, str]]:
    """The documents of a folder in BEIR layout, as `Index.add` takes them."""
    for line in jsonl(folder / "corpus.jsonl.gz"):
        yield {"doc_id": line["_id"], "title": line.get("title", ""), "text": line["text"]}


def qrels(folder: Path) -> dict[str, dict[str, int]]:
    """Relevance by query and document, from `qrels.tsv` in BEIR layout."""
    found: dict[str, dict[str, int]] = {}
    for line in (folder / "qrels.tsv").read_text(encoding="utf-8").splitlines()[1:]:
        query_id, doc_id, relevance = line.split("\t")
        found.setdefault(query_id, {})[doc_id] = int(relevance)
    return found


class Heard:
    """A model that keeps what it is asked, as requests to an endpoint, and what it writes to planners.

    With `estimated` the size of what it reads and writes is estimated, whatever its endpoint reports.
    """

    def __init__(self, model: Model, *, estimated: bool = False) -> None:
        self._model, self._estimated, self.name = model, estimated, model.name
        self.asked: list[dict[str, Any]] = []
        self.written: list[str] = []

    async def complete(
        self,
        messages: Sequence[Message],
        *,
        schema: Schema | None = None,
        max_tokens: int | None = None,
        on_token: Callable[[str], None] | None = None,
    ) -> Reply:
        """The model's reply."""
        form = {"type": "json_schema", "json_schema": {"name": "reply", "schema": schema}}
        request = {"messages": [asdict(message) for message in messages], "max_tokens": max_tokens, "temperature": 0.0}
        self.asked.append(request | ({"response_format": form} if schema else {}))
        reply = await self._model.complete(messages, schema=schema, max_tokens=max_tokens, on_token=on_token)
        if schema:
            self.written.append(reply.text)
        if not self._estimated:
            return reply
        read, wrote = tokens.of_prompt(messages, schema), tokens.estimate(reply.text)
        return Reply(reply.text, Usage(prompt_tokens=read, completion_tokens=wrote, estimated=True), reply.finish)

    async def aclose(self) -> None:
        """Close the model."""
        await self._model.aclose()


def report(name: str, result: dict[str, Any], *, prompts: Sequence[str] = ()) -> dict[str, Any]:
    """Print the result as one line of JSON, with the command and the machine, and keep it under `results/`.

    `prompts` names those that the figures depend on: the result holds their identities.
    """
    # An absolute path is of this machine alone, and says nothing about the result.
    given = ["PATH" if Path(argument).is_absolute() else shlex.quote(argument) for argument in sys.argv[1:]]
    arguments = [f"-m benchmarks.{Path(sys.argv[0]).stem}", *given]
    full: dict[str, Any] = {"benchmark": name, **result}
    if prompts:
        full["prompts"] = {prompt: load(prompt).identity for prompt in prompts}
    full |= {"command": " ".join(["python", *arguments]), "environment": _environment()}
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.json").write_text(json.dumps(full, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    sys.stdout.write(json.dumps(full, ensure_ascii=False) + "\n")
    return full


def _environment() -> dict[str, Any]:
    versions = {name: metadata.version(name) for name in ("chromadb", "onnxruntime", "openai", "pydantic")}
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "commit": _BEGUN["commit"],
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "machine": platform.machine(),
        "load_average": {"begun": _BEGUN["load_average"], "ended": round(os.getloadavg()[0], 1)},
        "versions": versions,
    }
