"""What stores of turns are asked, and what they answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Annotated, Literal, TypeAlias

from pydantic import AwareDatetime, BaseModel, ConfigDict

from rag.errors import InputError
from rag.memory.sessions import Session
from rag.types import Scope, Turn

__all__ = ["Derived", "Kept", "Receipt", "Role", "Tally", "Wanted", "Which"]

Role: TypeAlias = Literal["user", "assistant", "tool"]


@dataclass(frozen=True)
class Kept:
    """A turn as a store keeps it: `number` grows with each arrival, over all scopes, and is never given twice.

    The turn's `at` is told at the offset that its zone had then.
    """

    number: int
    conversation: str
    turn: Turn

    @property
    def reference(self) -> str:
        """The turn as hits, facts and summaries name it.

        Example:
            >>> Kept(1, "c1", Turn(turn_id="7", text="Hello")).reference
            'c1#7'
        """
        return f"{self.conversation}#{self.turn.turn_id}"

    @property
    def said(self) -> str:
        """What a turn is compared by: the name of who said it, and the text."""
        turn = self.turn
        return f"{turn.speaker}: {turn.text}" if turn.speaker else turn.text

    @cached_property
    def terms(self) -> str:
        r"""The stems of the words of who said what, and of the day, each between line feeds; worked out once.

        Example:
            >>> Kept(1, "c1", Turn(text="Kettles and lamps")).terms
            '\nkettl\n\nlamp\n'
        """
        from rag.memory.told import day
        from rag.read.terms import terms

        # The day is no word that was said, but a question may be about "the trip in July".
        return "".join(f"\n{term}\n" for term in terms(f"{self.said} {day(self.turn)}"))


@dataclass(frozen=True, slots=True)
class Tally:
    """How many turns there are, the latest number and the sum of their numbers: others, when the turns are others."""

    count: int
    latest: int
    total: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which of a scope's turns are looked for: those that meet whatever is given.

    `start` is included and `end` is not; both are aware. `numbers` are those of `Kept`, and so is `after`, which
    is not included. `last` keeps the last so many of the order asked for.
    """

    scope: Scope = field(default_factory=Scope)
    conversation: str | None = None
    start: datetime | None = None
    end: datetime | None = None
    speaker: str | None = None
    role: Role | None = None
    numbers: tuple[int, ...] | None = None
    after: int | None = None
    last: int | None = None
    order: Literal["time", "arrival"] = "time"

    def __post_init__(self) -> None:
        _check_text("a conversation's name", self.conversation)
        if self.last is not None and self.last < 0:
            raise InputError(f"last={self.last} turns cannot be given: pass 0 or more, or None for all")
        for at in (self.start, self.end):
            if at is not None and at.tzinfo is None:
                raise InputError(f"{at} has no zone: say which, as in datetime(…, tzinfo=UTC)")


@dataclass(frozen=True, slots=True)
class Which:
    """What is to be forgotten: the turns that meet whatever is given; `whole` widens to all of a user or tenant.

    `expired` are those that are older than the time to live of who said them.

    Raises:
        InputError: nothing is given, so that everything would go, or what is given does not fit together.
    """

    conversation: str | None = None
    turn_ids: tuple[str, ...] | None = None
    session: Session | None = None
    before: datetime | None = None
    expired: bool = False
    whole: Literal["user", "tenant"] | None = None

    def __post_init__(self) -> None:
        self._check_kinds()
        given = (self.conversation, self.turn_ids, self.session, self.before, self.whole)
        if not self.expired and all(value is None for value in given):
            raise InputError("forget what? name a conversation, turns, a session or a time, or say whole='user'")
        if self.turn_ids is not None and self.conversation is None:
            raise InputError("turns are known within their conversation: name the conversation too")
        if self.whole is not None and given[:3] != (None, None, None):
            raise InputError(f"whole={self.whole!r} spans all conversations: leave conversation, turns and session out")
        if self.before is not None and self.before.tzinfo is None:
            raise InputError(f"{self.before} has no zone: say which, as in datetime(…, tzinfo=UTC)")

    def _check_kinds(self) -> None:
        _check_text("a conversation's name", self.conversation)
        for turn_id in self.turn_ids or ():
            _check_text("the id of a turn", turn_id)
        if not isinstance(self.session, Session | None):
            raise InputError(f"session={self.session!r} is none: pass one that `sessions` gave")

    def __str__(self) -> str:
        """In words, without what was said.

        Example:
            >>> from datetime import UTC
            >>> print(Which(conversation="c1", before=datetime(2026, 5, 1, tzinfo=UTC)))
            conversation 'c1', before 2026-05-01T00:00:00+00:00
        """
        parts = [f"all of the {self.whole}"] if self.whole else []
        if self.conversation is not None:
            parts.append(f"conversation {self.conversation!r}")
        if self.turn_ids is not None:
            parts.append("turns " + ", ".join(self.turn_ids))
        if self.session is not None:
            parts.append(f"session {self.session.name or self.session.number} of {self.session.conversation!r}")
        if self.expired:
            parts.append("past their time to live")
        if self.before is not None:
            parts.append(f"before {self.before.isoformat()}")
        return ", ".join(parts)


class Receipt(BaseModel):
    """What was forgotten, to be held against the store later: `memory.verify(receipt)`.

    `digests` are keyed with `key`, one of each turn that went, so that a receipt repeats nothing of what was
    said. `removed` counts rows by what they were: turns, vectors, derived. `notes` say what is left to do.

    Example:
        >>> from datetime import UTC
        >>> Receipt(what="conversation 'c1'", key="00", at=datetime(2026, 5, 1, tzinfo=UTC)).turns
        0
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    what: str
    scope: Scope = Scope()
    whole: Literal["user", "tenant"] | None = None
    digests: tuple[str, ...] = ()
    key: str
    removed: Mapping[str, int] = {}
    at: Annotated[datetime, AwareDatetime]
    notes: tuple[str, ...] = ()

    @property
    def turns(self) -> int:
        """How many turns went."""
        return len(self.digests)


@dataclass(frozen=True, slots=True)
class Derived:
    """Something made from turns, such as a summary or a fact: it goes when one of its turns is forgotten.

    `kind` and `key` say what it is ("summary", its topic); `body` is JSON text; `numbers` are those of the turns
    that it was made from. `recorded` is when it was written, and `number` its own; both are the store's to give.
    """

    kind: str
    key: str
    body: str
    numbers: tuple[int, ...] = ()
    recorded: datetime | None = None
    number: int = 0


def _check_text(what: str, value: object) -> None:
    if not isinstance(value, str | None):
        raise InputError(f"{what} is text, not {value!r}: write it as {str(value)!r}")
