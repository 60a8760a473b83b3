"""Dense search: the nearest vectors by cosine.

The catalogue keeps every vector, so that nothing here has to be embedded again. Up to 50,000 chunks
are compared one by one: that is exact, takes some 8 ms at the most, and costs less still within a
scope or collection, where Chroma's graph takes 60 ms (2 ms without a filter). A larger index has a
snapshot in Chroma, written by whoever writes the index; chunks that are newer than the snapshot are
compared one by one, those that have gone are dropped, and when the snapshot cannot be read, all are
compared. So each search sees what the catalogue holds, whatever state the snapshot is in.

A graph that holds many copies of one vector falls apart: with 1,000 copies among 6,000 abstracts,
some questions found nothing at all. So a snapshot holds each vector once a partition, by its
fingerprint, and the catalogue knows the chunks that have it.
"""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from rag.errors import DimensionMismatch, RetrievalError
from rag.retrieve.catalogue import Catalogue, listed
from rag.retrieve.forking import renewed_after_fork
from rag.retrieve.snapshot import Key, Manifest, Snapshot, build

if TYPE_CHECKING:
    import numpy as np

    Vectors = np.ndarray[Any, np.dtype[np.float32]]
    Numbers = np.ndarray[Any, np.dtype[np.int64]]

__all__ = ["EXACT", "FEW", "Dense", "fingerprint", "packed", "unpacked"]

EXACT: Final = 50_000
"""Chunks of an index that are compared one by one, from memory, rather than looked up in a graph."""

FEW: Final = 10_000
"""Chunks of a scope or collection that are compared one by one, read from the catalogue."""

_BATCH: Final = 2_000
_SEEN: Final = "id <= ?2 AND partition IN (SELECT value FROM json_each(?1))"
_COUNTED: Final = f"SELECT count(*) FROM (SELECT 1 FROM chunks WHERE {_SEEN} LIMIT ?3)"  # noqa: S608  # a constant
_VECTORS_OF: Final = f"SELECT id, partition, vector FROM chunks WHERE {_SEEN}"  # noqa: S608  # a constant
_OF_KEYS: Final = """
    SELECT wanted.key, chunks.id FROM json_each(?1) AS wanted CROSS JOIN chunks
    ON partition = json_extract(wanted.value, '$[0]') AND fingerprint = json_extract(wanted.value, '$[1]')
    WHERE chunks.id <= ?2"""
_DISTINCT: Final = """
    SELECT partition, fingerprint, vector FROM chunks WHERE (partition, fingerprint) > (?1, ?2)
    AND id <= ?3 GROUP BY partition, fingerprint ORDER BY partition, fingerprint LIMIT ?4"""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Tail:
    """The chunks with ids above `after`, in the order of their ids."""

    after: int
    ids: Numbers
    partitions: Numbers
    vectors: Vectors


@dataclass(frozen=True, slots=True)
class _State:
    pid: int
    generation: int
    snapshot: Snapshot | None
    tail: _Tail


