"""The spans of a question, given to OpenTelemetry as well, where the process has set it up.

Names and attributes follow its conventions for generative AI, and begin with `rag.` where those say
nothing. Only what is listed here is passed on: sizes, names, counts and kinds of errors. Prompts,
replies, arguments, rows and the words of errors go only where `Settings.trace_content` asks for them.

Source: github.com/open-telemetry/semantic-conventions-genai, docs/gen-ai.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from rag.run.tracing import Forward, OpenSpan, nowhere
from rag.shown import encodable

if TYPE_CHECKING:
    from opentelemetry.trace import Span, TracerProvider
    from opentelemetry.trace import Tracer as OtelTracer

__all__ = ["forwarding"]

_Attributes: TypeAlias = dict[str, Any]

_log = logging.getLogger(__name__)

_AGENT: Final = "rag"
_OPERATIONS: Final = {"question": "invoke_agent", "plan": "plan", "model": "chat"}
_NAMES: Final = {
    "planner": "rag.planner",
    "source": "rag.source",
    "step_id": "rag.step.id",
    "prompt": "rag.prompt",
    "rows": "rag.rows",
    "cached": "rag.cached",
    "ahead": "rag.ahead",
    "evidence": "rag.evidence",
    "sources": "rag.sources",
    "partial": "rag.partial",
    "limit": "rag.limit",
    "estimated": "rag.usage.estimated",
    "usd": "rag.usage.usd",
    "prompt_tokens": "gen_ai.usage.input_tokens",
    "completion_tokens": "gen_ai.usage.output_tokens",
    "cached_tokens": "gen_ai.usage.cache_read.input_tokens",
    "reasoning_tokens": "gen_ai.usage.reasoning.output_tokens",
    "provider": "gen_ai.provider.name",
    "max_tokens": "gen_ai.request.max_tokens",
    "output_type": "gen_ai.output.type",
    "stream": "gen_ai.request.stream",
}
_SUMMED: Final = ("prompt_tokens", "completion_tokens", "cached_tokens", "reasoning_tokens")
_REASONS: Final = ("error", "reason", "fallback")


def forwarding(*, conversation: str | None = None, content: Callable[[], bool] = lambda: False) -> Forward:
    """What opens the spans of one question in OpenTelemetry too; nothing where that is not set up.

    Nothing is imported for it: a process that has set it up has imported it.

    Args:
        conversation: which one the question belongs to.
        content: whether prompts, replies, arguments and rows are passed on; asked only where they can be.
    """
    if "opentelemetry.trace" not in sys.modules:
        return nowhere
    from opentelemetry import trace

    provider = trace.get_tracer_provider()
    if isinstance(provider, trace.ProxyTracerProvider | trace.NoOpTracerProvider):
        return nowhere
    return _Forwarding(_tracer(provider), conversation, content=content()).span


@cache
def _tracer(provider: TracerProvider) -> OtelTracer:
    from importlib.metadata import version

    return provider.get_tracer("planweave-rag", version("planweave-rag"))


class _Forwarding:
    """Forwards the spans of one question, and adds up what its model calls used."""

    def __init__(self, tracer: OtelTracer, conversation: str | None, *, content: bool) -> None:
        self._tracer = tracer
        self._conversation = conversation
        self._content = content
        self._used = dict.fromkeys(_SUMMED, 0)

    @contextmanager
    def span(self, span: OpenSpan) -> Iterator[None]:
        """A span that is current for as long as ours is, so that spans of what runs within belong to it."""
        from opentelemetry.trace import SpanKind, use_span

        kind = SpanKind.CLIENT if _operation(span) in ("chat", "retrieval") else SpanKind.INTERNAL
        opened = self._tracer.start_span(_title(span), kind=kind, attributes=self._at_first(span))
        with use_span(opened, end_on_exit=True, record_exception=False, set_status_on_exception=False):
            try:
                yield
            finally:
                self._add_up(span)
                if opened.is_recording():
                    self._at_last(span, opened)

    def _at_first(self, span: OpenSpan) -> _Attributes:
        """What samplers may want to know, so that it is there from the start."""
        operation = _operation(span)
        told: _Attributes = {"gen_ai.operation.name": operation} if operation else {}
        if operation in ("invoke_agent", "plan"):
            told["gen_ai.agent.name"] = _AGENT
        if operation in ("invoke_agent", "chat") and self._conversation is not None:
            told["gen_ai.conversation.id"] = self._conversation
        names = {
            "chat": "gen_ai.request.model",
            "execute_tool": "gen_ai.tool.name",
            "retrieval": "gen_ai.data_source.id",
        }
        if operation in names:
            told[names[operation]] = span.name
        return told | _renamed(span.attributes) | _renamed(span.details)

    def _add_up(self, span: OpenSpan) -> None:
        for name in _SUMMED:
            if span.kind == "model" and isinstance(size := span.attributes.get(name), int):
                self._used[name] += size

    def _at_last(self, span: OpenSpan, opened: Span) -> None:
        try:
            self._tell(span, opened)
        except Exception as error:  # noqa: BLE001  # rows are other people's, and no trace is worth an answer
            _log.warning("OpenTelemetry was not told all of %s: %s", span.name, error)

    def _tell(self, span: OpenSpan, opened: Span) -> None:
        from opentelemetry.trace import StatusCode

        opened.set_attributes(_renamed(span.attributes) | _renamed(span.details))
        if span.kind == "question":
            opened.set_attributes(_renamed({name: size for name, size in self._used.items() if size}))
        if isinstance(retries := span.attributes.get("retries"), list):
            opened.set_attribute("rag.retries", len(retries))
        if finish := span.attributes.get("finish"):
            opened.set_attribute("gen_ai.response.finish_reasons", [str(finish)])
        why = next((encodable(str(span.attributes[name])) for name in _REASONS if name in span.attributes), None)
        if span.status == "error":
            opened.set_attribute("error.type", span.error_type or "_OTHER")
            opened.set_status(StatusCode.ERROR, why if self._content else None)
        elif span.status == "skipped":
            opened.set_attribute("rag.skipped", True)
        if self._content:
            opened.set_attributes(_contents(span) | ({"rag.reason": why} if why else {}))


def _operation(span: OpenSpan) -> str | None:
    """The conventions' name for what the span does; steps and readings have none."""
    if span.kind == "source":
        return "retrieval" if "query" in span.details else "execute_tool"
    return _OPERATIONS.get(span.kind)


