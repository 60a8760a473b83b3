"""A model that plays recorded exchanges, or records those of a real one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from rag.card import Schema
from rag.closing import Closing
from rag.errors import ConfigError, ModelError
from rag.evaluate.exchanges import Exchange, Exchanges, Mode, failure, key_of, raise_failure, short
from rag.protocols import Message, Model, Reply
from rag.run.tracing import current_span
from rag.types import Usage

__all__ = ["Cassette"]


class Cassette(Closing):
    """A model that plays recorded exchanges, or wraps a real one and records it.

    The same exchange asked for again plays again. While it records, what is recorded already is played,
    so that a recording can be completed without paying for all of it twice.

    Args:
        path: the file of exchanges, or the exchanges of a file that is open already.
        model: the real model; needed to record.
        mode: "replay" never calls the model, "record" calls it for what the file lacks; of exchanges that are
            open, theirs counts.
        secrets: texts to blot out of what is written, beside what looks like a key.
        salt: keeps the exchanges of several runs with the same prompts apart, such as a seed.

    Raises:
        ConfigError: the file cannot be read, or there is no model to record.
    """

    def __init__(
        self,
        path: str | Path | Exchanges,
        model: Model | None = None,
        *,
        mode: Mode = "replay",
        secrets: Sequence[str] = (),
        salt: str = "",
    ) -> None:
        if mode == "record" and model is None:
            raise ConfigError(f"recording {path}: recording needs the model that is to be recorded")
        self._file = path if isinstance(path, Exchanges) else Exchanges(path, mode, secrets)
        self._model = model
        self._salt = salt
        recorded = (str(exchange["model"]) for exchange in self._file if "model" in exchange)
        self.name = model.name if model is not None else next(recorded, "cassette")

    def __repr__(self) -> str:
        return f"Cassette({str(self._file.path)!r}, {len(self._file)} exchanges)"

    async def complete(
        self,
        messages: Sequence[Message],
        *,
        schema: Schema | None = None,
        max_tokens: int | None = None,
        on_token: Callable[[str], None] | None = None,
    ) -> Reply:
        """The recorded reply to the messages.

        Raises:
            NotRecorded: the exchange is not recorded, and recording is off.
            ModelError: the real model failed while recording, or had failed when it was recorded.
        """
        said = [(message.role, self._file.blotted(message.content)) for message in messages]
        key = key_of([said, schema], self._salt)
        if prompt := _prompt():
            self._file.met(prompt)
        async with self._file.turn(key):
            exchange = self._file.find(key)
            if exchange is None:
                return await self._record(key, messages, schema, max_tokens=max_tokens, on_token=on_token)
        if "error" in exchange:
            raise_failure(exchange["error"], ModelError)
        if on_token is not None:
            on_token(exchange["reply"])
        return Reply(exchange["reply"], Usage.model_validate(exchange["usage"]), exchange["finish"])

    def unplayed(self) -> tuple[str, ...]:
        """The last message, cut short, of each recorded exchange that nobody asked for."""
        return self._file.unplayed()

    async def aclose(self) -> None:
        """Close the real model, if there is one."""
        if self._model is not None:
            await self._model.aclose()

    async def _record(self, key: str, messages: Sequence[Message], schema: Schema | None, **options: Any) -> Reply:
        if not self._file.recording or self._model is None:
            told = f" ({_prompt()})" if _prompt() else ""
            self._file.missing(f"the prompt{told} that ends {short(messages[-1].content)!r}")
        blotted = self._file.blotted
        exchange: Exchange = {
            "key": key,
            "model": self._model.name,
            "prompt": _prompt(),
            "messages": [{"role": m.role, "content": blotted(m.content)} for m in messages],
            "schema": key_of(schema) if schema is not None else None,
        }
        try:
            reply = await self._model.complete(messages, schema=schema, **options)
        except ModelError as error:
            self._file.add(exchange | {"error": blotted(failure(error))})
            raise
        usage = reply.usage.model_dump(exclude_defaults=True)
        self._file.add(exchange | {"reply": blotted(reply.text), "finish": reply.finish, "usage": usage})
        return reply


def _prompt() -> str:
    """The identity of the prompt that is asked on behalf of a question; empty where it is not known."""
    span = current_span()
    return str(span.attributes.get("prompt", "")) if span is not None and span.kind == "model" else ""
