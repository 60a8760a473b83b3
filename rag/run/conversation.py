"""The conversation that a question belongs to: its last turns, and the two that the question adds."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import anyio

from rag.errors import ConfigError, RagError
from rag.memory.zones import zone_name
from rag.types import Answer, Scope, Turn

if TYPE_CHECKING:
    from rag.memory import Memory

__all__ = ["LAST_TURNS", "NOT_KEPT", "Conversation"]

LAST_TURNS: Final = 6
"""How many turns a question is given as its context."""
NOT_KEPT: Final = "the question and its answer were not kept in the conversation"


@dataclass(frozen=True, slots=True)
class Conversation:
    """One conversation of a memory; without a name, turns that nothing keeps."""

    memory: Memory | None
    name: str | None
    scope: Scope
    now: Callable[[], datetime]

    async def turns(self, given: Sequence[Turn] = (), *, seconds: float | None = None) -> tuple[Turn, ...]:
        """The last turns, oldest first: of the conversation, or of those given; none where reading takes longer.

        Raises:
            ConfigError: there is no memory to read the conversation from, or both were given.
            StoreError: the memory could not be read.
        """
        if self.name is None:
            return tuple(given[-LAST_TURNS:])
        if given:
            raise ConfigError("a conversation and turns were given: the memory has the conversation's turns; give one")
        if self.memory is None:
            raise ConfigError(
                f"conversation {self.name!r} was named, but the assistant has no memory;"
                " make it with memory=rag.Memory.open(…)"
            )
        with anyio.move_on_after(seconds):
            return tuple(await self.memory.aturns(self.name, last=LAST_TURNS, scope=self.scope))
        return ()

    async def kept(self, answer: Answer, *, question: str, asked: datetime) -> Answer:
        """The answer, once it and its question are appended to the conversation, also when those who asked leave."""
        if self.name is None or self.memory is None:
            return answer
        said = [
            Turn(role="user", text=question, at=asked, zone=zone_name(asked)),
            Turn(role="assistant", text=answer.text, at=(now := self.now()), zone=zone_name(now)),
        ]
        try:
            await _to_the_end(self.memory.aadd(self.name, said, scope=self.scope))
        except Exception as error:  # noqa: BLE001  # a memory may be other people's code
            # The answer is there and was paid for; that it was not kept must be said all the same.
            why = error if isinstance(error, RagError) else type(error).__name__
            note = f"{NOT_KEPT}: {why}"
            return answer.model_copy(update={"partial": True, "notes": (*answer.notes, note)})
        return answer


async def _to_the_end(work: Coroutine[Any, Any, Any]) -> None:
    """Do the work, also when whoever waits for it is cancelled meanwhile."""
    task = asyncio.ensure_future(work)
    with anyio.CancelScope(shield=True):  # holds off anyio's cancellation, and `shield` that of asyncio
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            await asyncio.wait([task])
            raise
