"""A model behind an OpenAI-compatible endpoint: OpenAI, vLLM, Ollama, llama.cpp and their like."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal
from urllib.parse import urlsplit

import anyio

from rag import tokens
from rag.card import Schema
from rag.closing import Closing
from rag.errors import BadModelOutput, ConfigError, ModelError, ModelTimeout
from rag.models.counted import counted
from rag.models.dialect import Ask, Dialect
from rag.models.errors import place, translate
from rag.models.providers import provider_at
from rag.protocols import Message, Reply
from rag.run.perloop import PerLoop
from rag.types import Usage

if TYPE_CHECKING:
    from openai import AsyncOpenAI

__all__ = ["OpenAIModel"]

_OPENAI: Final = "https://api.openai.com/v1"
_ENFORCED_AT: Final = ".api.openai.com"  # its regions' hosts as well
_CONNECT: Final = 10.0  # seconds; an endpoint that thinks for minutes still accepts a connection at once
_CHECK: Final = "check that base_url ends where the API begins, as in /v1"
_RAW: Final = 2000  # characters of an answer that an error keeps


class OpenAIModel(Closing):
    """A model of an OpenAI-compatible endpoint.

    A call is one attempt: whoever calls retries, by the error's `retryable` and `retry_after`. Options
    that the endpoint refuses (a JSON schema, usage in a stream) are left out from then on. Each event
    loop has its own client.

    Args:
        name: the model's name at the endpoint.
        base_url: where the API begins, as in http://127.0.0.1:8000/v1; OpenAI's own when not given.
        api_key: the key; endpoints that want none may be given none.
        timeout: seconds that a call may take, however steadily the answer trickles in.
        max_tokens: the reply's size at most, where the call does not say.
        temperature: 0 for the likeliest reply; None leaves it to the endpoint.
        extra: further fields of the request's body, for what an endpoint adds to the API.
        strict: whether schemas are sent in strict form, which the endpoint then enforces; by default
            where it is OpenAI's own. A schema that has no such form is sent as it is.
        transport: the HTTP library beneath; aiohttp holds up better under many calls at once.

    Raises:
        ConfigError: the URL or the key cannot be one.

    Example:
        >>> OpenAIModel("tiny", base_url="http://127.0.0.1:8000/v1", api_key="secret")
        OpenAIModel('tiny', base_url='http://127.0.0.1:8000/v1')
    """

    def __init__(
        self,
        name: str,
        *,
        base_url: str | None = None,
        api_key: str | None = None,
        timeout: float = 120.0,
        max_tokens: int | None = 2048,
        temperature: float | None = 0.0,
        extra: Mapping[str, Any] | None = None,
        strict: bool | None = None,
        transport: Literal["aiohttp", "httpx"] = "aiohttp",
    ) -> None:
        self.name = name
        self._url = _checked_url(base_url or _OPENAI)
        self._key = _checked_key(api_key)
        self._timeout = timeout
        self._max_tokens = max_tokens
        self._temperature = temperature
        self._extra = dict(extra or {})
        self._transport = transport
        # What its replies depend on besides the prompt, for caches, which hash it: it may hold secrets.
        self.identity = json.dumps([self._url, max_tokens, temperature, self._extra, strict], default=str)
        enforced = f".{urlsplit(self._url).hostname}".endswith(_ENFORCED_AT) if strict is None else strict
        self._dialect = Dialect(format="strict" if enforced else "json_schema")
        self._clients: PerLoop[AsyncOpenAI] = PerLoop(self._client, lambda client: client.close())

    @property
    def provider(self) -> str:
        """Who serves it, for traces."""
        return provider_at(self._url)

    def __repr__(self) -> str:
        return f"OpenAIModel({self.name!r}, base_url={place(self._url)!r})"

    async def aclose(self) -> None:
        """Close the connections of every event loop; a later call opens new ones."""
        await self._clients.aclose()

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
            ModelError: the call failed; `retryable` says whether another try may help.
        """
        started = time.perf_counter()
        limit = self._max_tokens if max_tokens is None else max_tokens
        ask = Ask(messages, schema, limit, self._temperature, stream=on_token is not None)
        written = _Written()
        with anyio.move_on_after(self._timeout) as window:
            async with aclosing(self._pieces(ask)) as pieces:
                async for piece in pieces:
                    text = written.add(piece)
                    if text and on_token is not None:
                        on_token(text)
        if window.cancelled_caught:
            raise ModelTimeout(f"{self._who} did not answer in time", model=self.name, retryable=True)
        written.check(self.name, self._who)
        usage = written.usage(ask, self.name, time.perf_counter() - started)
        return Reply(written.text, usage, "length" if written.finish == "length" else "stop")

    async def _pieces(self, ask: Ask) -> AsyncGenerator[object]:
        """The answer whole, or as it streams in; whatever fails on the way is a `ModelError`.

        A generator, so that an error of the caller's own `on_token` is not taken for the endpoint's.
        """
        from openai import AsyncStream

        try:
            answer = await self._answer(ask)
            if isinstance(answer, AsyncStream):
                async with answer as stream:
                    if "json" in stream.response.headers.get("content-type", ""):  # it answers whole all the same
                        await stream.response.aread()
                        yield self._parsed(stream.response.text)
                    else:
                        async for chunk in stream:
                            yield chunk
            else:
                yield answer
        except ModelError:
            raise
        # Transports let errors of their own and of the JSON parser through, beside openai's.
        except Exception as error:  # noqa: BLE001
            found = translate(error, self.name, url=self._url)
            # The library's text may quote the key that was refused, so it is not shown beneath.
            raise found from (None if getattr(error, "status_code", None) in (401, 403) else error)

    async def _answer(self, ask: Ask) -> object:
        from openai import APIStatusError

        dialect = known = self._dialect
        while True:
            options = dialect.options(ask)
            try:
                answer = await self._send(ask, options)
            except APIStatusError as error:
                simpler = dialect.without_refused(error, options)
                if simpler is None:
                    raise
                dialect = simpler
                continue
            if dialect is not known:
                self._dialect = dialect
            return answer

    async def _send(self, ask: Ask, options: dict[str, Any]) -> object:
        """What the endpoint answered, as JSON has it, or a stream of such pieces."""
        from openai import AsyncStream

        messages = [{"role": message.role, "content": message.content} for message in ask.messages]
        # Not `chat.completions.create`: half of its time goes into types for what is JSON before and after.
        answer = await self._clients.get().post(
            f"{self._url.rstrip('/')}/chat/completions",  # whole, since the library would put it together slowly
            body={"model": self.name, "messages": messages, **options, **self._extra},
            cast_to=object,
            stream=ask.stream,
            stream_cls=AsyncStream[object],
        )
        return self._parsed(answer) if isinstance(answer, str) else answer

    def _parsed(self, text: str) -> object:
        """What an endpoint means that does not say that it answers in JSON; a page is that of a proxy."""
        try:
            return json.loads(text)
        except ValueError:
            why = f"{self._who} did not answer in JSON; {_CHECK}"
            raise BadModelOutput(why, model=self.name, raw=text[:_RAW]) from None

    @property
    def _who(self) -> str:
        return f"{self.name} at {place(self._url)}"

    def _client(self) -> AsyncOpenAI:
        import openai

        timeout = openai.Timeout(self._timeout, connect=min(_CONNECT, self._timeout))
        transport = openai.DefaultAioHttpClient if self._transport == "aiohttp" else openai.DefaultAsyncHttpxClient
        return openai.AsyncOpenAI(
            base_url=self._url,
            api_key=self._key,
            timeout=timeout,
            max_retries=0,
            http_client=transport(timeout=timeout),
        )


