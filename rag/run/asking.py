"""One call of the model: rendered, counted, retried and traced."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import anyio
from pydantic_core import to_json

from rag.blot import blotted
from rag.card import Schema
from rag.errors import BadModelOutput, ModelError, ModelTimeout, RagError
from rag.plan import Step
from rag.protocols import Complete, Completion, Message, Model, Reply
from rag.run.ahead import Ahead, Writing
from rag.run.budget import Ledger
from rag.run.cache import DAY, Cache, key_of
from rag.run.costs import Costs
from rag.run.prompting import render
from rag.run.retry import ATTEMPTS, retrying
from rag.run.together import cancelled_elsewhere
from rag.run.tracing import OpenSpan, Tracer
from rag.shown import encodable
from rag.types import Scope, Usage

__all__ = ["Asking"]


@dataclass(frozen=True, slots=True)
class Asking:
    """Asks the model on behalf of one question."""

    model: Model
    ledger: Ledger
    tracer: Tracer
    prompts: Path | None = None
    attempts: int = ATTEMPTS
    kept: Cache | None = None
    scope: Scope = field(default_factory=Scope)
    cards: str = ""
    """What the sources are, so that a plan that is kept goes stale with them."""
    ahead: Ahead | None = None
    costs: Costs = field(default_factory=Costs)

    async def complete(self, action: Complete, on_token: Callable[[str], None] | None = None) -> Completion:
        """What the model answers to the prompt, or answered before, where the reply may be kept.

        Raises:
            PromptError: the prompt is missing or cannot be filled.
            ModelError: the model failed, also after retries.
            BudgetExceeded: the budget allows no more of this.
        """
        messages, identity = render(action.prompt, action.values, self.prompts)
        if self.kept is None or not action.keep:
            return await self._asked(action, messages, identity, on_token)
        told = to_json([messages, action.schema], fallback=str).decode()  # as text, since it is large
        key = key_of("reply", self.scope, self.cards, _identity(self.model), identity, told)
        if isinstance(found := await self.kept.aget(key), str):
            with self.tracer.span(self.model.name, "model", prompt=identity, cached=True):
                return Completion(found, identity)
        completion = await self._asked(action, messages, identity, on_token)
        if completion.finish == "stop" and action.keep(completion.text):
            await self.kept.aput(key, completion.text, seconds=DAY, scope=self.scope)
        return completion

    async def _asked(
        self,
        action: Complete,
        messages: Sequence[Message],
        identity: str,
        on_token: Callable[[str], None] | None,
    ) -> Completion:
        size = 0
        if self.ledger.weighs(self.model.name):
            size = await anyio.to_thread.run_sync(self._size, messages, action.schema, abandon_on_cancel=True)
        stream = _Stream(on_token, self._ahead_of(action), action.foresee)
        details = self._details(action, messages, stream)
        with self.tracer.span(self.model.name, "model", details=details, prompt=identity) as span:
            reply = await retrying(
                lambda: self._attempt(action, messages, size, stream, span),
                attempts=self.attempts,
                before_retry=span.retried,
                # Text that was streamed cannot be taken back, and would come twice.
                may_retry=lambda: not (on_token and stream.text),
            )
            self.costs.asked(action.prompt, self._entered(reply.usage, span))
            span.attributes["finish"] = reply.finish
            span.details["reply"] = reply.text
        return Completion(encodable(reply.text), identity, reply.finish, reply.usage.completion_tokens)

    def _ahead_of(self, action: Complete) -> Ahead | None:
        """What begins the calls of the steps that the text so far has whole, where that wins time."""
        return None if action.foresee is None or self.costs.is_quick(action.prompt) else self.ahead

    def _details(self, action: Complete, messages: Sequence[Message], stream: _Stream) -> dict[str, Any]:
        """What is told of the call beside the trace."""
        return {
            "provider": getattr(self.model, "provider", type(self.model).__name__),
            "max_tokens": action.max_tokens,
            "output_type": "json" if action.schema else "text",
            "messages": messages,
        } | ({"stream": True} if stream.wanted else {})

    def _entered(self, usage: Usage, span: OpenSpan) -> Usage:
        priced = self.ledger.add(usage, self.model.name)
        span.used(priced)
        return priced

    async def _attempt(
        self, action: Complete, messages: Sequence[Message], size: int, stream: _Stream, span: OpenSpan
    ) -> Reply:
        stream.restart()
        try:
            # Each attempt counts, also a retry: the endpoint may charge for what broke off.
            with self.ledger.model_call(size, self.model.name, action.max_tokens) as most:
                reply = await self.model.complete(
                    messages,
                    schema=action.schema,
                    max_tokens=most,
                    on_token=stream.pass_on if stream.wanted else None,
                )
            return replace(reply, usage=_told(reply, messages, action.schema))
        except BaseException as error:  # models are other people's code, and this is the edge to them
            if (lost := self._lost(error, action, messages, stream)) is not None:
                self._entered(lost, span)
            if isinstance(error, RagError) or not (isinstance(error, Exception) or cancelled_elsewhere(error)):
                raise
            why = blotted(f"{type(error).__name__}: {error}")
            raise ModelError(f"the model {self.model.name} failed: {why}", model=self.model.name) from error
        finally:
            stream.close()

    def _lost(
        self, error: BaseException, action: Complete, messages: Sequence[Message], stream: _Stream
    ) -> Usage | None:
        """About what a call has used whose reply never came whole; None where the endpoint hardly began one."""
        if isinstance(error, BadModelOutput) and error.usage is not None:
            return error.usage
        if not (stream.text or isinstance(error, ModelTimeout | anyio.get_cancelled_exc_class())):
            return None
        return _guessed(messages, action.schema, stream.text)

    def _size(self, messages: Sequence[Message], schema: Schema | None) -> int:
        """The prompt's size in tokens, about."""
        from rag.tokens import of_prompt

        return of_prompt(messages, schema, self.model.name)


