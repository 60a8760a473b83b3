"""From the options of a command to an assistant."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from rag.cli.show import one_line
from rag.errors import ConfigError, LoadError
from rag.settings import Settings

if TYPE_CHECKING:
    from rag.assistant import Assistant
    from rag.ingest import Document
    from rag.memory import Memory
    from rag.protocols import Form, Model, Source
    from rag.retrieve import Index
    from rag.run.effort import EffortName
    from rag.run.manner import Check

__all__ = ["Options", "assistant", "index_of", "roots"]


@dataclass(frozen=True, slots=True)
class Options:
    """What `ask`, `plan`, `chat` and `serve` have in common."""

    docs: tuple[Path, ...] = ()
    sql: tuple[str, ...] = ()
    index: Path | None = None
    model: str | None = None
    base_url: str | None = None
    timeout: float = 120.0
    effort: EffortName = "medium"
    planner: str | None = None
    rounds: int | None = None
    replans: int | None = None
    cache: bool = True
    form: Form = "answer"
    check: Check | Literal["none"] = "words"
    drop: bool = False


@contextmanager
def assistant(options: Options, memory: Memory | None = None) -> Iterator[Assistant]:
    """An assistant over the folders and databases, closed at the end.

    Raises:
        ConfigError: nothing to ask was given, or an option cannot be read.
        LoadError: a document cannot be read.
    """
    from rag.assistant import Assistant

    settings = Settings.load()
    with ExitStack() as stack:
        sources = [*_document_sources(options, stack), *_databases(options.sql)]
        if not sources:
            raise ConfigError("nothing to ask: give --docs FOLDER, --sql NAME=URL, or both")
        yield stack.enter_context(
            Assistant(
                sources=sources,
                model=_model(options, settings),
                memory=memory,
                effort=options.effort,
                planner=options.planner,
                rounds=options.rounds,
                replans=options.replans,
                cache=_kept_at(settings) if options.cache else False,
                form=options.form,
                check=None if options.check == "none" else options.check,
                unsupported="drop" if options.drop else "mark",
            )
        )


def _kept_at(settings: Settings) -> Path:
    settings.cache_dir.mkdir(parents=True, exist_ok=True)
    return settings.cache_dir / "answers.db"


def _model(options: Options, settings: Settings) -> Model | None:
    from rag.models import model

    name = options.model or settings.model
    if not name:
        return None
    return model(name, base_url=options.base_url, timeout=options.timeout)


def _document_sources(options: Options, stack: ExitStack) -> Iterator[Source]:
    if not options.docs:
        if options.index:
            index = stack.enter_context(_open(options.index, create=False))
            yield from (index.source(name, collection=name) for name in index.collections())
        return
    folders = roots(options.docs)
    index = stack.enter_context(index_of(options.docs, options.index))
    for name in dict.fromkeys(collection for collection, _ in folders):
        yield index.source(name, collection=name)


@contextmanager
def index_of(docs: Sequence[Path], at: Path | None = None) -> Iterator[Index]:
    """The index of the documents, brought up to date: at the path, else in the user's cache folder.

    Documents of these folders that are gone are removed; those of a file that cannot be read now are
    kept, and so is whatever else the index holds.

    Raises:
        LoadError: a document cannot be read.
        StoreBusy: another process is writing the index.
    """
    with _open(at or _cached(docs), create=True) as index:
        found: set[str] = set()
        with _progress() as step:
            for name, paths in roots(docs):
                skipped = _Skipped(name, paths)
                index.add(_counted(_documents(paths, named=docs, skip=skipped), found, step))
                index.remove(
                    doc_id
                    for doc_id in index.doc_ids(collection=name)
                    if doc_id not in found and not skipped.holds(doc_id)
                )
        yield index


def roots(docs: Sequence[Path]) -> list[tuple[str, list[Path]]]:
    """What to load, as (collection, paths): each sub-folder is a collection, loose files are the folder's.

    Raises:
        LoadError: a path is not there.
        ConfigError: two folders have one name.
    """
    found: list[tuple[str, list[Path]]] = []
    for path in docs:
        if not path.exists():
            raise LoadError(f"{path}: there is no such file or folder; check --docs", path=str(path))
        children = sorted(path.iterdir()) if path.is_dir() else []
        folders = [child for child in children if child.is_dir() and not child.name.startswith(".")]
        loose = [child for child in children if child.is_file() and _readable(child)]
        if not folders:
            found.append((path.resolve().name if path.is_dir() else path.resolve().parent.name, [path]))
            continue
        found += [(child.name, [child]) for child in folders if any(_readable(f) for f in child.rglob("*"))]
        if loose:
            found.append((path.resolve().name, loose))
    names = [name for name, _ in found]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ConfigError(
            f"two folders of documents are called {twice[0]!r}; rename one, so that each source has a name"
        )
    return found


def _databases(pairs: Sequence[str]) -> Iterator[Source]:
    from rag.sources.sql import sql

    for pair in pairs:
        name, separator, url = pair.partition("=")
        if not (separator and name and "://" in url):
            # Not quoted: a URL may hold a password.
            raise ConfigError("--sql takes NAME=URL, such as orders=sqlite:///shop.db")
        yield sql(name, url)


def _open(path: Path, *, create: bool) -> Index:
    from rag.retrieve import Index

    return Index.open(path, create=create)


def _cached(docs: Sequence[Path]) -> Path:
    # The index never lies inside the documents: it would be read as one of them, or be committed.
    key = hashlib.sha256("\n".join(sorted(str(path.resolve()) for path in docs)).encode()).hexdigest()[:16]
    return Settings.load().cache_dir / "index" / key


def _readable(path: Path) -> bool:
    from rag.ingest import SUFFIXES

    return path.suffix.lower() in SUFFIXES


class _Skipped:
    """Tells what is skipped, and keeps in mind the ids that its documents would have."""

    def __init__(self, collection: str, roots: Sequence[Path]) -> None:
        self._collection = collection
        self._roots = roots
        self._ids: list[str] = []

    def __call__(self, path: Path, reason: str) -> None:
        sys.stderr.write(one_line(f"skipped {path}: {reason}") + "\n")
        for root in self._roots:
            if path.is_relative_to(root):
                below = path.relative_to(root).as_posix() if path != root else path.name
                self._ids.append(f"{self._collection}/{below}")

    def holds(self, doc_id: str) -> bool:
        """Whether the document is of a file that was skipped."""
        return any(doc_id == skipped or doc_id.startswith(f"{skipped}/") for skipped in self._ids)


def _documents(paths: Sequence[Path], *, named: Sequence[Path], skip: _Skipped) -> Iterator[Document]:
    """The documents of the paths; a path that was not named itself is skipped when it cannot be loaded."""
    from rag.ingest import load

    for path in paths:
        try:
            yield from load(path, on_skip=skip)
        except LoadError as error:
            if path in named:
                raise
            skip(path, str(error))


def _counted(documents: Iterable[Document], found: set[str], step: Callable[[], None]) -> Iterator[Document]:
    for document in documents:
        found.add(document.doc_id)
        yield document
        step()


@contextmanager
def _progress() -> Iterator[Callable[[], None]]:
    """A bar on a terminal, nothing elsewhere."""
    if not sys.stderr.isatty():
        yield lambda: None
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("reading documents: {task.completed}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None)
        yield lambda: bar.advance(task)
