"""Cards as texts that can be searched: by their words, and by what they are about."""

from __future__ import annotations

import hashlib
import logging
import re
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from rag.card import Schema, SourceCard
from rag.retrieve.dense import packed, unpacked
from rag.retrieve.forking import renewed_after_fork
from rag.retrieve.lexical import query_words

if TYPE_CHECKING:
    import numpy as np

    from rag.protocols import Embedder

    Vector = np.ndarray[Any, np.dtype[np.float32]]

__all__ = ["CardSet", "CardVectors", "card_vectors", "spoken"]

_Result = TypeVar("_Result")

_NAME: Final = 3.0
"""What a word of the name counts for, as a title's does in an index."""

_JOINTS: Final = re.compile(
    r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|(?<=[^\W\d_])(?=\d)|(?<=\d)(?=[^\W\d_])|[\W_]+"
)
_BM25: Final = f"SELECT rowid, bm25(words, {_NAME}, 1.0, 1.0) FROM words WHERE words MATCH ?"  # noqa: S608  # a constant
_log = logging.getLogger(__name__)


@lru_cache(maxsize=16_384)
def spoken(name: str) -> str:
    """A name as its words, parted where case changes, at digits and at marks.

    Example:
        >>> spoken("getHTTPStatus2"), spoken("hr_policies.v3")
        ('get HTTP Status 2', 'hr policies v 3')
    """
    return " ".join(word for word in _JOINTS.split(name) if word)


