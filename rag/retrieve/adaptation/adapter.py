"""The adapter: a low-rank residual on the query side of an embedder."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final
from zipfile import BadZipFile

from rag.errors import DimensionMismatch, RetrievalError
from rag.protocols import Embedder
from rag.retrieve.adaptation.training import Residual
from rag.types import Scope

if TYPE_CHECKING:
    import numpy as np

    Vectors = np.ndarray[Any, np.dtype[np.float32]]

__all__ = ["Adapted", "Adapter", "HeldOut"]

_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class HeldOut:
    """What held-out questions showed: the share whose passage is first, or among the first five, before and after.

    `by` says whether questions were held out, or passages with all their questions. `gain` is by how much the
    mean reciprocal rank of these rose, and `error` the standard error of that.
    """

    by: str
    questions: int
    before: tuple[float, float]
    after: tuple[float, float]
    gain: float
    error: float

    @property
    def wins(self) -> bool:
        """Whether the gain is over 1.645 of its standard error.

        The steps were chosen by these same questions, so that this is no test at one in twenty: where nothing
        is to be gained, about one adapter in nine is still on.
        """
        return self.gain > 1.645 * self.error

    def __str__(self) -> str:
        """Both recalls, before and after."""
        first, five = (f"{old:.3f} → {new:.3f}" for old, new in zip(self.before, self.after, strict=True))
        return f"held out by {self.by}, {self.questions} questions in 5 folds: recall@1 {first}, recall@5 {five}"


@dataclass(frozen=True, eq=False)
class Adapter:
    """A change to query vectors: E'(x) = normalise(E(x) + up · down · E(x)); passages stay as they are.

    `down` has the shape (rank, dimensions) and `up` (dimensions, rank), for the vectors of `embedder`
    alone. One that is off changes nothing. With a `tenant` or `user` it was learned from what they alone
    see, and an index adapts queries of theirs alone by it.

    Source: the residual adapters of "Adapted Dense Retrieval" (Adder), query side alone; see the package on a patent.
    """

    embedder: str
    down: Vectors
    up: Vectors
    steps: int
    held_out: HeldOut
    tenant: str | None = None
    user: str | None = None

    def serves(self, scope: Scope | None) -> bool:
        """Whether an index adapts queries of a scope by it: its tenant's and user's, or all if it has none."""
        asks = scope or Scope()
        return self.tenant in (None, asks.tenant) and self.user in (None, asks.user)

    @property
    def on(self) -> bool:
        """Whether it won on what was held out."""
        return self.held_out.wins

    def applied(self, vectors: Vectors) -> Vectors:
        """Query vectors, adapted; one of shape (dimensions), or several of shape (queries, dimensions).

        Raises:
            DimensionMismatch: the vectors have other dimensions.
        """
        if not self.on:
            return vectors
        if vectors.shape[-1] != self.down.shape[1]:
            raise DimensionMismatch(
                f"the adapter is for vectors of {self.down.shape[1]} dimensions, and the query's has"
                f" {vectors.shape[-1]}; learn it anew with this embedder"
            )
        return Residual(self.down, self.up).moved(vectors)

    def wrap(self, embedder: Embedder) -> Adapted:
        """The embedder, with queries adapted; whose they are it cannot know, so that all are.

        Raises:
            DimensionMismatch: the adapter was learned for another embedder.
        """
        self.check(embedder.name)
        return Adapted(embedder, self)

    def check(self, embedder: str) -> None:
        """Refuse an embedder that it was not learned for.

        Raises:
            DimensionMismatch: the name is another.
        """
        if embedder != self.embedder:
            raise DimensionMismatch(
                f"the adapter was learned for {self.embedder}, and the embedder here is {embedder};"
                " learn one for it with rag.retrieve.adapt"
            )

    def to_bytes(self) -> bytes:
        """A file that `from_bytes` reads."""
        import numpy as np

        told = {
            "version": _VERSION,
            "embedder": self.embedder,
            "steps": self.steps,
            "held_out": asdict(self.held_out),
            "tenant": self.tenant,
            "user": self.user,
        }
        file = io.BytesIO()
        np.savez(file, down=self.down, up=self.up, told=np.array(json.dumps(told)))
        return file.getvalue()

    @classmethod
    def from_bytes(cls, content: bytes) -> Adapter:
        """What `to_bytes` wrote.

        Raises:
            RetrievalError: it is damaged, or of another version.
        """
        import numpy as np

        try:
            # Never pickled objects: a file from outside could run code.
            with np.load(io.BytesIO(content), allow_pickle=False) as file:
                told = json.loads(str(file["told"]))
                if told["version"] != _VERSION:
                    raise ValueError(f"version {told['version']}")
                seen = told["held_out"] | {name: tuple(told["held_out"][name]) for name in ("before", "after")}
                whose = told.get("tenant"), told.get("user")
                return cls(told["embedder"], file["down"], file["up"], told["steps"], HeldOut(**seen), *whose)
        except (ValueError, KeyError, TypeError, OSError, EOFError, BadZipFile) as error:
            raise RetrievalError(
                f"an adapter cannot be read ({error}), this version reads format {_VERSION};"
                " learn it anew with rag.retrieve.adapt, or search without one: index.use(None)"
            ) from error

    def __str__(self) -> str:
        """Whether it is on, and what held-out questions showed."""
        state = "on" if self.on else "off, since it did not win"
        return f"adapter for {self.embedder}, rank {len(self.down)}, {self.steps} steps: {state}\n{self.held_out}"

    def __repr__(self) -> str:
        return f"Adapter({self.embedder!r}, {'on' if self.on else 'off'})"


class Adapted:
    """An embedder whose queries are adapted and whose passages are not; `Adapter.wrap` makes it.

    It has the name of the embedder within, since vectors of passages are the same.
    """

    def __init__(self, embedder: Embedder, adapter: Adapter) -> None:
        self._embedder, self._adapter = embedder, adapter
        self.name, self.dimensions = embedder.name, embedder.dimensions

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors of passages, of shape (texts, dimensions).

        Raises:
            ModelError: the embedder failed.
        """
        return self._embedder.embed(texts)

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors of queries, of shape (texts, dimensions).

        Raises:
            ModelError: the embedder failed.
        """
        return self._adapter.applied(self._embedder.embed(texts))
