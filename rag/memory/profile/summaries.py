"""Summaries as they are kept: a row a version, of the turns that it was made from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from pydantic import BaseModel, ConfigDict

from rag.memory.profile.modelled import batches, summarised
from rag.memory.profile.rolling import Held, rolled
from rag.memory.profile.values import Sentence, Summary
from rag.memory.store.values import Derived, Kept, Wanted
from rag.types import Scope

if TYPE_CHECKING:
    from rag.memory.store.seam import MemoryStore
    from rag.protocols import Model

__all__ = ["EXTRACTION", "Summaries"]

EXTRACTION: Final = "extraction"
"""Who made a summary, where no model did."""

_KIND: Final = "profile.summary"
_TOPIC: Final = "profile.topic"


class _Version(BaseModel):
    """A version of a summary; `seen` turns of those up to number `through` were taken in."""

    model_config = ConfigDict(frozen=True)

    topic: str
    version: int
    by: str
    budget: int
    through: int
    seen: int
    held: tuple[Held, ...]

    def row(self, rows: Sequence[Kept]) -> Derived:
        """The row that keeps it, which goes with what it was made from."""
        # What is extracted holds words of the turns that it names alone; a model had read them all.
        made_from = {number for one in self.held for number in one.numbers}
        if self.by != EXTRACTION:
            made_from = {row.number for row in rows}
        return Derived(_KIND, self.topic, self.model_dump_json(), tuple(sorted(made_from)))


class _Topic(BaseModel):
    """What is summarised, and how."""

    by: str
    budget: int


class Summaries:
    """The summaries of a scope in a store."""

    def __init__(self, store: MemoryStore, scope: Scope) -> None:
        self._store, self._scope = store, scope

    def versions(self, topic: str) -> list[Summary]:
        """The versions of a topic's summary that are kept, the oldest first."""
        return [_told(row) for row in self._store.derived(self._scope, _KIND, topic)]

    def topics(self) -> dict[str, tuple[str, int]]:
        """What is summarised: the topic, who does it, and the budget."""
        found = {}
        for row in self._store.derived(self._scope, _TOPIC):
            topic = _Topic.model_validate_json(row.body)
            found[row.key] = (topic.by, topic.budget)
        return found

    def follow(self, topic: str, by: str, budget: int) -> None:
        """Have a topic summarised again whenever the profile is refreshed."""
        known = self._store.derived(self._scope, _TOPIC, topic)
        body = _Topic(by=by, budget=budget).model_dump_json()
        if [row.body for row in known] != [body]:
            self._store.derive([Derived(_TOPIC, topic, body)], self._scope, replaces=[row.number for row in known])

    async def made(self, topic: str, budget: int, model: Model | None) -> Summary:
        """The summary with all turns taken in that came since, or made anew where turns are gone since."""
        rows = self._store.find(Wanted(self._scope, order="arrival"))
        by = model.name if model else EXTRACTION
        row, last = self._last(topic, rows, budget, by)
        rest = [one for one in rows if last is None or one.number > last.through]
        if row is not None and not rest:
            return _told(row)
        held = last.held if last else ()
        if model is None:
            held = rolled(held, rest, topic, budget)
        else:
            known = {one.number: one for one in rows}
            for batch in batches(rest):
                held = await summarised(model, held, batch, known, topic=topic, budget=budget)
        version = _Version(
            topic=topic,
            version=1 + max((one.version for one in self.versions(topic)), default=0),
            by=by,
            budget=budget,
            through=rows[-1].number if rows else 0,
            seen=len(rows),
            held=held,
        )
        return self._kept(version, rows, row, last)

    def _last(
        self, topic: str, rows: Sequence[Kept], budget: int, by: str
    ) -> tuple[Derived, _Version] | tuple[None, None]:
        """The last version, where it can be gone on from."""
        found = self._store.derived(self._scope, _KIND, topic)
        last = _Version.model_validate_json(found[-1].body) if found else None
        if last is None or (last.budget, last.by) != (budget, by):
            return None, None
        # A turn that is gone may have kept others out: then all is made anew from those that are left.
        seen = sum(row.number <= last.through for row in rows)
        return (found[-1], last) if seen == last.seen else (None, None)

    def _kept(self, version: _Version, rows: Sequence[Kept], row: Derived | None, last: _Version | None) -> Summary:
        made = version.row(rows)
        replaces: list[int] = []
        if row is not None and last is not None and last.held == version.held:
            # Nothing new was said: it is the same version, brought up to date.
            same = version.model_copy(update={"version": last.version})
            made = Derived(_KIND, version.topic, same.model_dump_json(), same.row(rows).numbers, row.recorded)
            replaces = [row.number]
        written = self._store.derive([made], self._scope, replaces=replaces)
        # Empty where a turn was forgotten meanwhile: then nothing may be kept of what it said.
        return _told(written[0]) if written else Summary(topic=version.topic, version=version.version, by=version.by)


def _told(row: Derived) -> Summary:
    version = _Version.model_validate_json(row.body)
    return Summary(
        topic=version.topic,
        version=version.version,
        sentences=tuple(Sentence(text=one.text, turns=one.turns) for one in version.held),
        by=version.by,
        recorded=row.recorded,
    )
