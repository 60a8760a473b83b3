"""Mem0's exports: facts, each with the time it was kept; not what was said, but what was made of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from rag.memory.exchange.lines import Said
from rag.memory.exchange.reading import OWN_ROLES, listed, moment, stable_id, under
from rag.types import Turn

__all__ = ["is_mem0", "mem0"]

_LISTS: Final = ("results", "memories")


def is_mem0(data: Any) -> bool:
    """Whether data is a list of memories, alone or as `get_all` wraps it."""
    memories = listed(data, *_LISTS)
    return bool(memories) and all(isinstance(one, dict) and isinstance(one.get("memory"), str) for one in memories)


def mem0(data: Any, zone: str, conversation: str) -> Iterator[Said]:
    """A turn for each memory, in order of time, in the conversation of its `run_id` where it has one."""
    told = sorted(listed(data, *_LISTS), key=lambda one: str(one.get("created_at") or ""))
    for one in told:
        name = str(one.get("run_id") or conversation)
        role = one.get("role") or (one.get("metadata") or {}).get("role")
        yield (
            name,
            Turn(
                turn_id=str(one.get("id") or stable_id(name, one["memory"], one.get("created_at"))),
                role=role if role in OWN_ROLES else None,
                speaker=str(one.get("actor_id") or one.get("user_id") or one.get("agent_id") or ""),
                text=one["memory"],
                at=moment(one.get("created_at") or one.get("updated_at")),
                zone=zone,
                metadata=under("mem0", one, "id", "memory", "created_at", "role"),
            ),
        )
