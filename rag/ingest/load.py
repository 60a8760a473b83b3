"""From files and folders to documents."""

from __future__ import annotations

import logging
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

from pydantic import ValidationError

from rag.errors import LoadError
from rag.ingest.decode import read_text
from rag.ingest.document import Document
from rag.ingest.formats import Part, check_type, parts

__all__ = ["OnSkip", "load"]

OnSkip: TypeAlias = Callable[[Path, str], None]
"""Told the path of something that is not loaded, and the reason."""

_log = logging.getLogger(__name__)


def load(*paths: str | os.PathLike[str], on_skip: OnSkip | None = None) -> Iterator[Document]:
    """The documents of files and folders: the paths in their order, and a folder's files by name.

    A folder is read with all that is beneath it but what is hidden; links are followed, and no folder
    is read twice. A file of a folder that cannot be loaded is skipped, with a reason; a file that was
    named itself is an error instead.

    A document's id is `<folder>/<posix path below it>`, and a file that was named counts as in its own
    folder. A file of many documents adds each one's `id`, else its line, entry or row; what it gives
    as `doc_id`, or as `_id` like the BEIR collections, stands right below the folder: `<folder>/<doc_id>`,
    unless it begins so itself. The title is the document's own, else its first heading, else the file's stem.

    Args:
        *paths: files and folders.
        on_skip: called for each thing that is skipped; without it, each is logged as a warning.

    Raises:
        LoadError: at the call, when a path is not there or of an unknown type; while iterating, when a
            named file cannot be loaded, or nothing in a folder can.
    """
    roots = [Path(path) for path in paths]
    for root in roots:
        try:
            _check(root)
        except LoadError as error:
            raise _failed(root, str(error)) from error.__cause__
    return _Loader(on_skip or _warn).documents(roots)


class _Loader:
    """One call of `load`: knows which ids are taken, and by which file."""

    def __init__(self, on_skip: OnSkip) -> None:
        self.on_skip = on_skip
        self.owners: dict[str, Path] = {}
        self.files: set[tuple[str, Path]] = set()

    def documents(self, roots: list[Path]) -> Iterator[Document]:
        for root in roots:
            if root.is_dir():
                yield from self.folder(root)
            else:
                try:
                    yield from self.file(root, f"{_name(root.absolute().parent)}/{root.name}")
                except LoadError as error:
                    raise _failed(root, str(error)) from error.__cause__

    def folder(self, root: Path) -> Iterator[Document]:
        reasons: list[str] = []
        loaded = 0

        def skip(path: Path, reason: str) -> None:
            reasons.append(f"{path.relative_to(root)}: {reason}")
            self.on_skip(path, reason)

        for path in _files(root, skip):
            try:
                documents = self.file(path, f"{_name(root)}/{path.relative_to(root).as_posix()}")
            except LoadError as error:
                skip(path, str(error))
            else:
                loaded += 1
                yield from documents
        if not loaded:
            shown = "; ".join(reasons[:5]) + ("; …" if len(reasons) > 5 else "")
            raise _failed(root, f"no file in it could be loaded: {shown}" if reasons else "there is no file in it")

    def file(self, path: Path, file_id: str) -> list[Document]:
        """The file's documents, all or none; none again when it was reached before under the same id."""
        _check(path)
        key = (file_id, path.resolve())
        if key in self.files:
            return []
        documents: dict[str, Document] = {}
        for part in parts(path.suffix, read_text(path)):
            document = _document(part, path, file_id)
            if not document.text.strip():
                self.on_skip(path, f"{part.place or 'it'} holds no text")
                continue
            owner = path if document.doc_id in documents else self.owners.get(document.doc_id)
            if owner:
                raise LoadError(f"{part.place or 'it'} has the id {document.doc_id!r}, as another one in {owner}")
            documents[document.doc_id] = document
        if not documents:
            raise LoadError("it holds no text")
        self.files.add(key)
        self.owners.update(dict.fromkeys(documents, path))
        return list(documents.values())


def _doc_id(part: Part, file_id: str) -> str:
    if not part.doc_id:
        return f"{file_id}/{part.key}" if part.key else file_id
    # The folder stays in front, so that no file can take the place of another folder's documents.
    folder = file_id.partition("/")[0]
    return part.doc_id if part.doc_id.startswith(f"{folder}/") else f"{folder}/{part.doc_id}"


def _document(part: Part, path: Path, file_id: str) -> Document:
    try:
        return Document(
            doc_id=_doc_id(part, file_id),
            title=part.title or path.stem,
            text=part.text,
            metadata=part.metadata,
        )
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(step) for step in first["loc"])
        raise LoadError(f"{part.place or 'it'} cannot be stored: {field}: {first['msg']}") from error


def _files(root: Path, skip: OnSkip) -> list[Path]:
    """The files beneath a folder, sorted; real folders come before links to them, so that ids are by the real name."""
    found: list[Path] = []
    seen: set[tuple[int, int]] = set()
    folders, links = [root], list[Path]()
    while folders or links:
        folder = folders.pop() if folders else links.pop(0)
        try:
            status = folder.stat()
            entries = [path for path in sorted(folder.iterdir()) if not path.name.startswith(".")]
        except OSError as error:
            skip(folder, f"it cannot be read: {error.strerror}")
            continue
        if (status.st_dev, status.st_ino) in seen:
            continue
        seen.add((status.st_dev, status.st_ino))
        for path in entries:
            # os.path.isdir is False where a link leads nowhere or in a ring.
            kind = found if not os.path.isdir(path) else links if path.is_symlink() else folders
            kind.append(path)
    return sorted(found)


def _check(path: Path) -> None:
    try:
        mode = path.stat().st_mode
    except FileNotFoundError as error:
        raise LoadError("there is no such file or folder") from error
    except (OSError, ValueError) as error:
        raise LoadError(f"it cannot be read: {getattr(error, 'strerror', error)}") from error
    if stat.S_ISDIR(mode):
        return
    # Reading a pipe or a device may never end.
    if not stat.S_ISREG(mode):
        raise LoadError("it is neither a file nor a folder")
    check_type(path.suffix)


def _name(folder: Path) -> str:
    # Not resolve: a link's own name is the one that the user sees.
    return Path(os.path.abspath(folder)).name or "root"


def _failed(path: Path, reason: str) -> LoadError:
    return LoadError(f"cannot load {path}: {reason}", path=str(path))


def _warn(path: Path, reason: str) -> None:
    _log.warning("skipped %s: %s", path, reason)
