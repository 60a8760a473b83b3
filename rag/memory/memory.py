"""The memory: turns in, turns out, over any store."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self, cast

from rag.closing import Closing
from rag.errors import InputError
from rag.memory.admitted import checked_ids, checked_lifetime, checked_name, checked_turns, whole
from rag.memory.cached import CachedStore
from rag.memory.copies import Copies
from rag.memory.sessions import GAP, Session
from rag.memory.store.opened import opened
from rag.memory.store.values import Receipt, Wanted, Which
from rag.memory.sweep import Sweep
from rag.types import Scope, Turn

if TYPE_CHECKING:
    from rag.memory.profile import Profile
    from rag.memory.recall import Recaller
    from rag.memory.recalled import Recall
    from rag.memory.store.seam import MemoryStore
    from rag.memory.when.calendar import Calendar
    from rag.protocols import Embedder

__all__ = ["Memory"]


class Memory(Closing):
    """Keeps the turns of conversations; open it with `Memory.open`.

    A turn is on disk before `add` returns. Threads and processes may share what is opened: writers wait for
    each other. Of a scope, tenant and user say whose turns are meant, and `as_of` hides later ones; turns
    have no labels. A process that was forked opens it itself.

    Example:
        >>> with Memory.open("sqlite://") as memory:
        ...     kept = memory.add("c1", [Turn(turn_id="1", role="user", text="Do you sell kettles?")])
        ...     [turn.text for turn in memory.turns("c1", last=5)]
        ['Do you sell kettles?']
    """

    def __init__(
        self,
        store: MemoryStore,
        *,
        embedder: Embedder | None = None,
        gap: timedelta = GAP,
        calendar: Calendar | None = None,
    ) -> None:
        self.store = store
        self._cached = CachedStore(store)
        self.copies = Copies(store)
        self._sweep = Sweep(self.copies)
        self.gap = gap
        self.calendar = calendar
        self._given = embedder

    @classmethod
    def open(
        cls,
        url: str | Path,
        *,
        embedder: Embedder | None = None,
        gap: timedelta = GAP,
        calendar: Calendar | None = None,
    ) -> Self:
        """The memory at a path or URL, made when it is not there.

        Args:
            url: a path, `sqlite:///relative.db`, `sqlite:////absolute.db`, `sqlite://` for one that lasts as
                long as it is open, or `postgresql://user:password@host/database`.
            embedder: compares what was said with questions; by default, as an index does.
            gap: the silence that parts the sessions of turns that name none.
            calendar: how time words are read; by default in the zone of `now`, weeks from Monday.

        Raises:
            ConfigError: the URL is of another database.
            InputError: the gap is no length of time, or the calendar is none.
            StoreError: it cannot be opened, holds something else, is damaged, or comes from a later release.
        """
        _check_reading(gap, calendar)
        return cls(opened(url), embedder=embedder, gap=gap, calendar=calendar)

    def add(self, conversation: str, turns: Iterable[Turn], *, scope: Scope | None = None) -> tuple[Turn, ...]:
        """Append turns; they come back as kept, all of them or none.

        A turn without an id gets one, and one without a time was said now. A turn that is there already,
        with the same id and text, is left as it is.

        Raises:
            InputError: the conversation's name is no text, what is given is no turns, or a zone is not known here.
            TurnConflict: a turn of the same id is there with another text.
            StoreBusy: other writers would not let go.
            StoreError: the turns could not be written.
        """
        kept = self.store.add(checked_name(conversation), whole(turns), scope := scope or Scope())
        self._sweep.begin(scope)
        return kept

    def turns(self, conversation: str, *, last: int | None = None, scope: Scope | None = None) -> tuple[Turn, ...]:
        """The conversation's turns in order of arrival, oldest first; only the last ones when a number is given.

        Raises:
            StoreError: the turns could not be read.
        """
        wanted = Wanted(scope or Scope(), conversation, last=last, order="arrival")
        return tuple(kept.turn for kept in self.store.find(wanted))

    def conversations(self, scope: Scope | None = None) -> tuple[str, ...]:
        """The names of the scope's conversations, in order of their first turn.

        Raises:
            StoreError: the memory could not be read.
        """
        return self.store.conversations(scope or Scope())

    def sessions(self, conversation: str | None = None, *, scope: Scope | None = None) -> tuple[Session, ...]:
        """The sessions of one conversation, or of each of them, numbered within it.

        Raises:
            StoreError: the memory could not be read.
        """
        return self.store.sessions(Wanted(scope or Scope(), conversation), self.gap)

    def recall(
        self,
        question: str,
        conversation: str | None = None,
        *,
        now: datetime | None = None,
        context: Sequence[Turn] = (),
        k: int = 10,
        scope: Scope | None = None,
        current_session: str | int | None = None,
        neighbours: int = 0,
    ) -> Recall:
        """The turns that a question asks for: by its time words exactly, and of those what it is about.

        A question that is only about a time brings all turns of that time, in order. Others bring at most `k`,
        best first; where a time was named, the list ends where the score drops.

        Args:
            question: such as "What did you tell me about the warranty last Tuesday?".
            conversation: None looks in all of the scope's conversations.
            now: what "yesterday" counts from, in the asker's zone; by default the present, in the last turn's.
            context: turns before the question, the oldest first, that say what it leaves out.
            k: how many ranked turns at most.
            scope: whose turns.
            current_session: the name or number of the session that is under way, which is then not counted.
            neighbours: how many turns before and after each one that is found come with it.

        Raises:
            InputError: `k` or `neighbours` is too small, or `now` has no zone.
            StoreError: the memory could not be read.
        """
        from rag.memory.recall import Asked

        context = checked_turns(context)
        asked = Asked(question, conversation, now, context, k, scope or Scope(), current_session, neighbours)
        return self.recaller.recall(asked)

    @property
    def recaller(self) -> Recaller:
        """What recalls turns, for those who ask it in more than words."""
        from rag.memory.recall import Recaller

        return Recaller(cast("MemoryStore", self._cached), self.gap, self.calendar, self._given)

    @property
    def profile(self) -> Profile:
        """What the turns tell of who said them: summaries, facts, and concepts that are edited by hand."""
        from rag.memory.profile import Profile

        return Profile(self.recaller)

    def embed(self, conversation: str | None = None, *, scope: Scope | None = None) -> int:
        """Make the vectors that turns still lack, so that no question has to; how many were made.

        Raises:
            StoreError: the memory could not be read or written.
            RagError: the embedder failed.
        """
        from rag.memory.meaning import Meaning

        scope = scope or Scope()
        return Meaning(self.store, self._given, scope).embed(self.store.find(Wanted(scope, conversation)))

    def forget(
        self,
        *,
        conversation: str | None = None,
        turns: Iterable[str] | None = None,
        session: Session | None = None,
        before: datetime | None = None,
        expired: bool = False,
        whole: Literal["user", "tenant"] | None = None,
        scope: Scope | None = None,
    ) -> Receipt:
        """Remove turns that meet whatever is given, and all that was made of them, for good.

        Answers and plans that assistants with this memory keep for later questions go too: all that the scope's
        user, or tenant, has of them. SQLite writes its whole file anew, so that no byte is left: readers and writers
        of this process wait for as long as that takes, about ten seconds for each gigabyte.

        Args:
            conversation: of this conversation.
            turns: those that have these ids, in the conversation named.
            session: those of a session that `sessions` gave.
            before: those said before this time.
            expired: those older than their time to live (`expire_after`), which reads hide already.
            whole: "user" for all that the scope's user has, "tenant" for all that the tenant's users have.
            scope: whose turns.

        Raises:
            InputError: nothing is given, or what is given does not fit together.
            StoreError: nothing was removed.
        """
        scope = scope or Scope()
        if scope.as_of is not None:
            raise InputError("forgetting takes no as_of, which would leave what was said later: say before=… instead")
        ids = None if turns is None else checked_ids(turns)
        self._cached.clear()
        receipt = self.copies.forget(Which(conversation, ids, session, before, expired, whole), scope)
        if receipt.removed.get("derived"):
            self.profile.restore(scope=scope)
        return receipt

    def verify(self, receipt: Receipt) -> bool:
        """Whether nothing is left of what a receipt says is gone; False too where that cannot be made sure.

        SQLite looks through all of the file for what hangs on turns that are gone, whosever they were.

        Raises:
            StoreError: the memory could not be read.
        """
        return self.store.verify(receipt)

    def expire_after(self, lasts: timedelta | None, *, scope: Scope | None = None) -> None:
        """Give the scope's turns a time to live, from when they were said; None keeps them for ever.

        Older turns are not read from then on, by any process. They are removed within a day of the tenant's next
        `add`, in the background, or at once by `forget(expired=True)`.

        Raises:
            InputError: it is no length of time, or not above zero.
            StoreError: it could not be written.
        """
        self.store.lifetime(scope or Scope(), checked_lifetime(lasts))

    def close(self) -> None:
        """Let go of files and connections; what was added is on disk already."""
        self._sweep.wait()
        self.store.close()

    async def aadd(self, conversation: str, turns: Iterable[Turn], *, scope: Scope | None = None) -> tuple[Turn, ...]:
        """The async twin of `add`."""
        return await asyncio.to_thread(self.add, conversation, tuple(turns), scope=scope)

    async def aturns(
        self, conversation: str, *, last: int | None = None, scope: Scope | None = None
    ) -> tuple[Turn, ...]:
        """The async twin of `turns`."""
        return await asyncio.to_thread(self.turns, conversation, last=last, scope=scope)

    async def aconversations(self, scope: Scope | None = None) -> tuple[str, ...]:
        """The async twin of `conversations`."""
        return await asyncio.to_thread(self.conversations, scope)

    async def asessions(self, conversation: str | None = None, *, scope: Scope | None = None) -> tuple[Session, ...]:
        """The async twin of `sessions`."""
        return await asyncio.to_thread(self.sessions, conversation, scope=scope)

    async def arecall(
        self,
        question: str,
        conversation: str | None = None,
        *,
        now: datetime | None = None,
        context: Sequence[Turn] = (),
        k: int = 10,
        scope: Scope | None = None,
        current_session: str | int | None = None,
        neighbours: int = 0,
    ) -> Recall:
        """The async twin of `recall`."""
        return await asyncio.to_thread(
            self.recall,
            question,
            conversation,
            now=now,
            context=tuple(context),
            k=k,
            scope=scope,
            current_session=current_session,
            neighbours=neighbours,
        )

    async def aembed(self, conversation: str | None = None, *, scope: Scope | None = None) -> int:
        """The async twin of `embed`."""
        return await asyncio.to_thread(self.embed, conversation, scope=scope)

    async def aforget(
        self,
        *,
        conversation: str | None = None,
        turns: Iterable[str] | None = None,
        session: Session | None = None,
        before: datetime | None = None,
        expired: bool = False,
        whole: Literal["user", "tenant"] | None = None,
        scope: Scope | None = None,
    ) -> Receipt:
        """The async twin of `forget`."""
        return await asyncio.to_thread(
            self.forget,
            conversation=conversation,
            turns=turns,
            session=session,
            before=before,
            expired=expired,
            whole=whole,
            scope=scope,
        )

    async def averify(self, receipt: Receipt) -> bool:
        """The async twin of `verify`."""
        return await asyncio.to_thread(self.verify, receipt)

    async def aexpire_after(self, lasts: timedelta | None, *, scope: Scope | None = None) -> None:
        """The async twin of `expire_after`."""
        await asyncio.to_thread(self.expire_after, lasts, scope=scope)

    async def aclose(self) -> None:
        """The async twin of `close`."""
        await asyncio.to_thread(self.close)

    def __repr__(self) -> str:
        return f"Memory({self.store!r})"


def _check_reading(gap: object, calendar: object) -> None:
    if not isinstance(gap, timedelta):
        raise InputError(f"gap={gap!r} is no length of time: pass a timedelta, such as timedelta(minutes=20)")
    if calendar is not None:
        from rag.memory.when.calendar import Calendar

        if not isinstance(calendar, Calendar):
            raise InputError(f"calendar={calendar!r} is none: pass a Calendar, such as Calendar(zone='Europe/Berlin')")