class Dense:
    """The vectors of an index, for any number of threads."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        renewed_after_fork(self)
        self._state: _State | None = None
        self._inherited: list[_State] = []
        self._unreadable: set[str] = set()
        self._checked = False

    def renew(self) -> None:
        """Make the locks anew, in a forked child."""
        self._lock = threading.Lock()
        self._settling = threading.Lock()

    def search(self, vector: Vectors, k: int, partitions: Sequence[int] | None = None) -> list[tuple[int, float]]:
        """The ids of the `k` nearest chunks with their cosines (-1 to 1), best first.

        Raises:
            RetrievalError: the catalogue cannot be read.
        """
        state = self._current()
        nearest = _compared(state.tail, vector, k, partitions)
        if state.snapshot:
            try:
                nearest += self._in_snapshot(state.snapshot, vector, k, partitions)
            except RetrievalError as error:
                # Replaced by a writer, or damaged: the next state knows.
                self._distrust(state.snapshot.manifest, error)
                return self.search(vector, k, partitions)
        return sorted(nearest, key=lambda pair: (-pair[1], pair[0]))[:k]

    def settle(self) -> None:
        """Replace the snapshot if it has fallen behind; for the process that holds the index for writing alone."""
        if folder := self._folder:
            with self._settling:
                self._settle(folder)

    def close(self) -> None:
        """Let go of the snapshot."""
        with self._lock:
            if self._state and self._state.snapshot:
                self._state.snapshot.close()
            self._state = None

    def _settle(self, folder: Path) -> None:
        manifest = self._manifest()
        if manifest and not self._checked and not manifest.intact(folder / manifest.name):
            self._unreadable.add(manifest.name)
        self._checked = True
        if self._is_behind(manifest):
            try:
                self._replace(folder)
            except RetrievalError as error:
                _log.warning("the vectors are searched without a snapshot: %s", error)
        self._sweep(folder)

    @property
    def _folder(self) -> Path | None:
        return self._catalogue.folder / "dense" if self._catalogue.folder else None

    def _manifest(self) -> Manifest | None:
        found = self._catalogue.meta("snapshot")
        return Manifest.model_validate_json(found) if found else None

    def _current(self) -> _State:
        generation = self._catalogue.generation
        with self._lock:
            state = self._state
            if state is None or (state.pid, state.generation) != (os.getpid(), generation):
                state = self._state = self._renewed(state, generation)
            return state

    def _renewed(self, old: _State | None, generation: int) -> _State:
        if old and old.pid != os.getpid():
            # A snapshot that a parent process opened can neither be used nor be taken down.
            self._inherited.append(old)
            old = None
        snapshot = self._opened(old.snapshot if old else None)
        last = snapshot.manifest.last if snapshot else 0
        return _State(os.getpid(), generation, snapshot, self._read_tail(last, old.tail if old else None))

    def _opened(self, old: Snapshot | None) -> Snapshot | None:
        manifest, folder = self._manifest(), self._folder
        trusted = manifest if manifest and manifest.name not in self._unreadable else None
        if old and old.manifest == trusted:
            return old
        if old:
            old.close()
        if trusted is None or folder is None:
            return None
        try:
            return Snapshot(folder / trusted.name, trusted)
        except RetrievalError as error:
            _log.warning("all vectors are compared one by one: %s", error)
            self._unreadable.add(trusted.name)
            return None

    def _distrust(self, manifest: Manifest, error: RetrievalError) -> None:
        with self._lock:
            _log.warning("snapshot %s is left aside: %s", manifest.name, error)
            self._unreadable.add(manifest.name)
            state = self._state
            if state and state.snapshot and state.snapshot.manifest == manifest:
                state.snapshot.close()
                self._state = None

    def _read_tail(self, after: int, known: _Tail | None) -> _Tail:
        import numpy as np

        if known is None or known.after > after:
            known = _Tail(after, np.zeros(0, np.int64), np.zeros(0, np.int64), unpacked([]))
        # Ids only grow, so that what is new lies behind what is known.
        newest = max([after, *known.ids[-1:].tolist()])
        present = self._catalogue.rows("SELECT id FROM chunks WHERE id > ? AND id <= ?", after, newest)
        fresh = self._catalogue.rows("SELECT id, partition, vector FROM chunks WHERE id > ? ORDER BY id", newest)
        kept = np.isin(known.ids, [number for (number,) in present])
        vectors = [known.vectors[kept], unpacked([blob for _, _, blob in fresh])]
        return _Tail(
            after,
            np.concatenate([known.ids[kept], np.array([number for number, _, _ in fresh], np.int64)]),
            np.concatenate([known.partitions[kept], np.array([number for _, number, _ in fresh], np.int64)]),
            np.concatenate([part for part in vectors if len(part)] or vectors[:1]),  # empty ones know no width
        )

    def _in_snapshot(
        self, snapshot: Snapshot, vector: Vectors, k: int, partitions: Sequence[int] | None
    ) -> list[tuple[int, float]]:
        few = None if partitions is None else self._few(snapshot.manifest.last, partitions)
        if few is not None:
            return _compared(few, vector, k, None)
        wanted = k
        while True:
            found = snapshot.search(vector, min(wanted, snapshot.manifest.count), partitions)
            # Each key stands for all chunks of one vector; of those, some may be gone by now.
            rows = self._catalogue.rows(_OF_KEYS, listed(key for key, _ in found), snapshot.manifest.last)
            if len(rows) >= k or len(found) < wanted:
                return [(number, found[place][1]) for place, number in rows]
            wanted *= 2

    def _few(self, last: int, partitions: Sequence[int]) -> _Tail | None:
        """The snapshot's chunks in these partitions, unless there are too many to compare one by one."""
        import numpy as np

        seen = listed(partitions)
        (many,) = self._catalogue.rows(_COUNTED, seen, last, FEW + 1)[0]
        if many > FEW:
            return None
        rows = self._catalogue.rows(_VECTORS_OF, seen, last)
        ids, numbers = (np.array([row[column] for row in rows], np.int64) for column in (0, 1))
        return _Tail(0, ids, numbers, unpacked([row[2] for row in rows]))

    def _is_behind(self, manifest: Manifest | None) -> bool:
        (total,) = self._catalogue.rows("SELECT count(*) FROM chunks")[0]
        if manifest is None:
            return bool(total > EXACT)
        (newer,) = self._catalogue.rows("SELECT count(*) FROM chunks WHERE id > ?", manifest.last)[0]
        gone = manifest.count - (total - newer)
        # A quarter: each vector is written into few snapshots, however an index grows.
        quarter = manifest.count // 4
        return manifest.name in self._unreadable or newer > max(EXACT, quarter) or gone > quarter

    def _replace(self, folder: Path) -> None:
        total, last = self._catalogue.rows("SELECT count(*), max(id) FROM chunks")[0]
        manifest = None
        if total > EXACT:
            name = f"{self._catalogue.generation}-{os.getpid()}"
            files = build(folder / name, self._batches(last))
            manifest = Manifest(name=name, last=last, count=total, files=files).model_dump_json()
        with self._catalogue.writing() as connection:
            connection.execute("INSERT OR REPLACE INTO meta VALUES ('snapshot', ?)", (manifest,))

    def _batches(self, last: int) -> Iterator[tuple[list[Key], Vectors]]:
        key = (-1, 0)
        while rows := self._catalogue.rows(_DISTINCT, *key, last, _BATCH):
            key = rows[-1][:2]
            yield [row[:2] for row in rows], unpacked([row[2] for row in rows])

    def _sweep(self, folder: Path) -> None:
        manifest = self._manifest()
        for other in folder.glob("*"):
            if manifest is None or other.name != manifest.name:
                shutil.rmtree(other, ignore_errors=True)