class CardVectors:
    """Vectors of texts, each worked out once; in a file of the folder, or in memory where there is none.

    What cannot be kept on disk is kept in memory. Serves any number of threads and processes.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder
        self._opened: list[sqlite3.Connection] = []
        renewed_after_fork(self)

    def renew(self) -> None:
        """Make locks and connection anew, in a forked child: what its parent opened it may neither use nor close."""
        self._lock = threading.Lock()
        self._embedding = threading.Lock()
        self._connection: sqlite3.Connection | None = None

    def known(self, texts: Iterable[str], embedder: Embedder) -> dict[str, Vector]:
        """The vectors of those texts that have one."""
        name = embedder.name
        keys = {_key(text, name): text for text in texts}
        found = {key: blob for key in keys if (blob := self._read(key))}
        vectors = unpacked(list(found.values()))
        return {keys[key]: vector for key, vector in zip(found, vectors, strict=True)}

    def learnt(self, texts: Sequence[str], embedder: Embedder) -> dict[str, Vector]:
        """The vectors of all these texts, in half precision.

        Raises:
            RagError: the embedder failed.
        """
        # One at a time: who waits finds that it has been done.
        with self._embedding:
            known = self.known(texts, embedder)
            if missing := [text for text in dict.fromkeys(texts) if text not in known]:
                blobs = packed(embedder.embed(missing))
                self._keep([(_key(text, embedder.name), blob) for text, blob in zip(missing, blobs, strict=True)])
                known.update(zip(missing, unpacked(blobs), strict=True))
        return known

    def _read(self, key: bytes) -> bytes | None:
        found = self._tried(lambda held: held.execute("SELECT vector FROM vectors WHERE key = ?", (key,)).fetchone())
        return found[0] if found else None

    def _keep(self, rows: Sequence[tuple[bytes, bytes]]) -> None:
        def kept(held: sqlite3.Connection) -> None:
            with held:
                held.executemany("INSERT OR IGNORE INTO vectors VALUES (?, ?)", rows)

        self._tried(kept)

    def _tried(self, action: Callable[[sqlite3.Connection], _Result]) -> _Result:
        with self._lock:
            try:
                return action(self._current())
            except (OSError, sqlite3.Error) as error:
                # It holds nothing that could not be worked out again.
                _log.warning("vectors of source cards are kept in memory, not in %s: %s", self._folder, error)
                self._folder, self._connection = None, None
                return action(self._current())

    def _current(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = _connected(self._folder)
            self._opened.append(self._connection)
        return self._connection


@lru_cache(maxsize=16)
def card_vectors(folder: Path | None) -> CardVectors:
    """The vectors that this process keeps in a folder, or in memory."""
    return CardVectors(folder)


class CardSet:
    """Some cards, searched by words (BM25 over name, about and arguments) and by meaning (name and about).

    Scores are arrays, one value a card in the order of the cards.
    """

    def __init__(self, cards: Sequence[SourceCard]) -> None:
        import numpy as np

        self.cards = tuple(cards)
        self.texts = [_about(card) for card in cards]
        self._vectors: Vector | None = None
        self._known = np.zeros(len(cards), bool)
        self._connection = sqlite3.connect(":memory:", check_same_thread=False)
        self._connection.execute(
            "CREATE VIRTUAL TABLE words USING fts5 (name, about, arguments, tokenize='porter unicode61')"
        )
        rows = ((spoken(card.name), card.about, _arguments(card)) for card in cards)
        self._connection.executemany("INSERT INTO words VALUES (?, ?, ?)", rows)
        renewed_after_fork(self)

    def renew(self) -> None:
        """Make the lock anew, in a forked child."""
        self._lock = threading.Lock()

    def by_words(self, text: str) -> Vector:
        """How well the words of each card meet a text: BM25, 0 where no word does."""
        import numpy as np

        scores = np.zeros(len(self.cards), np.float32)
        if words := query_words(text):
            expression = " OR ".join(f'"{word}"' for word in words)
            with self._lock:
                for row, cost in self._connection.execute(_BM25, (expression,)):
                    scores[row - 1] = -cost
        return scores

    def by_meaning(self, vectors: Sequence[Vector]) -> list[Vector]:
        """For each vector its cosines with the cards, 0 where a card has not been embedded yet."""
        import numpy as np

        with self._lock:
            if self._vectors is None:
                return [np.zeros(len(self.cards), np.float32) for _ in vectors]
            return list(np.stack(vectors) @ self._vectors.T)

    def learn(self, order: Sequence[int], vectors: CardVectors, embedder: Embedder, most: int) -> None:
        """Embed the first cards in the order that have no vector yet, so many at most.

        Raises:
            RagError: the embedder failed.
        """
        if missing := [place for place in order if not self._known[place]]:
            self._take(missing, vectors.known((self.texts[place] for place in missing), embedder))
            missing = [place for place in missing if not self._known[place]][:most]
            self._take(missing, vectors.learnt([self.texts[place] for place in missing], embedder))

    def _take(self, places: Iterable[int], vectors: dict[str, Vector]) -> None:
        import numpy as np

        with self._lock:
            for place in places:
                if (vector := vectors.get(self.texts[place])) is not None:
                    if self._vectors is None:
                        self._vectors = np.zeros((len(self.cards), len(vector)), np.float32)
                    self._vectors[place] = vector
                    self._known[place] = True


def _connected(folder: Path | None) -> sqlite3.Connection:
    if folder:
        folder.mkdir(parents=True, exist_ok=True)
    name = str(folder / "cards.sqlite") if folder else ":memory:"
    connection = sqlite3.connect(name, timeout=5.0, check_same_thread=False)
    try:
        connection.execute("CREATE TABLE IF NOT EXISTS vectors (key BLOB PRIMARY KEY, vector BLOB) WITHOUT ROWID")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _key(text: str, embedder: str) -> bytes:
    return hashlib.blake2b(f"{embedder}\n{text}".encode(), digest_size=16).digest()


def _about(card: SourceCard) -> str:
    """What is embedded: arguments only where nothing else tells, since they cost four times the time for little."""
    return f"{spoken(card.name)}: {card.about or _arguments(card)}"


def _arguments(card: SourceCard) -> str:
    return "; ".join(
        " ".join([spoken(name), *_told(schema), *(word for kind in card.kinds(name) for word in _told(kind))])
        for name, schema in card.properties.items()
    )


def _told(schema: Schema) -> Iterator[str]:
    """The description of an argument, and the values it may have."""
    yield str(schema.get("description", ""))
    yield from (spoken(str(value)) for value in schema.get("enum", ()))
