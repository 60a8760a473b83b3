"""LangChain's message histories: messages as `messages_to_dict` or `dumpd` writes them, by session or alone."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from rag.memory.exchange import reading
from rag.memory.exchange.lines import Said
from rag.memory.exchange.reading import listed, moment, stable_id, text_of, under
from rag.types import Turn

__all__ = ["ROLES", "is_langchain", "langchain"]

ROLES: Final[Mapping[str, Any]] = {**reading.ROLES, "AIMessageChunk": "assistant", "HumanMessageChunk": "user"}
_CONSTRUCTED: Final = {"HumanMessage": "human", "AIMessage": "ai", "ToolMessage": "tool", "FunctionMessage": "function"}


def is_langchain(data: Any) -> bool:
    """Whether data is a history, several by session, or rows of a table of them."""
    sessions = list(_sessions(data, ""))
    return bool(sessions) and all(
        message is not None for _, messages in sessions for message in map(_message, messages)
    )


def langchain(data: Any, zone: str, conversation: str) -> Iterator[Said]:
    """The turns of each history; system messages are left out.

    Messages have no times: one is taken from `additional_kwargs` or `response_metadata` where it is there
    (`timestamp`, `created_at`), and is that of the import elsewhere.
    """
    for name, messages in _sessions(data, conversation):
        for place, written in enumerate(messages):
            kind, told = _message(written) or ("", {})
            role = ROLES.get(str(told.get("role")).lower() if kind == "chat" else kind)
            if role is None:
                continue
            text = text_of(told.get("content"))
            yield (
                name,
                Turn(
                    turn_id=str(told.get("id") or stable_id(name, place, kind, text)),
                    role=role,
                    speaker=str(told.get("name") or ""),
                    text=text,
                    at=_time(told),
                    zone=zone,
                    metadata=under("langchain", told, "content", "id", "name", "type", "role", "example"),
                ),
            )


def _sessions(data: Any, name: str) -> Iterator[tuple[str, list[Any]]]:
    """The messages of each session, in order."""
    if isinstance(data, dict) and not (_message(data) or {"messages", "history"} & data.keys()):
        # By session: {"s1": [message, …]}.
        yield from ((str(key), value) for key, value in data.items() if isinstance(value, list) and value)
        return
    if isinstance(data, dict):
        yield str(data.get("session_id") or name), listed(data, "messages", "history")
        return
    rows = listed(data)
    if not all(isinstance(row, dict) and "session_id" in row for row in rows):
        yield name, rows
        return
    by_session: dict[str, list[Any]] = {}
    for row in rows:
        messages = row.get("messages", row.get("message", row.get("history")))
        by_session.setdefault(str(row["session_id"]), []).extend(messages if isinstance(messages, list) else [messages])
    yield from by_session.items()


def _message(written: Any) -> tuple[str, dict[str, Any]] | None:
    """A message's type and fields; None where it is no message."""
    if isinstance(written, str):
        try:
            written = json.loads(written)  # as tables keep them
        except ValueError:
            return None
    if not isinstance(written, dict):
        return None
    if written.get("lc") and isinstance(written.get("kwargs"), dict):
        name = str((written.get("id") or [""])[-1])
        return _CONSTRUCTED.get(name, written["kwargs"].get("type", name)), written["kwargs"]
    if isinstance(written.get("type"), str) and isinstance(written.get("data"), dict):
        return written["type"], written["data"]
    return None


def _time(told: Mapping[str, Any]) -> Any:
    for place in (told.get("additional_kwargs") or {}, told.get("response_metadata") or {}):
        for name in ("timestamp", "created_at"):
            if place.get(name):
                return moment(place[name])
    return None
