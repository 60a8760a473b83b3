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
import sys
import threading
import zlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

from pydantic import BaseModel, ConfigDict

from rag.errors import RetrievalError

if TYPE_CHECKING:
    import numpy as np
    from chromadb.api.client import Client
    from chromadb.api.collection_configuration import CreateHNSWConfiguration

    Vectors = np.ndarray[Any, np.dtype[np.float32]]

__all__ = ["Key", "Manifest", "Snapshot", "build"]

# Chroma's defaults found .64 of the hundred nearest of 5,000; these find .999. A threshold of 1 writes the
# whole graph: what is left in Chroma's queue would be written by whoever opens the snapshot.
_GRAPH: Final[CreateHNSWConfiguration] = {
    "space": "cosine",
    "ef_construction": 200,
    "ef_search": 200,
    "sync_threshold": 1,
}
_DATABASE: Final = "chroma.sqlite3"
Key: TypeAlias = tuple[int, int]
"""A partition, and the fingerprint of a vector in it."""


class Manifest(BaseModel):
    """What the catalogue knows of a snapshot: the `count` chunks up to `last`, and its files' checksums."""

    model_config = ConfigDict(frozen=True)

    name: str
    last: int
    count: int
    files: dict[str, int]

    def intact(self, folder: Path) -> bool:
        """Whether the folder is as it was written."""
        return _checksums(folder) == self.files


def build(folder: Path, batches: Iterable[tuple[Sequence[Key], Vectors]]) -> dict[str, int]:
    """Write a snapshot into a new folder, complete and synced when this returns; the files' checksums.

    Each key comes once: many copies of one vector would tear the graph apart.

    Raises:
        RetrievalError: Chroma or the disk refused.
    """
    shutil.rmtree(folder, ignore_errors=True)
    with _translated(folder):
        client = _client(folder)
        try:
            made = client.create_collection(
                _collection(folder), embedding_function=None, configuration={"hnsw": _GRAPH}
            )
            for keys, vectors in batches:
                names = [f"{partition}:{fingerprint}" for partition, fingerprint in keys]
                made.add(ids=names, embeddings=vectors, metadatas=[{"partition": key[0]} for key in keys])
        finally:
            client.close()
        _sync(folder)
        return _checksums(folder)


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

    def search(self, vector: Vectors, k: int, partitions: Sequence[int] | None) -> list[tuple[Key, float]]:
        """The keys of the `k` nearest vectors and their cosines (-1 to 1), best first.

        Raises:
            RetrievalError: Chroma cannot read the snapshot.
        """
        where: Any = None if partitions is None else {"partition": {"$in": list(partitions)}}
        with self._lock, _translated(self.folder):
            found = self._collection.query(
                query_embeddings=vector[None, :], n_results=k, where=where, include=["distances"]
            )
            keys = [(int(first), int(second)) for first, second in (name.split(":") for name in found["ids"][0])]
            return [(key, 1.0 - d) for key, d in zip(keys, (found["distances"] or [[]])[0], strict=True)]

    def close(self) -> None:
        """Let go of the folder."""
        if self._pid == os.getpid():  # what a parent process opened is not the child's to close
            with self._lock, contextlib.suppress(RetrievalError), _translated(self.folder):
                self._client.close()


def _client(folder: Path) -> Client:
    import chromadb
    from chromadb.config import Settings

    # Without this, Chroma would read a .env file of the working directory.
    settings = Settings(_env_file=None, anonymized_telemetry=False)
    client = chromadb.PersistentClient(str(folder), settings=settings)
    return cast("Client", client)  # it is declared as what lacks `close`


def _forget_after_fork() -> None:
    # Chroma shares one core among the clients of a folder, and its threads do not survive a fork.
    if "chromadb" in sys.modules:
        from chromadb.api.shared_system_client import SharedSystemClient

        SharedSystemClient.clear_system_cache()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_after_fork)


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
