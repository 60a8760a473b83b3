"""Turns as rows of a table, and the conditions that rows are looked for by; the same for each database."""

from __future__ import annotations

import hashlib
import hmac
import json
import zlib
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta, timezone
from itertools import groupby
from typing import Any, Final

from rag.errors import TurnConflict
from rag.memory.sessions import Session
from rag.memory.store.values import Kept, Wanted, Which
from rag.memory.zones import zone_of
from rag.types import Scope, Turn

__all__ = [
    "COLUMNS", "checksum", "civil", "conflict", "digest", "forgotten", "kept", "micros", "moment", "named", "row",
    "sessions",
]  # fmt: skip

COLUMNS: Final = "arrival, conversation, turn_id, role, speaker, text, at, zone, civil_date, weekday, session, metadata"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


def micros(at: datetime) -> int:
    """Microseconds since 1970, exact over all years.

    Example:
        >>> moment(micros(datetime(2026, 5, 3, 12, tzinfo=UTC)))
        datetime.datetime(2026, 5, 3, 12, 0, tzinfo=datetime.timezone.utc)
    """
    return (at - _EPOCH) // _MICROSECOND


def moment(microseconds: int) -> datetime:
    """The time, in UTC, of microseconds since 1970."""
    return _EPOCH + timedelta(microseconds=microseconds)


def civil(at: datetime, zone: str) -> datetime:
    """The time at the offset that the zone had then; in UTC where the zone is not known here.

    The offset is fixed, since times of one `ZoneInfo` are compared and subtracted by the clock on the wall,
    which shows one hour twice a year.

    Example:
        >>> civil(datetime(2026, 5, 3, 12, tzinfo=UTC), "Europe/Berlin").isoformat()
        '2026-05-03T14:00:00+02:00'
    """
    try:
        local = at.astimezone(zone_of(zone))
        return local.replace(tzinfo=timezone(local.utcoffset() or timedelta()), fold=0)
    except (OverflowError, ValueError):  # the first or last day of all years, or an offset of a day
        return at.astimezone(UTC)


def checksum(values: Sequence[Any]) -> int:
    """Of a row of `COLUMNS`, less its number: SQLite itself does not notice when bytes on the disk have changed."""
    return zlib.crc32(repr(tuple(values)).encode("utf-8", "surrogatepass"))


def row(turn: Turn) -> dict[str, Any]:
    """The turn's values by column, its time in UTC beside the date and weekday (Monday is 0) where it was said."""
    at = turn.at or datetime.now(UTC)
    local = civil(at, turn.zone)
    return {
        "turn_id": turn.turn_id,
        "role": turn.role,
        "speaker": turn.speaker,
        "text": turn.text,
        "at": at.astimezone(UTC),
        "zone": turn.zone,
        "civil_date": local.date().isoformat(),
        "weekday": local.weekday(),
        "session": turn.session,
        "metadata": json.dumps(turn.metadata, ensure_ascii=False),
    }


def kept(values: Sequence[Any]) -> Kept:
    """The turn of a row of `COLUMNS`, whose `at` is aware."""
    number, conversation, turn_id, role, speaker, text, at, zone, _, _, session, metadata = values
    # Not validated again: it was when it was kept, and a time question may bring a thousand of them.
    turn = Turn.model_construct(
        turn_id=turn_id,
        role=role,
        speaker=speaker,
        text=text,
        at=civil(at, zone),
        zone=zone,
        session=session,
        metadata=json.loads(metadata) if metadata != "{}" else {},
    )
    return Kept(number, conversation, turn)


def conflict(turn: Turn, conversation: str) -> TurnConflict:
    """What is raised for a turn that is there with another text."""
    return TurnConflict(
        f"turn {turn.turn_id!r} of conversation {conversation!r} is kept with another text; nothing was added:"
        " give the new turn an id of its own"
    )


def named(wanted: Wanted) -> list[str]:
    """The conditions for what is wanted, on top of those on owner and time."""
    conditions = {
        "conversation = :conversation": wanted.conversation,
        "speaker = :speaker": wanted.speaker,
        "role = :role": wanted.role,
        "at < :end": wanted.end,
        # The sign keeps SQLite from reading the rows of everyone that came since.
        "+arrival > :after": wanted.after,
        "at <= :as_of": wanted.scope.as_of,
    }
    return [condition for condition, value in conditions.items() if value is not None]


def forgotten(which: Which) -> list[str]:
    """The conditions for what is to be forgotten, on top of the one on the owner."""
    conditions = {
        "conversation = :conversation": which.conversation,
        "conversation = :conversation2 AND at >= :start AND at <= :end": which.session,
        "at < :before": which.before,
    }
    return [condition for condition, value in conditions.items() if value is not None]


def sessions(marks: Iterable[Sequence[Any]], gap: Any, tell: Callable[[Any], datetime]) -> tuple[Session, ...]:
    """The sessions of turns in order of conversation and time, of which each has (conversation, session, at, zone).

    `at` is in whatever the database counts time in, `gap` in the same, and `tell` makes an aware time of it. It
    does what `split` does, without a turn made for each row.
    """
    groups: list[list[Any]] = []
    latest: dict[tuple[str, str | None], list[Any]] = {}
    for conversation, name, at, zone in marks:
        group = latest.get((conversation, name))
        if group is None or (name is None and at - group[3] > gap):
            group = latest[conversation, name] = [conversation, name, at, at, zone, 0]
            groups.append(group)
        group[3] = at
        group[5] += 1
    return tuple(
        Session(number, name, conversation, civil(tell(start), zone), civil(tell(end), zone), zone, turns)
        for _, of_one in groupby(groups, key=lambda group: group[0])
        for number, (conversation, name, start, end, zone, turns) in enumerate(of_one, 1)
    )


def digest(key: str, scope: Scope, conversation: str, turn_id: str, text: str) -> str:
    """What a receipt knows a turn by; without the receipt's key nobody can try words against it."""
    told = json.dumps([scope.tenant, scope.user, conversation, turn_id, text]).encode()
    return hmac.new(bytes.fromhex(key), told, hashlib.sha256).hexdigest()[:32]
