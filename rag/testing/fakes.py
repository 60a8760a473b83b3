"""Stand-ins for a model, an embedder and a source: quick, deterministic, and keeping what they were asked."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from rag import tokens
from rag.card import Schema, ScopeField, SourceCard, free_query
from rag.closing import Closing
from rag.errors import SourceError
from rag.protocols import Message, Reply, Row
from rag.types import Scope, Usage

if TYPE_CHECKING:
    import numpy as np

    Vectors = np.ndarray[Any, np.dtype[np.float32]]

__all__ = ["Asked", "FakeEmbedder", "FakeModel", "FakeSource"]

_PIECES = re.compile(r"\s*\S+|\s+\Z")
_WORDS = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Asked:
    """One call that a `FakeModel` got."""

    messages: tuple[Message, ...]
    schema: Schema | None
    max_tokens: int | None

    @property
    def prompt(self) -> str:
        """All the messages' text."""
        return "\n".join(message.content for message in self.messages)


class FakeModel(Closing):
    """Answers from a list, in order, or by a function of the messages; an error in place of a text is raised.

    Example:
        >>> from rag.run.bridge import run
        >>> model = FakeModel(['{"steps": []}', "Hello."])
        >>> run(model.complete, [Message("user", "plan!")]).text
        '{"steps": []}'
        >>> model.calls[0].prompt
        'plan!'
    """

    def __init__(
        self,
        replies: Iterable[str | Exception] | Callable[[Sequence[Message]], str | Exception],
        *,
        name: str = "fake",
    ) -> None:
        self.name = name
        self.calls: list[Asked] = []
        if callable(replies):
            self._reply = replies
        else:
            left = iter(replies)
            self._reply = lambda _: next(left, LookupError(f"FakeModel has no reply left for call {len(self.calls)}"))

    async def complete(
        self,
        messages: Sequence[Message],
        *,
        schema: Schema | None = None,
        max_tokens: int | None = None,
        on_token: Callable[[str], None] | None = None,
    ) -> Reply:
        """The next reply; it streams word by word.

        Raises:
            LookupError: there are no more replies.
        """
        self.calls.append(Asked(tuple(messages), schema, max_tokens))
        reply = self._reply(messages)
        if isinstance(reply, Exception):
            raise reply
        if on_token is not None:
            for piece in _PIECES.findall(reply):
                on_token(piece)
        usage = Usage(
            model_calls=1,
            prompt_tokens=tokens.of_prompt(messages, schema),
            completion_tokens=tokens.estimate(reply),
            estimated=True,
        )
        return Reply(reply, usage)


class FakeEmbedder:
    """Unit vectors: the mean of one random direction a word, so that texts that share words are near each other.

    They are dense and no two distances are alike, which the graphs of nearest-neighbour indexes need.

    Example:
        >>> near = FakeEmbedder().embed(["red kettle", "a red kettle", "returns"])
        >>> bool(near[0] @ near[1] > near[0] @ near[2])
        True
    """

    def __init__(self, dimensions: int = 64) -> None:
        self.name = f"fake-{dimensions}"
        self.dimensions = dimensions

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors, of shape (texts, dimensions)."""
        import numpy as np

        vectors = np.zeros((len(texts), self.dimensions), np.float32)
        for row, text in enumerate(texts):
            for word in _WORDS.findall(text.lower()) or [""]:
                vectors[row] += _direction(word, self.dimensions)
        norms: Vectors = np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors / norms


@lru_cache(maxsize=4096)
def _direction(word: str, dimensions: int) -> Vectors:
    import numpy as np

    seed = int.from_bytes(hashlib.blake2b(word.encode("utf-8", "replace"), digest_size=8).digest(), "big")
    return np.random.default_rng(seed).standard_normal(dimensions, dtype=np.float32)


class FakeSource:
    """A source over rows given in code, or by a function of the arguments; an error in their place is raised.

    Example:
        >>> from rag.run.bridge import run
        >>> source = FakeSource("reviews", [{"text": "good battery"}])
        >>> run(source.call, {"query": "battery"}, Scope())
        [{'text': 'good battery'}]
        >>> source.calls
        [({'query': 'battery'}, Scope(tenant=None, user=None, as_of=None, labels=frozenset()))]
    """

    def __init__(
        self,
        name: str,
        rows: Iterable[Row] | Exception | Callable[[Mapping[str, Any]], Iterable[Row]] = (),
        *,
        about: str = "",
        arguments: type[BaseModel] | None = None,
        enforces: Iterable[ScopeField] = (),
        shared: bool = True,
    ) -> None:
        self.card = SourceCard(
            name=name,
            about=about,
            arguments=arguments or free_query(),
            enforces=frozenset(enforces),
            shared=shared,
        )
        self.calls: list[tuple[dict[str, Any], Scope]] = []
        self._rows = rows

    async def call(self, args: Mapping[str, Any], scope: Scope) -> list[Row]:
        """The rows, each a copy, whatever is asked.

        Raises:
            SourceError: the arguments do not fit the card.
        """
        try:
            self.card.arguments.model_validate(dict(args))
        except ValidationError as error:
            raise SourceError(f"{self.card.name}: {error}", source=self.card.name) from error
        self.calls.append((dict(args), scope))
        if isinstance(self._rows, Exception):
            raise self._rows
        rows = self._rows(args) if callable(self._rows) else self._rows
        return [dict(row) for row in rows]
