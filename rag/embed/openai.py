"""An embedding model behind an OpenAI-compatible endpoint."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

from rag.errors import BadModelOutput, ConfigError, DimensionMismatch, ModelError
from rag.models.errors import place, translate
from rag.run.meter import used
from rag.tokens import estimate
from rag.types import Usage

if TYPE_CHECKING:
    import numpy as np
    from openai import OpenAI
    from tenacity import RetryCallState

    Vectors = np.ndarray[Any, np.dtype[np.float32]]

__all__ = ["OpenAIEmbedder"]

_OPENAI: Final = "https://api.openai.com/v1"
_BATCH: Final = 128  # texts of one request
_TIMEOUT: Final = 60.0  # seconds
_ATTEMPTS: Final = 4
_LONGEST_WAIT: Final = 60.0  # seconds; an endpoint that asks for more is taken to have refused


class OpenAIEmbedder:
    """Embeds texts with a model of an OpenAI-compatible endpoint; one instance serves many threads.

    Args:
        model: the model's name at the endpoint.
        base_url: where the API begins, as in http://127.0.0.1:8000/v1; OPENAI_BASE_URL when not given,
            else OpenAI's own.
        api_key: the key; OPENAI_API_KEY when not given. Endpoints that want none may be given none.
        dimensions: the length that is asked of the endpoint; without it the model's own is found out
            by a first request.

    Raises:
        ConfigError: there is neither a key nor a URL, or one of them cannot be one.

    Example:
        >>> OpenAIEmbedder("tiny", base_url="http://127.0.0.1:8000/v1", dimensions=64).name
        'tiny@64'
    """

    def __init__(
        self, model: str, base_url: str | None = None, api_key: str | None = None, dimensions: int | None = None
    ) -> None:
        from rag.settings import Settings

        settings = Settings.load()
        known = settings.openai_api_key.get_secret_value() if settings.openai_api_key else ""
        self._model = model
        self._key = (api_key or known).strip()
        self._url = base_url or settings.openai_base_url or (_OPENAI if self._key else "")
        self._declared = dimensions
        self._found = dimensions
        self._check()

    def __repr__(self) -> str:
        return f"OpenAIEmbedder({self._model!r}, base_url={place(self._url)!r})"

    @property
    def name(self) -> str:
        """The model's name, with the dimensions where they were asked for: `model@256`."""
        return self._model if self._declared is None else f"{self._model}@{self._declared}"

    @property
    def dimensions(self) -> int:
        """The length of each vector; where it is not known yet, one text is embedded to find out.

        Raises:
            ModelError: the endpoint failed.
        """
        if self._found is None:
            self._found = int(self.embed(["how long is a vector?"]).shape[1])
        return self._found

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors, of shape (texts, dimensions), in the order of the texts.

        Requests are made again after errors that may pass, with growing waits.

        Raises:
            ModelError: the endpoint failed, or answered with something else than vectors.
            DimensionMismatch: its vectors have another length than was declared, or than before.
        """
        import numpy as np

        if not texts:
            return np.zeros((0, self.dimensions), dtype=np.float32)
        return np.concatenate([self._batch(batch) for batch in _batches(texts)])

    def close(self) -> None:
        """Close the connections; a later call opens new ones."""
        client = self.__dict__.pop("_client", None)
        if client is not None:
            client.close()

    def _batch(self, texts: Sequence[str]) -> Vectors:
        from tenacity import Retrying, retry_if_exception, stop_after_attempt

        policy = Retrying(
            retry=retry_if_exception(_may_pass),
            stop=stop_after_attempt(_ATTEMPTS),
            wait=_wait,
            reraise=True,  # by default tenacity hides the error in its own RetryError
        )
        vectors = self._unit(policy(self._request, texts), len(texts))
        if self._found not in (None, vectors.shape[1]):
            raise DimensionMismatch(
                f"{self._who} answers with vectors of {vectors.shape[1]} dimensions where {self._found} are expected: "
                f"pass dimensions={vectors.shape[1]} or none, and make the index anew"
            )
        self._found = vectors.shape[1]
        return vectors

    def _request(self, texts: Sequence[str]) -> list[Any]:
        import openai

        size = openai.omit if self._declared is None else self._declared
        # Endpoints refuse an empty text. Not all of them know the library's own format, base64.
        given = [text or " " for text in texts]
        try:
            reply = self._client.embeddings.create(
                input=given, model=self._model, dimensions=size, encoding_format="float"
            )
        except (openai.OpenAIError, ValueError) as error:
            raise translate(error, self._model, url=self._url) from error
        used(self._model, _usage(reply, given))
        try:
            return [entry.embedding for entry in sorted(reply.data, key=lambda entry: entry.index)]
        except (AttributeError, TypeError) as error:
            raise self._bad("its answer holds no embeddings") from error

    def _unit(self, rows: list[Any], count: int) -> Vectors:
        import numpy as np

        if len(rows) != count:
            raise self._bad(f"it answered with {len(rows)} embeddings for {count} texts")
        try:
            vectors: Vectors = np.asarray(rows, dtype=np.float32)
            lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        except (ValueError, TypeError) as error:
            raise self._bad("its embeddings are not lists of numbers of one length") from error
        if not (np.isfinite(lengths).all() and lengths.all()):
            raise self._bad("an embedding of it is zero or not finite")
        unit: Vectors = vectors / lengths
        return unit

    @cached_property
    def _client(self) -> OpenAI:
        from openai import OpenAI

        return OpenAI(base_url=self._url, api_key=self._key or "none", max_retries=0, timeout=_TIMEOUT)

    @property
    def _who(self) -> str:
        return f"{self._model} at {place(self._url)}"

    def _bad(self, what: str) -> BadModelOutput:
        return BadModelOutput(f"{self._who}: {what}; is it an embedding model?", model=self._model)

    def _check(self) -> None:
        if not self._url:
            raise ConfigError(
                f"embedding model {self._model!r} has no endpoint: set OPENAI_API_KEY (or pass api_key=) for OpenAI's "
                "own, or OPENAI_BASE_URL (or base_url=) for any other, as in http://127.0.0.1:8000/v1"
            )
        if not self._url.startswith(("http://", "https://")):
            raise ConfigError(f"base_url {self._url!r} must begin with http:// or https://")
        if not (self._key.isascii() and self._key.isprintable()):
            raise ConfigError("api_key holds characters that no key has: was it copied whole and without line breaks?")
        if self._declared is not None and self._declared < 1:
            raise ConfigError(f"dimensions is {self._declared}: a vector has at least 1")


def _batches(texts: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(texts), _BATCH):
        yield texts[start : start + _BATCH]


def _usage(reply: object, texts: Sequence[str]) -> Usage:
    """What the endpoint counted, else our estimate."""
    counted = getattr(getattr(reply, "usage", None), "prompt_tokens", None)
    if isinstance(counted, int) and counted > 0:
        return Usage(embedding_tokens=counted)
    return Usage(embedding_tokens=sum(map(estimate, texts)), estimated=True)


def _may_pass(error: BaseException) -> bool:
    return isinstance(error, ModelError) and error.retryable and (error.retry_after or 0) <= _LONGEST_WAIT


def _wait(state: RetryCallState) -> float:
    from tenacity import wait_exponential_jitter

    error = state.outcome.exception() if state.outcome else None
    if isinstance(error, ModelError) and error.retry_after is not None:
        return error.retry_after
    return wait_exponential_jitter(multiplier=0.25, max=8.0, jitter=0.25)(state)
