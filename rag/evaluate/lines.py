"""JSON lines, plain or packed, with errors that name file and line."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from rag.errors import LoadError, RagError

__all__ = ["lines", "located", "records"]


def records(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """The objects of a .jsonl file, each with the number of its line; of a .json file, those of its list.

    Raises:
        LoadError: the file cannot be read, or holds something else.
    """
    if path.name.removesuffix(".gz").endswith(".json"):
        yield from _listed(path)
        return
    for number, line in lines(path):
        if line.strip():
            yield number, _object(line, path, number)


def lines(path: Path) -> Iterator[tuple[int, str]]:
    """The lines of a text file, which is unpacked where its name ends in .gz, from number 1.

    Raises:
        LoadError: the file cannot be read.
    """
    try:
        with (
            gzip.open(path, "rt", encoding="utf-8-sig")
            if path.suffix == ".gz"
            else path.open(encoding="utf-8-sig") as file
        ):
            yield from enumerate(file, 1)
    except (OSError, EOFError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or error
        raise LoadError(f"{path} cannot be read: {why}", path=str(path)) from error


@contextmanager
def located(path: Path, number: int) -> Iterator[None]:
    """Has what is wrong with a line told with its file and number.

    Raises:
        LoadError: what the block raised of a value that is missing or wrong.
    """
    try:
        yield
    except (KeyError, TypeError, ValueError, ValidationError, RagError) as error:
        told = f"lacks {error}" if isinstance(error, KeyError) else str(error).replace("\n", " ")
        raise LoadError(f"{path}, line {number}: {told}", path=str(path)) from error


def _listed(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    text = "".join(line for _, line in lines(path))
    try:
        found = json.loads(text)
    except ValueError as error:
        raise LoadError(f"{path} is no JSON: {error}", path=str(path)) from error
    if not isinstance(found, list) or not all(isinstance(entry, dict) for entry in found):
        raise LoadError(f"{path} is no list of objects; a task is one, or a .jsonl file", path=str(path))
    yield from enumerate(found, 1)


def _object(line: str, path: Path, number: int) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except ValueError as error:
        raise LoadError(f"{path}, line {number}: no JSON: {error}", path=str(path)) from error
    if not isinstance(found, dict):
        raise LoadError(f"{path}, line {number}: no object, but {line.strip()[:60]!r}", path=str(path))
    return found
