"""What a Python file offers to be evaluated, or, without one, an index of a task's documents."""

from __future__ import annotations

import inspect
import runpy
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from rag.errors import ConfigError, RagError
from rag.settings import Settings

if TYPE_CHECKING:
    from rag.evaluate.subjects import Subject
    from rag.evaluate.tasks import Task
    from rag.retrieve import Index

__all__ = ["subject"]

_NAMES: Final = ("assistant", "retriever", "index", "memory")
_GIVEN: Final = ("task", "seed")


@contextmanager
def subject(file: Path | None, task: Task) -> Iterator[Subject | Callable[[int], Subject]]:
    """What is evaluated, closed at the end.

    Raises:
        ConfigError: there is no such file, or nothing in it that can be evaluated; or the task has no documents.
    """
    if file is None:
        with _indexed(task) as index:
            yield index
        return
    made = _offered(file, task)
    try:
        yield made
    finally:
        if hasattr(made, "close"):
            made.close()


def _offered(file: Path, task: Task) -> Any:
    if not file.is_file():
        raise ConfigError(f"there is no file {file}; --assistant takes a Python file that makes an `assistant`")
    sys.path.insert(0, str(file.resolve().parent))  # as `python file` does
    with _told(file):
        offered = runpy.run_path(str(file))
    name = next((name for name in _NAMES if name in offered), None)
    if name is None:
        raise ConfigError(f"{file} has none of {', '.join(_NAMES)}; name what is to be evaluated `assistant`")
    return _maker(offered[name], file, task) if inspect.isfunction(offered[name]) else offered[name]


def _maker(function: Callable[..., Subject], file: Path, task: Task) -> Callable[[int], Subject]:
    wanted = inspect.signature(function).parameters
    if unknown := [name for name in wanted if name not in _GIVEN]:
        raise ConfigError(f"{function.__name__} of {file} takes {unknown[0]!r}; it may take `task` and `seed`")

    if inspect.iscoroutinefunction(function):
        raise ConfigError(f"{function.__name__} of {file} is async; write it with `def`")

    def made(seed: int) -> Subject:
        given = {"task": task, "seed": seed}
        with _told(file):
            return function(**{name: given[name] for name in wanted})

    return made


@contextmanager
def _told(file: Path) -> Iterator[None]:
    """Has what the file raises told with its line.

    Raises:
        ConfigError: the file raised something.
        RagError: it raised that itself.
    """
    try:
        yield
    except RagError:
        raise
    except (Exception, SystemExit) as error:  # the file is the user's, and may raise anything
        line = error.lineno if isinstance(error, SyntaxError) else _line(error, file)
        said = f"{type(error).__name__}: {error}"
        raise ConfigError(f"{file}, line {line}: {said}") from error


def _line(error: BaseException, file: Path) -> int:
    """The last line of the file that the error went through."""
    frames = traceback.extract_tb(error.__traceback__)
    return next((frame.lineno or 0 for frame in reversed(frames) if frame.filename == str(file)), 0)


@contextmanager
def _indexed(task: Task) -> Iterator[Index]:
    """The index of the task's documents, kept in the user's cache folder."""
    from rag.retrieve import Index

    if task.corpus is None:
        raise ConfigError(f"the task {task.name} has no documents of its own; give --assistant FILE")
    place = Settings.load().cache_dir / "eval" / f"index-{task.name}-{task.data_hash}"
    with Index.open(place) as index:
        index.add(task.documents())
        yield index
