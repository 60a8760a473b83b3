"""Tasks as files: folders in BEIR layout, and JSON lines of questions, claims, plans and conversations.

| what | each line |
| --- | --- |
| questions | `question`, `answer` (a text, a list of equally good ones, or null: the sources lack it), `docs` |
| claims | `claim`, `label`, `docs` |
| plans | `question`, `plan`, or `plans` that are equally good |
| conversations | turns: `conversation`, `turn_id`, `text`, `role` or `speaker`, `at`, `session`; and questions: `conversation`, `question`, `now`, `turn_ids`, `answer` |

`docs` is a list of ids, or maps ids to relevance. A folder in BEIR layout has `queries.jsonl`, `qrels.tsv` or
`qrels/<split>.tsv`, and `corpus.jsonl`, each packed (.gz) or not; a query's `metadata` may hold `answer`, `answers`,
`aliases` and `label`.
"""  # noqa: E501  # a table

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from rag.errors import LoadError
from rag.evaluate.lines import lines, located, records
from rag.evaluate.tasks import Case, Task
from rag.plan import Plan
from rag.types import Turn

__all__ = ["load_task"]


def load_task(path: str | Path, *, split: str = "test") -> Task:
    """The task of a file, or of a folder in BEIR layout.

    Args:
        path: the file or folder; see the module.
        split: which file of a folder's `qrels/` counts, where there are several.

    Raises:
        LoadError: it cannot be read, or is no task.

    Example:
        >>> import tempfile
        >>> path = Path(tempfile.mkdtemp()) / "faq.jsonl"
        >>> size = path.write_text('{"question": "How long are returns free?", "answer": ["30 days", "a month"]}')
        >>> load_task(path).cases[0].answers
        ('30 days', 'a month')
    """
    path = Path(path)
    if not path.exists():
        raise LoadError(f"{path}: there is no such task; give a .jsonl file or a folder in BEIR layout", path=str(path))
    task = _beir(path, split) if path.is_dir() else _file(path)
    if not task.cases:
        raise LoadError(f"{path} holds no question whose answer is known", path=str(path))
    return task


def _file(path: Path) -> Task:
    cases, turns = list[Case](), dict[str, list[Turn]]()
    for number, line in records(path):
        with located(path, number):
            if "question" in line or "claim" in line:
                cases.append(_case(line, f"q{number}"))
            elif "conversation" in line:
                turns.setdefault(str(line["conversation"]), []).append(_turn(line))
            else:
                raise ValueError("it is neither a question, a claim nor a turn of a conversation")
    _unique(cases, path)
    conversations = {name: tuple(said) for name, said in turns.items()}
    return Task(_stem(path), tuple(cases), _hashed([path]), conversations)


def _case(line: Mapping[str, Any], name: str) -> Case:
    """The case of a line.

    Raises:
        ValueError: nothing is known of the right answer.
    """
    known = ("answer", "answers", "docs", "turn_ids", "label", "plan", "plans")
    if not any(key in line for key in known):
        raise ValueError(f"nothing tells what is right; give one of {', '.join(known)}")
    plans = line.get("plans") or ([line["plan"]] if line.get("plan") else [])
    now = line.get("now")
    return Case(
        case_id=str(line.get("id", line.get("_id", name))),
        question=_asked(line["claim"] if "claim" in line else line["question"]),
        answers=_answers(line),
        answerable=not ("answer" in line and line["answer"] in (None, [])),
        docs=_relevance(line.get("docs", line.get("turn_ids", ()))),
        label=str(line["label"]) if line.get("label") is not None else None,
        plans=tuple(Plan.model_validate(plan) for plan in plans),
        conversation=str(line["conversation"]) if "conversation" in line else None,
        now=_time(now) if now else None,
    )


def _asked(told: Any) -> str:
    """The text of a question.

    Raises:
        ValueError: it is none, or cannot be written to a file.
    """
    if not isinstance(told, str) or not told.strip():
        raise ValueError(f"the question is no text, but {told!r:.60}")
    told.encode()  # half of a pair of surrogates cannot be, and would be noticed only when all was asked
    return told


