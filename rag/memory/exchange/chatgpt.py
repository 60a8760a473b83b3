"""ChatGPT's conversations.json: a tree of messages for each conversation, of which one branch is shown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from rag.memory.exchange.lines import Said
from rag.memory.exchange.reading import OWN_ROLES, listed, moment, stable_id, text_of, under
from rag.types import Turn

__all__ = ["chatgpt", "is_chatgpt"]

# Of no interest to who talked: what the model was told of the user, and how it came to an answer.
_HIDDEN: Final = frozenset({"user_editable_context", "model_editable_context", "thoughts", "reasoning_recap"})


def is_chatgpt(data: Any) -> bool:
    """Whether data is what ChatGPT exports: a list of conversations, or one."""
    return all(isinstance(one, dict) and isinstance(one.get("mapping"), dict) for one in _conversations(data) or [None])


def chatgpt(data: Any, zone: str, _: str) -> Iterator[Said]:
    """The turns of each conversation's current branch; answers that were made anew or edited away are left out.

    So are system messages, hidden ones, and those that a model sent to a tool. A message without a time has
    that of the one before it. Times are instants: `zone` says where they were said.
    """
    for told in _conversations(data):
        name = str(told.get("conversation_id") or told.get("id") or told.get("title"))
        last = told.get("create_time")
        for place, message in enumerate(_branch(told)):
            last = message.get("create_time") or last
            text = _text(message.get("content") or {})
            if text.strip() and _is_said(message):
                turn = _turn(message, text, last, zone, str(told.get("title") or ""))
                yield name, turn.model_copy(update={"turn_id": turn.turn_id or stable_id(name, place, text)})


def _conversations(data: Any) -> list[Any]:
    return [data] if isinstance(data, dict) and "mapping" in data else listed(data, "conversations")


def _branch(told: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The messages from the root to the current node; to the last leaf where none is named."""
    nodes: dict[str, dict[str, Any]] = told["mapping"]
    leaves = [key for key, node in nodes.items() if not node.get("children")]
    at = told.get("current_node") or (leaves[-1] if leaves else None)
    path: list[dict[str, Any]] = []
    seen: set[str] = set()
    while at in nodes and at not in seen:  # a damaged tree may have a ring
        seen.add(at)
        path.append(nodes[at])
        at = nodes[at].get("parent")
    return [node["message"] for node in reversed(path) if node.get("message")]


def _is_said(message: Mapping[str, Any]) -> bool:
    author, content, metadata = (message.get(name) or {} for name in ("author", "content", "metadata"))
    return (
        author.get("role") in OWN_ROLES
        and message.get("recipient") in (None, "all")
        and not metadata.get("is_visually_hidden_from_conversation")
        and content.get("content_type") not in _HIDDEN
    )


def _text(content: Mapping[str, Any]) -> str:
    return text_of(content.get("parts") or content.get("text") or content.get("result") or "")


def _turn(message: Mapping[str, Any], text: str, at: Any, zone: str, title: str) -> Turn:
    author = message["author"]
    metadata = message.get("metadata") or {}
    told = {"title": title, "model": metadata.get("model_slug")}
    return Turn(
        turn_id=str(message.get("id") or ""),
        role=author["role"],
        speaker=str(author.get("name") or ""),
        text=text,
        at=moment(at),
        zone=zone,
        metadata=under("chatgpt", told),
    )
