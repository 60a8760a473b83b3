"""`rag eval`: how well an assistant does a task, and whether that is better than another time."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rag.cli import show
from rag.cli.failures import FAILURE, complain, shown
from rag.errors import ConfigError
from rag.settings import Settings

if TYPE_CHECKING:
    from rag.evaluate.recording import Recording
    from rag.evaluate.results import Report
    from rag.protocols import Model

__all__ = ["evaluate"]

_SECRET = 8  # characters from which on a key is one
_FILE = click.Path(path_type=Path, dir_okay=False)


def _seeds(_: click.Context, __: click.Parameter, written: str) -> tuple[int, ...]:
    """The seeds of a list such as 1,2,3.

    Raises:
        click.BadParameter: it is none.
    """
    try:
        found = tuple(int(seed) for seed in written.split(","))
    except ValueError:
        raise click.BadParameter(f"{written!r} is no list of whole numbers; write one such as 1,2,3") from None
    if len(set(found)) < len(found):
        raise click.BadParameter("a seed is given twice; give each once")
    return found


@click.command("eval")
@click.argument("task", type=click.Path(path_type=Path))
@click.option(
    "--assistant",
    "file",
    type=_FILE,
    help="A Python file with an `assistant`, `retriever`, `index` or `memory`, or a function of that name that makes it"
    " and may take `task` and `seed`. Without it, the documents of a BEIR folder are indexed and searched.",
)
@click.option("--split", default="test", show_default=True, help="Which qrels of a BEIR folder, where it has several.")
@click.option("--limit", type=click.IntRange(min=1), help="Ask a sample of so many questions, the same every time.")
@click.option("--seeds", default="0", callback=_seeds, show_default=True, help="One run for each, such as 1,2,3.")
@click.option("--concurrency", type=click.IntRange(min=1), default=4, show_default=True, help="Questions at once.")
@click.option("--judge", metavar="MODEL", help="A model that judges whether answers imply the gold ones.")
@click.option("--base-url", metavar="URL", help="The judge's endpoint, such as http://127.0.0.1:8000/v1.")
@click.option("--record", type=_FILE, help="Record what the model and the sources are asked in this file.")
@click.option("--replay", type=_FILE, help="Play that file back: no model and no source is called.")
@click.option("--compare", type=_FILE, help="A report of an earlier run of this task, to compare this one with.")
@click.option("--out", type=_FILE, help="Where the report goes as JSON; without it, into the user's cache folder.")
@click.option("--html", type=_FILE, help="Write the report as a page with plots too.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def evaluate(*, as_json: bool, debug: bool, compare: Path | None, html: Path | None, **given: Any) -> None:
    """Measure how well an assistant does TASK: a .jsonl file of questions, claims, plans or conversations, or a folder.

    A run that breaks off goes on where it ended when the same command is given again.
    """
    from rag.evaluate.results import Report

    with shown(debug=debug):
        other = Report.load(compare) if compare else None
        report, place = _evaluated(other, **given)
        report.save(place)
        if html:
            report.save_html(html, other)
        show.write(_json(report, other, place) if as_json else _text(report, other))
        if not as_json:
            show.write(f"\nevery question: {place}" + (f"\npage: {html}" if html else ""))
    _end(report)


def _evaluated(
    other: Report | None,
    *,
    task: Path,
    file: Path | None,
    split: str,
    limit: int | None,
    seeds: tuple[int, ...],
    concurrency: int,
    judge: str | None,
    base_url: str | None,
    record: Path | None,
    replay: Path | None,
    out: Path | None,
) -> tuple[Report, Path]:
    """The report, and where it is to lie."""
    from rag import evaluate as evaluated
    from rag.cli.subject import subject
    from rag.evaluate.formats import load_task
    from rag.evaluate.summary import comparable

    loaded = load_task(task, split=split)
    if other is not None:
        comparable(loaded, other)  # before anything is asked
    place = out or _cached(task, file, (loaded.data_hash, limit, seeds))
    recording = _recording(record, replay)
    about = {"assistant": file.name, "assistant_hash": _hashed(file)} if file else {}
    with subject(file, loaded) as made, _progress() as progress:
        report = evaluated(
            made,
            loaded,
            seeds=seeds,
            limit=limit,
            concurrency=concurrency,
            judge=_judge(judge, base_url),
            recording=recording,
            resume=place.with_suffix(".unfinished.jsonl"),
            about=about,
            progress=progress,
        )
    return report, place


def _recording(record: Path | None, replay: Path | None) -> Recording | None:
    from rag.evaluate.recording import Recording

    if record and replay:
        raise ConfigError("--record calls the model and --replay never does; leave one of them out")
    if record:
        key = Settings.load().openai_api_key
        known = key.get_secret_value() if key else ""
        # Servers of one's own take any key, and an "x" is no secret.
        return Recording(record, "record", secrets=[known] if len(known) >= _SECRET else [])
    return Recording(replay) if replay else None


def _judge(name: str | None, base_url: str | None) -> Model | None:
    from rag.models import model

    return model(name, base_url=base_url) if name else None


def _cached(task: Path, file: Path | None, depends: tuple[object, ...]) -> Path:
    folder = Settings.load().cache_dir / "eval"
    folder.mkdir(parents=True, exist_ok=True)
    key = hashlib.sha256(repr((task.resolve(), file and file.resolve(), *depends)).encode()).hexdigest()[:8]
    return folder / f"{task.resolve().stem}-{key}.json"


def _hashed(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()[:12] if file.is_file() else ""


def _json(report: Report, other: Report | None, place: Path) -> str:
    """What was measured, without the questions, which the file has."""
    from rag.evaluate.summary import compared, rows

    told: dict[str, Any] = {
        "task": report.task,
        "data_hash": report.data_hash,
        "about": report.about,
        "measures": {row.name: asdict(row) for row in rows(report)},
        "failed": [{"case_id": result.case_id, "error": result.error} for result in report.errors],
        "stale": list(report.stale),
        "report": str(place),
    }
    if other is not None:
        told["compared"] = {row.name: asdict(row) | {"warning": row.warning} for row in compared(report, other)}
    return json.dumps(told)


def _text(report: Report, other: Report | None) -> str:
    from rag.cli.tables import compared_table, measured_table

    parts = [measured_table(report)] + ([compared_table(report, other)] if other is not None else [])
    return "\n".join(parts)


def _end(report: Report) -> None:
    """Say on stderr what went wrong, and exit by it: with 1 where nothing was answered, or a recording is stale."""
    from rag.evaluate.summary import ungiven

    for line in (*report.stale, ungiven(report)):
        if line:
            complain(line)
    failed, asked = report.errors, sum(len(run.results) for run in report.runs)
    if failed:
        complain(f"{len(failed)} of {asked} questions failed; the first, {failed[0].case_id}: {failed[0].error}")
    if unjudged := report.unjudged:
        complain(
            f"the judge failed on {len(unjudged)} answers; the first, {unjudged[0].case_id}: {unjudged[0].unjudged}"
        )
    if report.stale or len(failed) == asked:
        raise SystemExit(FAILURE)


@contextmanager
def _progress() -> Iterator[Callable[[int, int], None] | None]:
    """A bar on a terminal, nothing elsewhere."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        asking = bar.add_task("questions", total=None)
        yield lambda done, total: bar.update(asking, completed=done, total=total)