def _identity(model: Model) -> list[str]:
    """What tells a model from others, also in another process: its kind, its name, and what else it says."""
    return [type(model).__qualname__, model.name, str(getattr(model, "identity", ""))]


def _told(reply: Reply, messages: Sequence[Message], schema: Schema | None) -> Usage:
    """What the model says that the reply used; where it says nothing, it is guessed, since no reply is free."""
    usage = reply.usage
    if usage.tokens:
        return usage
    guess = _guessed(messages, schema, reply.text)
    return guess.model_copy(update={"seconds": usage.seconds, "usd": usage.usd})


def _guessed(messages: Sequence[Message], schema: Schema | None, text: str) -> Usage:
    from rag.tokens import estimate, of_prompt

    read = of_prompt(messages, schema)  # by rule of thumb: nobody waits for a vocabulary now
    return Usage(prompt_tokens=read, completion_tokens=estimate(text), estimated=True)


class _Stream:
    """Passes tokens on, knows which came, and begins what a whole object among them asks for."""

    def __init__(
        self,
        on_token: Callable[[str], None] | None,
        ahead: Ahead | None,
        foresee: Callable[[str], tuple[Step, ...]] | None,
    ) -> None:
        self.on_token = on_token
        self.text = ""
        self._ahead = ahead
        self._foresee = foresee
        self._writing: Writing | None = None

    @property
    def wanted(self) -> bool:
        """Whether anybody wants the text piece by piece."""
        return self.on_token is not None or self._ahead is not None

    def restart(self) -> None:
        """Begin with an attempt."""
        self.text = ""
        self._writing = self._ahead.writing() if self._ahead else None

    def close(self) -> None:
        """End with an attempt."""
        if self._writing:
            self._writing.close()

    def pass_on(self, token: str) -> None:
        token = encodable(token)
        self.text += token
        if self.on_token:
            self.on_token(token)
        if self._writing and self._foresee and "}" in token:  # nothing else completes a step
            self._writing.begin(self._foresee(self.text))
