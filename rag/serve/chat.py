"""OpenAI's chat format: what is asked is read from it, and answers are written in it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from time import time
from typing import Any, Literal
from uuid import uuid4

from pydantic import BaseModel, Field

from rag.errors import InputError
from rag.shown import encodable
from rag.types import Answer, Citation, Turn, Usage

__all__ = ["Asked", "ChatRequest", "Reply", "rest"]

CONVERSATION_LIMIT = 200  # characters of a conversation's id


class Part(BaseModel):
    """A part of a message's content; only parts of text are read."""

    type: str
    text: str | None = None


class Message(BaseModel):
    """One message of the chat, oldest first."""

    role: Literal["system", "developer", "user", "assistant", "tool", "function"]
    content: str | list[Part] | None = None


class StreamOptions(BaseModel):
    """What a stream tells besides the text."""

    include_usage: bool | None = None


class ChatRequest(BaseModel):
    """The body of a chat completion; settings of a model, such as `temperature`, are read over.

    `user` is read over too: who asks is for `scope_of` to say.
    """

    model: str
    messages: list[Message] = Field(min_length=1)
    n: Literal[1] | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    metadata: dict[str, str] | None = None

    @property
    def wants_usage(self) -> bool:
        """Whether a stream ends with a chunk that tells the usage."""
        return bool(self.stream_options and self.stream_options.include_usage)


@dataclass(frozen=True, slots=True)
class Asked:
    """The question, and what was said before it."""

    question: str
    turns: tuple[Turn, ...] = ()
    conversation: str | None = None
    notes: tuple[str, ...] = ()

    @classmethod
    def read(cls, request: ChatRequest, header: str | None = None) -> Asked:
        """The last message of the user is the question; messages before it are its context.

        `metadata.conversation`, or else the header, names the conversation.

        Raises:
            InputError: no message is the user's, a part is not text, or the conversation's id is too long.

        Example:
            >>> messages = [{"role": "user", "content": "Hi"}, {"role": "user", "content": "How long is the leave?"}]
            >>> asked = Asked.read(ChatRequest(model="rag", messages=messages))
            >>> asked.question, [turn.text for turn in asked.turns]
            ('How long is the leave?', ['Hi'])
        """
        said = [(message.role, _text(message, n)) for n, message in enumerate(request.messages)]
        last = max((n for n, (role, _) in enumerate(said) if role == "user"), default=None)
        if last is None:
            raise InputError("messages: one of role 'user' is needed; the last one is the question")
        turns = [_turn(role, text) for role, text in said[:last] if text]
        return cls(
            question=said[last][1],
            turns=tuple(turn for turn in turns if turn),
            conversation=_conversation((request.metadata or {}).get("conversation") or header),
            notes=("system messages were left out: the assistant has its own instructions",) if None in turns else (),
        )


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply in the making: its id and time stand on every chunk."""

    model: str
    notes: tuple[str, ...] = ()
    id: str = field(default_factory=lambda: f"chatcmpl-{uuid4().hex}")
    created: int = field(default_factory=lambda: int(time()))

    def completion(self, answer: Answer) -> dict[str, Any]:
        """The answer as a whole, with its structure under "rag"."""
        message = {"role": "assistant", "content": rest("", answer), "refusal": None}
        choice = {"index": 0, "message": message, "finish_reason": "stop", "logprobs": None}
        return {**self._frame("chat.completion", [choice]), "usage": _usage(answer.usage), "rag": self._details(answer)}

    def chunk(self, **delta: str) -> dict[str, Any]:
        """A piece of a stream: the role, or some text."""
        return self._frame("chat.completion.chunk", [_chunk_choice(delta, None)])

    def last_chunk(self, answer: Answer) -> dict[str, Any]:
        """The piece that ends the text, with the answer's structure under "rag"."""
        return {**self._frame("chat.completion.chunk", [_chunk_choice({}, "stop")]), "rag": self._details(answer)}

    def usage_chunk(self, answer: Answer) -> dict[str, Any]:
        """The piece that tells the usage, with no choice."""
        return {**self._frame("chat.completion.chunk", []), "usage": _usage(answer.usage)}

    def _frame(self, kind: str, choices: list[dict[str, Any]]) -> dict[str, Any]:
        return {"id": self.id, "object": kind, "created": self.created, "model": self.model, "choices": choices}

    def _details(self, answer: Answer) -> dict[str, Any]:
        return {
            "text": answer.text,
            "citations": [_citation(citation) for citation in answer.citations],
            # What sources took before is nobody's business but the server's.
            "plan": answer.plan.replace(costs={}).saved(),
            "notes": [*answer.notes, *self.notes],
            "partial": answer.partial,
        }