def _title(span: OpenSpan) -> str:
    operation = _operation(span)
    return f"{operation or span.kind} {_AGENT if operation in ('invoke_agent', 'plan') else span.name}"


def _renamed(told: Mapping[str, Any]) -> _Attributes:
    """What may always be passed on, under its name there."""
    return {
        _NAMES[name]: value for name, value in told.items() if name in _NAMES and isinstance(value, str | int | float)
    }


def _contents(span: OpenSpan) -> _Attributes:
    """What was said, asked for and found, as JSON."""
    told: _Attributes = {}
    details = span.details
    said = [_message(message.role, message.content) for message in details.get("messages", ())]
    said += [_message("user", details["question"])] if "question" in details else []
    if said:
        told["gen_ai.input.messages"] = _json(said)
    if "reply" in details:
        finish = {"finish_reason": span.attributes.get("finish", "stop")}
        told["gen_ai.output.messages"] = _json([_message("assistant", details["reply"]) | finish])
    if "query" in details:
        told["gen_ai.retrieval.query.text"] = encodable(str(details["query"]))
    elif "args" in span.attributes:
        told["gen_ai.tool.call.arguments"] = _json(span.attributes["args"])
    if "found" in details and "query" in details:
        told["gen_ai.retrieval.documents"] = _json([_document(row) for row in details["found"]])
    elif "found" in details:
        told["gen_ai.tool.call.result"] = _json(details["found"])
    return told


def _message(role: str, text: str) -> dict[str, Any]:
    return {"role": role, "parts": [{"type": "text", "content": text}]}


def _document(row: Mapping[str, Any]) -> dict[str, Any]:
    return {"id": row.get("chunk_id") or row.get("doc_id"), "score": row.get("score"), "content": row.get("text")}


def _json(value: object) -> str:
    return encodable(json.dumps(value, ensure_ascii=False, default=str))