@dataclass(slots=True)
class _Written:
    """What has come of an answer so far."""

    text: str = ""
    unseen: str = ""
    """Words that are paid for but are no part of the text: thoughts, refusals, tool calls."""
    finish: str = ""
    told: Mapping[str, Any] = field(default_factory=dict)
    """What the endpoint says that it used."""

    def add(self, piece: object) -> str:
        """Take a piece in; what it adds to the text comes back.

        Nothing is taken for granted: nobody has checked what an endpoint sends.
        """
        self.told = _part(piece, "usage") or self.told
        choices = piece.get("choices") if isinstance(piece, Mapping) else None
        choice = choices[0] if isinstance(choices, list) and choices else None
        self.finish = _text_of(choice, "finish_reason") or self.finish
        said = _part(choice, "message") or _part(choice, "delta")
        text = _text_of(said, "content")
        self.text += text
        self.unseen += _text_of(said, "refusal") + _text_of(said, "reasoning_content")
        for call in said.get("tool_calls") or ():
            function = _part(call, "function")
            self.unseen += _text_of(function, "name") + _text_of(function, "arguments")
        return text

    def check(self, model: str, who: str) -> None:
        """Refuse an answer with nothing in it.

        Raises:
            BadModelOutput: there is no text, or the endpoint's filter cut it.
        """
        usage = counted(self.told)
        if self.finish == "content_filter":
            why = f"{who}: the endpoint's content filter cut the answer"
            raise BadModelOutput(why, model=model, raw=self.text, usage=usage)
        if not self.text:
            why = f"finish reason: {self.finish}" if self.finish else _CHECK
            why = f"{who} answered without any text; {why}"
            raise BadModelOutput(why, model=model, raw=self.unseen, usage=usage)

    def usage(self, ask: Ask, model: str, seconds: float) -> Usage:
        """What the endpoint counted, else our estimate, which counts tool calls and the schema too."""
        if (known := counted(self.told)) is not None:
            return known.model_copy(update={"seconds": seconds})
        return Usage(
            model_calls=1,
            prompt_tokens=tokens.of_prompt(ask.messages, ask.schema, model),
            completion_tokens=tokens.count(self.text + self.unseen, model).tokens,
            seconds=seconds,
            estimated=True,
        )


def _part(thing: object, name: str) -> Mapping[str, Any]:
    value = thing.get(name) if isinstance(thing, Mapping) else None
    return value if isinstance(value, Mapping) else {}


def _text_of(thing: object, name: str) -> str:
    value = thing.get(name) if isinstance(thing, Mapping) else None
    return value if isinstance(value, str) else ""


def _checked_url(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigError(f"base_url {place(url)!r} is no URL of an endpoint: it looks like http://127.0.0.1:8000/v1")
    if parts.username is not None:
        raise ConfigError(f"base_url {place(url)!r} carries a user's name or password: pass the key as api_key=")
    return url


def _checked_key(key: str | None) -> str:
    key = (key or "").strip()
    if not (key.isascii() and key.isprintable()):
        raise ConfigError("api_key holds characters that no key has: was it copied whole and without line breaks?")
    return key or "none"
