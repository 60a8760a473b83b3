"""Zep's messages: those of a session or thread, with who spoke as a name and as a role."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from rag.memory.exchange.lines import Said
from rag.memory.exchange.reading import ROLES, listed, moment, stable_id, under
from rag.types import Turn

__all__ = ["is_zep", "zep"]

_NAMES: Final = ("session_id", "thread_id")
_KEPT_APART: Final = ("uuid", "content", "created_at", "role_type", "role", "name")


def is_zep(data: Any) -> bool:
    """Whether data is messages of Zep: alone, of one session, or of several."""
    messages = [message for _, found in _sessions(data, "") for message in found]
    return bool(messages) and all(
        isinstance(one, dict) and isinstance(one.get("content"), str) and ("role_type" in one or "uuid" in one)
        for one in messages
    )


def zep(data: Any, zone: str, conversation: str) -> Iterator[Said]:
    """The turns of each session, in order of time; system messages are left out."""
    for name, messages in _sessions(data, conversation):
        for place, one in enumerate(sorted(messages, key=lambda one: str(one.get("created_at") or ""))):
            # Earlier releases have the name in `role` and the role in `role_type`; later ones `name` and `role`.
            kind = str(one.get("role_type") or one.get("role") or "")
            if kind == "system":
                continue
            yield (
                name,
                Turn(
                    turn_id=str(one.get("uuid") or stable_id(name, place, kind, one["content"])),
                    role=ROLES.get(kind),
                    speaker=str(one.get("name") or (one.get("role") if one.get("role_type") else "") or ""),
                    text=one["content"],
                    at=moment(one.get("created_at")),
                    zone=zone,
                    metadata=under("zep", one, *_KEPT_APART),
                ),
            )


def _sessions(data: Any, name: str) -> Iterator[tuple[str, list[Any]]]:
    """The messages of each session."""
    several = listed(data, "sessions", "threads")
    if several and all(isinstance(one, dict) and isinstance(one.get("messages"), list) for one in several):
        for one in several:
            yield from _sessions(one, name)
        return
    own = next((str(data[key]) for key in _NAMES if data.get(key)), name) if isinstance(data, dict) else name
    yield own, listed(data, "messages")
