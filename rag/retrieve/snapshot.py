"""Snapshots: vectors in a Chroma folder of their own, which is never written again.

Chroma's local client is not safe for several processes, and a kill while it writes its graph leaves
a folder that silently misses vectors, or crashes who opens it. So a snapshot is built aside, synced,
and only then named in the catalogue; its files are checked before they are opened.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import threading
import zlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from pydantic import BaseModel, ConfigDict

from rag.errors import RetrievalError

if TYPE_CHECKING:
    import numpy as np
    from chromadb.api.client import Client
    from chromadb.api.collection_configuration import CreateHNSWConfiguration

    Vectors = np.ndarray[Any, np.dtype[np.float32]]

__all__ = ["Manifest", "Snapshot", "build"]

# Chroma's defaults found .64 of the hundred nearest of 5,000; these find .999.
_GRAPH: Final[CreateHNSWConfiguration] = {
    "space": "cosine",
    "ef_construction": 200,
    "ef_search": 200,
    "max_neighbors": 16,
}
_DATABASE: Final = "chroma.sqlite3"
Batch = tuple[Sequence[int], Sequence[int], "Vectors"]
"""Ids of chunks, their partitions and their vectors."""


class Manifest(BaseModel):
    """What the catalogue knows of a snapshot: chunks up to `last`, `count` of them, and its files' checksums."""

    model_config = ConfigDict(frozen=True)

    name: str
    last: int
    count: int
    files: dict[str, int]

    def intact(self, folder: Path) -> bool:
        """Whether the folder is as it was written."""
        return _checksums(folder) == self.files


def build(folder: Path, batches: Iterable[Batch]) -> Manifest:
    """Write a snapshot into a new folder, complete and synced when this returns.

    Raises:
        RetrievalError: Chroma or the disk refused.
    """
    shutil.rmtree(folder, ignore_errors=True)
    last = count = 0
    with _translated(folder):
        client = _client(folder)
        try:
            made = client.create_collection(
                _collection(folder), embedding_function=None, configuration={"hnsw": _GRAPH}
            )
            for ids, partitions, vectors in batches:
                made.add(
                    ids=[str(number) for number in ids],
                    embeddings=vectors,
                    metadatas=[{"partition": number} for number in partitions],
                )
                last, count = max(last, *ids), count + len(ids)
        finally:
            client.close()
        _sync(folder)
        return Manifest(name=folder.name, last=last, count=count, files=_checksums(folder))


class Snapshot:
    """An open snapshot, for any number of threads.

    Raises:
        RetrievalError: its folder is missing or is not as it was written.
    """

    def __init__(self, folder: Path, manifest: Manifest) -> None:
        self.folder = folder
        self.manifest = manifest
        self._lock = threading.Lock()
        self._pid = os.getpid()
        if not manifest.intact(folder):
            raise RetrievalError(f"{folder} is missing or damaged; the next change to the index rebuilds it")
        with _translated(folder):
            self._client = _client(folder)
            self._collection = self._client.get_collection(_collection(folder), embedding_function=None)

    def search(self, vector: Vectors, k: int, partitions: Sequence[int] | None) -> list[tuple[int, float]]:
        """The ids of the `k` nearest chunks and their cosines (-1 to 1), best first.

        Raises:
            RetrievalError: Chroma cannot read the snapshot.
        """
        where: Any = None if partitions is None else {"partition": {"$in": list(partitions)}}
        with self._lock, _translated(self.folder):
            found = self._collection.query(
                query_embeddings=vector[None, :], n_results=k, where=where, include=["distances"]
            )
        distances = (found["distances"] or [[]])[0]
        return [(int(name), 1.0 - distance) for name, distance in zip(found["ids"][0], distances, strict=True)]

    def close(self) -> None:
        """Let go of the folder."""
        # What a parent process opened is not the child's to close.
        if self._pid == os.getpid():
            with self._lock, contextlib.suppress(RetrievalError), _translated(self.folder):
                self._client.close()


def _client(folder: Path) -> Client:
    import chromadb
    from chromadb.config import Settings

    # Without this, Chroma would read a .env file of the working directory.
    settings = Settings(_env_file=None, anonymized_telemetry=False)
    client = chromadb.PersistentClient(str(folder), settings=settings)
    return cast("Client", client)  # it is declared as what lacks `close`


def _collection(folder: Path) -> str:
    # Chroma takes 3 or more of [A-Za-z0-9._-].
    return hashlib.sha256(folder.name.encode()).hexdigest()[:32]


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _checksums(folder: Path) -> dict[str, int]:
    """CRC-32 by file; of the database, which Chroma touches whenever it is opened, only whether it is there."""
    found = {}
    for path in _files(folder):
        if path.name == _DATABASE:
            found[_DATABASE] = 0
        elif not path.name.startswith(_DATABASE):
            found[path.relative_to(folder).as_posix()] = _checksum(path)
    return found


def _checksum(path: Path) -> int:
    found = 0
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            found = zlib.crc32(block, found)
    return found


def _sync(folder: Path) -> None:
    for path in (*_files(folder), folder, folder.parent):
        with contextlib.suppress(PermissionError):  # Windows does not open folders
            number = os.open(path, os.O_RDONLY)
            try:
                os.fsync(number)
            finally:
                os.close(number)


@contextlib.contextmanager
def _translated(folder: Path) -> Iterator[None]:
    """Chroma's errors as ours.

    Raises:
        RetrievalError: whatever Chroma raised.
    """
    try:
        yield
    except RetrievalError:
        raise
    except Exception as error:  # Chroma raises its own tree, ValueError, and what its Rust core makes up
        raise RetrievalError(f"Chroma cannot use {folder}: {type(error).__name__}: {error}") from error
