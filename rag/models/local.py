"""A model in this process: the weights in a GGUF file, run by llama.cpp (extra `local`)."""

from __future__ import annotations

import asyncio
import secrets
import threading
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from rag.card import Schema
from rag.closing import Closing
from rag.errors import ConfigError, ModelError
from rag.models.openai import OpenAIModel
from rag.protocols import Message, Reply

__all__ = ["LocalModel"]


class LocalModel(Closing):
    """A model whose weights lie in a GGUF file.

    The weights are loaded at the first call. llama.cpp then serves them on a free port of loopback, to
    this process alone: the key to it is made here. A JSON schema is enforced by a grammar.

    Args:
        path: the GGUF file.
        context: tokens that prompt and reply may have together.
        timeout: seconds that a call may take; a long prompt takes minutes on a small machine.
        max_tokens: the reply's size at most, where the call does not say.
        temperature: 0 for the likeliest reply.
        extra: further fields of each request's body.

    Raises:
        ConfigError: the extra is not installed, or the file is no GGUF file.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        context: int = 8192,
        timeout: float = 600.0,
        max_tokens: int | None = 2048,
        temperature: float | None = 0.0,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        self._path = _checked(Path(path).expanduser())
        self.name = self._path.stem
        self.provider = "llama.cpp"
        self._context = context
        self._options: dict[str, Any] = {
            "timeout": timeout,
            "max_tokens": max_tokens,
            "temperature": temperature,
            "extra": extra,
        }
        self._starting = threading.Lock()
        self._running: tuple[Any, OpenAIModel] | None = None

    @property
    def identity(self) -> str:
        """What its replies depend on besides the prompt, for caches."""
        return f"{self._path.resolve()} {self._context} {self._options}"

    def __repr__(self) -> str:
        return f"LocalModel({str(self._path)!r})"

    async def complete(
        self,
        messages: Sequence[Message],
        *,
        schema: Schema | None = None,
        max_tokens: int | None = None,
        on_token: Callable[[str], None] | None = None,
    ) -> Reply:
        """What the model writes after the messages; see `rag.protocols.Model`.

        Raises:
            ModelError: the weights could not be loaded, or the call failed.
        """
        served = await asyncio.to_thread(self._served)
        return await served.complete(messages, schema=schema, max_tokens=max_tokens, on_token=on_token)

    async def aclose(self) -> None:
        """Stop serving and free the memory; a later call loads the weights again."""
        if self._running is not None:
            await self._running[1].aclose()
            await asyncio.to_thread(self._stop)

    def _stop(self) -> None:
        # The server stops as it is collected, and waits for its threads then.
        with self._starting:
            self._running = None

    def _served(self) -> OpenAIModel:
        with self._starting:
            if self._running is None:
                self._running = self._start()
            return self._running[1]

    def _start(self) -> tuple[Any, OpenAIModel]:
        xllamacpp: Any = import_module("xllamacpp")  # has no types
        key = secrets.token_urlsafe(24)
        params = xllamacpp.CommonParams()
        params.model.path = str(self._path)
        params.hostnames = ["127.0.0.1"]
        params.port = 0
        params.api_keys = [key]
        params.n_parallel = 1
        params.n_ctx = self._context
        params.verbosity = -1  # llama.cpp writes pages to stderr otherwise
        try:
            server = xllamacpp.Server(params)
        except RuntimeError as error:
            raise ModelError(
                f"{self._path} could not be loaded: it is damaged, of a kind that llama.cpp does not know,"
                " or larger than the memory that is free",
                model=self.name,
            ) from error
        return server, OpenAIModel(self.name, base_url=f"{server.listening_address}/v1", api_key=key, **self._options)


def _checked(path: Path) -> Path:
    if find_spec("xllamacpp") is None:
        raise ConfigError(
            f"{path.name} needs llama.cpp to run in this process: pip install 'planweave-rag[local]', or serve"
            " the file elsewhere and pass base_url="
        )
    try:
        with path.open("rb") as file:
            magic = file.read(4)
    except OSError as error:
        raise ConfigError(f"the weights {path} cannot be read: {error.strerror}") from error
    if magic != b"GGUF":
        raise ConfigError(f"{path} is not a GGUF file: it begins with {magic!r}")
    return path