def _answers(told: Mapping[str, Any]) -> tuple[str, ...]:
    found: list[Any] = []
    for key in ("answer", "answers", "aliases"):
        value = told.get(key)
        found += value if isinstance(value, list) else [value]
    return tuple(dict.fromkeys(_said(value) for value in found if value is not None))


def _said(value: Any) -> str:
    if isinstance(value, dict | list):
        raise ValueError(f"an answer is a text, a number, or true or false, and not {value!r:.60}")
    said = ("yes" if value else "no") if isinstance(value, bool) else str(value)
    said.encode()  # as of a question
    return said


def _relevance(docs: Mapping[str, Any] | Iterable[Any]) -> dict[str, int]:
    if isinstance(docs, str):
        raise ValueError(f"docs is a list of ids or maps them to relevance, and not the text {docs!r}")
    if isinstance(docs, Mapping):
        return {str(name): int(value) for name, value in docs.items()}
    return {str(name): 1 for name in docs}


def _turn(line: Mapping[str, Any]) -> Turn:
    fields = {name: value for name, value in line.items() if name in Turn.model_fields}
    if "turn_id" in fields:
        fields["turn_id"] = str(fields["turn_id"])
    if fields.get("session") is not None:
        fields["session"] = str(fields["session"])
    return Turn(**fields)


def _time(written: str) -> datetime:
    found = datetime.fromisoformat(written)
    if found.utcoffset() is None:
        raise ValueError(f"now={written!r} has no zone; write it as 2026-05-12T09:00+02:00")
    return found


def _unique(cases: Iterable[Case], path: Path) -> None:
    seen: set[str] = set()
    for case in cases:
        if case.case_id in seen:
            raise LoadError(f"{path}: two questions have the id {case.case_id!r}", path=str(path))
        seen.add(case.case_id)


def _beir(folder: Path, split: str) -> Task:
    queries, judged = _part(folder, "queries.jsonl"), _judged(folder, split)
    if queries is None or judged is None:
        raise LoadError(
            f"{folder} is no folder in BEIR layout: it lacks queries.jsonl, or qrels.tsv or qrels/{split}.tsv",
            path=str(folder),
        )
    corpus, gold = _part(folder, "corpus.jsonl"), _qrels(judged)
    cases = list[Case]()
    for number, line in records(queries):
        with located(queries, number):
            cases.append(_queried(line, gold))
    files = [file for file in (queries, judged, corpus) if file is not None]
    measured = tuple(case for case in cases if case.docs or case.answers or case.label)
    return Task(folder.resolve().name, measured, _hashed(files), corpus=corpus)


def _queried(line: Mapping[str, Any], gold: Mapping[str, Mapping[str, int]]) -> Case:
    told = line.get("metadata") or {}
    if not isinstance(told, dict):
        raise ValueError(f"metadata is an object, and not {told!r:.60}")
    return Case(
        case_id=str(line["_id"]),
        question=_asked(line["text"]),
        answers=_answers(told),
        docs=gold.get(str(line["_id"]), {}),
        label=str(told["label"]) if told.get("label") is not None else None,
    )


def _part(folder: Path, name: str) -> Path | None:
    return next((path for path in (folder / name, folder / f"{name}.gz") if path.is_file()), None)


def _judged(folder: Path, split: str) -> Path | None:
    found = _part(folder, "qrels.tsv") or _part(folder / "qrels", f"{split}.tsv")
    only = sorted((folder / "qrels").glob("*.tsv"))
    return found or (only[0] if len(only) == 1 else None)


def _qrels(path: Path) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for number, line in lines(path):
        fields = line.rstrip("\n").split("\t")
        if number == 1 and not fields[-1].lstrip("-").isdigit():  # the names of the columns
            continue
        try:
            query_id, doc_id, relevance = fields
            found.setdefault(query_id, {})[doc_id] = int(relevance)
        except ValueError as error:
            raise LoadError(f"{path}, line {number}: not query, document and relevance", path=str(path)) from error
    return found


def _hashed(paths: Iterable[Path]) -> str:
    """Twelve hex digits of what the files hold."""
    digest = hashlib.sha256()
    for path in paths:
        for block in _blocks(path):
            digest.update(block)
    return digest.hexdigest()[:12]


def _blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            yield block


def _stem(path: Path) -> str:
    return path.name.removesuffix(".gz").removesuffix(".jsonl").removesuffix(".json")