def rest(written: str, answer: Answer) -> str:
    """What is still to be written, after the part of the answer's text that has gone out.

    It ends with what readers who see nothing but text would miss: the sources, and what is missing.

    Example:
        >>> rest("It takes ", Answer(text="It takes two days."))
        'two days.'
    """
    if answer.text.startswith(written):
        return answer.text[len(written) :] + _addendum(answer)
    if _words(answer.text) == _words(written):  # only marks that cite nothing were taken out
        return _addendum(answer)
    # What goes out as it is written may break off, and be followed by another text.
    return f"\n\n(The text above broke off. The answer:)\n\n{answer.text}{_addendum(answer)}"


def _words(text: str) -> str:
    return re.sub(r"\[[\d,;\s]*\]|\s", "", text)


def _addendum(answer: Answer) -> str:
    parts = []
    # Lists of Markdown, since chat windows run plain lines together.
    if answer.cited:
        parts.append("\n\nSources:\n" + "\n".join(f"- [{c.n}] {_place(c)}" for c in answer.cited))
    if answer.partial:
        parts.append("\n\nThis answer is incomplete:\n" + "\n".join(f"- {_one_line(note)}" for note in answer.notes))
    return "".join(parts)


def _text(message: Message, position: int) -> str:
    if not isinstance(message.content, list):
        return encodable(message.content or "")
    for part in message.content:
        if part.type != "text" or part.text is None:
            raise InputError(f"messages[{position}]: only parts of type 'text' can be read, not {part.type!r}")
    return encodable("\n".join(part.text or "" for part in message.content))


def _turn(role: str, text: str) -> Turn | None:
    """The message as a turn; None for one that instructs, which a client has no right to here."""
    if role in ("user", "assistant"):
        return Turn(role="user" if role == "user" else "assistant", text=text)
    return Turn(role="tool", text=text) if role in ("tool", "function") else None


def _conversation(name: str | None) -> str | None:
    if name and len(name) > CONVERSATION_LIMIT:
        raise InputError(f"the conversation's id has {len(name)} characters; {CONVERSATION_LIMIT} are allowed")
    return encodable(name) if name else None


def _chunk_choice(delta: dict[str, str], finish: str | None) -> dict[str, Any]:
    return {"index": 0, "delta": delta, "finish_reason": finish, "logprobs": None}


def _usage(usage: Usage) -> dict[str, Any]:
    told = {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.tokens,
        "prompt_tokens_details": {"cached_tokens": usage.cached_tokens},
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
    }
    return told if usage.usd is None else told | {"cost": usage.usd}  # as gateways tell it


def _citation(citation: Citation) -> dict[str, Any]:
    passage = citation.passage
    return {
        "n": citation.n,
        "title": passage.title,
        "source": passage.source,
        "doc_id": passage.doc_id,
        "chunk_id": passage.chunk_id,
        "quote": citation.quote,
        "start": citation.start,
        "end": citation.end,
        "supported": citation.supported,
    }


def _place(citation: Citation) -> str:
    passage = citation.passage
    return _one_line(f"{passage.title or passage.doc_id} ({passage.source}: {passage.doc_id})")


def _one_line(text: str) -> str:
    return " ".join(text.split())
