"""Windows: which turns of a memory the time words of a question mean."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Final
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict

from rag.memory.when.described import told
from rag.memory.when.region import Region

__all__ = ["Window"]

_SECOND_DAY: Final = datetime.min + timedelta(days=1)
_LAST_DAY: Final = datetime.max - timedelta(days=1)


class Window(BaseModel):
    """The turns that the time words of a question mean: those that any of its parts holds.

    `phrase` is the words that were read, `zone` the zone of its civil times, `notes` what had to be bent.

    Example:
        >>> from rag.memory.when import Part
        >>> window = Window(parts=(Part(datetime(2026, 5, 5), datetime(2026, 5, 6)),), phrase="on 5 May", zone="UTC")
        >>> window.holds(datetime(2026, 5, 5, 12, tzinfo=UTC), 1), str(window)
        (True, 'Tuesday, 5 May 2026')
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    parts: Region
    phrase: str
    zone: str
    means: str = ""
    notes: tuple[str, ...] = ()

    @cached_property
    def _tz(self) -> ZoneInfo:
        return ZoneInfo(self.zone)

    def holds(self, at: datetime, session: int) -> bool:
        """Whether a turn is meant that was said at `at` (aware) in the session of that number."""
        civil = at.astimezone(self._tz).replace(tzinfo=None)
        return any(part.holds(civil, session) for part in self.parts)

    @cached_property
    def bounds(self) -> tuple[datetime | None, datetime | None]:
        """Aware times between which (the second excluded) lies all that it holds; None for no bound."""
        start = min((part.start for part in self.parts), default=datetime.min)
        end = max((part.close for part in self.parts), default=datetime.max)
        return (
            min(self._readings(start)) if start > _SECOND_DAY else None,
            max(self._readings(end)) if end < _LAST_DAY else None,
        )

    def _readings(self, civil: datetime) -> tuple[datetime, datetime]:
        # A time that the clock shows twice, or skips, can be read in two ways: the bounds take the wider.
        both = (civil.replace(tzinfo=self._tz, fold=fold) for fold in (0, 1))
        first, second = (aware.astimezone(UTC) for aware in both)
        return first, second

    def __str__(self) -> str:
        return "; ".join((self.means or told(self.parts), *self.notes))
