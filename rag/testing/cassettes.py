"""Recordings of a real model's exchanges, played back offline.

A cassette is a file of JSON lines, one exchange each, that can be read and compared like source text.
An exchange is found by its messages and its schema alone, so a recording is good on any machine, at any
time and under any name of the model.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, Literal

from rag.card import Schema
from rag.closing import Closing
from rag.errors import ConfigError
from rag.protocols import Message, Model, Reply
from rag.types import Usage

__all__ = ["Cassette"]

_SECRET: Final = re.compile(r"\b(?:sk|pk|rk)-[\w-]{8,}|\bBearer\s+[\w.~+/-]{8,}=*", re.IGNORECASE)
_BLOT: Final = "***"
_SHORT: Final = 120  # characters of a prompt that messages quote


class Cassette(Closing):
    """A model that plays recorded exchanges, or wraps a real one and records it.

    The same exchange asked for again plays again. While it records, what is recorded already is played,
    so that a recording can be completed without paying for all of it twice.

    Args:
        path: the file of exchanges.
        model: the real model; needed to record.
        mode: "replay" never calls the model, "record" calls it for what the file lacks.
        secrets: texts to blot out of what is written, beside what looks like a key.

    Raises:
        ConfigError: the file cannot be read, or there is no model to record.
    """

    def __init__(
        self,
        path: str | Path,
        model: Model | None = None,
        *,
        mode: Literal["replay", "record"] = "replay",
        secrets: Sequence[str] = (),
    ) -> None:
        if mode == "record" and model is None:
            raise ConfigError(f"cassette {path}: recording needs the model that is to be recorded")
        self._path = Path(path)
        self._model = model
        self._recording = mode == "record"
        self._secrets = tuple(secret for secret in secrets if secret)
        self._exchanges = _read(self._path) if self._path.exists() or not self._recording else {}
        self._played: set[str] = set()
        self.name = (
            model.name if model is not None else next((e["model"] for e in self._exchanges.values()), "cassette")
        )

    def __repr__(self) -> str:
        return f"Cassette({str(self._path)!r}, {len(self._exchanges)} exchanges)"

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
            LookupError: the exchange is not recorded, and recording is off. It is none of the framework's
                errors, so that no fallback hides it from a test.
            ModelError: the real model failed while recording.
        """
        key = _hash([[(message.role, self._blotted(message.content)) for message in messages], schema])
        exchange = self._exchanges.get(key)
        if exchange is None:
            return await self._record(key, messages, schema, max_tokens=max_tokens, on_token=on_token)
        self._played.add(key)
        if on_token is not None:
            on_token(exchange["reply"])
        return Reply(exchange["reply"], Usage.model_validate(exchange["usage"]), exchange["finish"])

    def unplayed(self) -> tuple[str, ...]:
        """The last message, cut short, of each recorded exchange that nobody asked for.

        A test that holds it to be empty keeps the file free of what is out of use.
        """
        return tuple(
            _short(exchange["messages"][-1]["content"])
            for key, exchange in self._exchanges.items()
            if key not in self._played
        )

    async def aclose(self) -> None:
        """Close the real model, if there is one."""
        if self._model is not None:
            await self._model.aclose()

    async def _record(self, key: str, messages: Sequence[Message], schema: Schema | None, **options: Any) -> Reply:
        if not self._recording or self._model is None:
            raise LookupError(
                f"cassette {self._path} has no exchange for the prompt that ends {_short(messages[-1].content)!r}:"
                ' the prompt or its schema has changed. Record it with Cassette(path, model, mode="record") and a'
                " real model; delete the file first to record everything anew"
            )
        reply = await self._model.complete(messages, schema=schema, **options)
        exchange = {
            "key": key,
            "model": self._model.name,
            "messages": [{"role": m.role, "content": self._blotted(m.content)} for m in messages],
            "schema": _hash(schema) if schema is not None else None,
            "reply": self._blotted(reply.text),
            "finish": reply.finish,
            "usage": reply.usage.model_dump(exclude_defaults=True),
        }
        self._exchanges[key] = exchange
        self._played.add(key)
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(exchange, ensure_ascii=False) + "\n")
        return reply

    def _blotted(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, _BLOT)
        return _SECRET.sub(_BLOT, text)


def _read(path: Path) -> dict[str, dict[str, Any]]:
    try:
        lines = path.read_text(encoding="utf-8").split("\n")  # splitlines would split at U+2028 within a text
        exchanges = [json.loads(line) for line in lines if line.strip()]
        return {exchange["key"]: exchange for exchange in exchanges}
    except OSError as error:
        raise ConfigError(f"cassette {path} cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"cassette {path} is damaged, record it anew: {error}") from error


def _hash(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _SHORT else f"…{line[-_SHORT:]}"