def packed(vectors: Vectors) -> list[bytes]:
    """Each vector as bytes; in half precision, which changed no measured ranking."""
    return [row.tobytes() for row in vectors.astype("<f2")]


def fingerprint(vector: bytes) -> int:
    """A number that packed vectors share when they are the same, and else hardly ever."""
    return int.from_bytes(hashlib.blake2b(vector, digest_size=8).digest(), "big", signed=True)


def unpacked(blobs: Sequence[bytes]) -> Vectors:
    """The vectors that were packed, of shape (blobs, dimensions)."""
    import numpy as np

    stored = np.frombuffer(b"".join(blobs), "<f2").astype(np.float32)
    return stored.reshape(len(blobs), -1) if blobs else stored.reshape(0, 0)


def _compared(tail: _Tail, vector: Vectors, k: int, partitions: Sequence[int] | None) -> list[tuple[int, float]]:
    import numpy as np

    ids, vectors = tail.ids, tail.vectors
    if partitions is not None:
        visible = np.isin(tail.partitions, partitions)
        ids, vectors = ids[visible], vectors[visible]
    if not len(ids):
        return []
    if vectors.shape[1:] != vector.shape:
        raise DimensionMismatch(
            f"the index holds vectors of {vectors.shape[1]} dimensions, and the query's has {len(vector)};"
            " the embedder has changed under its name: index the documents again in a new folder"
        )
    scores = vectors @ vector
    first = np.argpartition(-scores, k - 1)[:k] if k < len(scores) else np.arange(len(scores))
    order = first[np.argsort(-scores[first])]
    return [(int(ids[row]), float(scores[row])) for row in order]
