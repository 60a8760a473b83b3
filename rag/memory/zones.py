"""Zones by name: of a time, and for it."""

from __future__ import annotations

import os
from contextlib import suppress
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

__all__ = ["here", "is_zone", "local_zone", "zone_name", "zone_of"]

# Zones whose clocks are not whole hours apart from UTC, at least for a part of the year.
_BETWEEN_HOURS: Final = (
    "Asia/Kolkata", "Asia/Kathmandu", "Asia/Tehran", "Asia/Kabul", "Asia/Yangon", "Australia/Adelaide",
    "Australia/Darwin", "Australia/Eucla", "Australia/Lord_Howe", "Pacific/Chatham", "Pacific/Marquesas",
    "America/St_Johns",
)  # fmt: skip


def zone_name(at: datetime) -> str:
    """The IANA name of the zone that a time is told in; where it has none, that of one with its offset, else UTC.

    An offset of whole hours is a zone of its own; of others, the zone is one that had this offset then.

    Example:
        >>> zone_name(datetime(2026, 5, 1, tzinfo=ZoneInfo("Europe/Berlin")))
        'Europe/Berlin'
        >>> zone_name(datetime.fromisoformat("2026-05-01T12:00+02:00"))
        'Etc/GMT-2'
        >>> zone_name(datetime.fromisoformat("2026-05-01T12:00+05:30"))
        'Asia/Kolkata'
    """
    if key := getattr(at.tzinfo, "key", None):
        return str(key)
    offset = at.utcoffset() or timedelta()
    hours, rest = divmod(offset, timedelta(hours=1))
    if rest:
        return next((name for name in _BETWEEN_HOURS if at.astimezone(zone_of(name)).utcoffset() == offset), "UTC")
    # The signs of these names are the other way round; there are none beyond 12 hours west.
    return f"Etc/GMT{-hours:+d}" if hours and hours >= -12 else "UTC"


def local_zone() -> tzinfo:
    """The zone of this machine, by name where it has one: a bare offset knows of no summer time.

    That is what TZ names, else what /etc/localtime links to, else the offset of the moment.
    """
    from rag.settings import zone_setting

    named = zone_setting() or _linked()
    if named and is_zone(named):
        return ZoneInfo(named)
    return datetime.now().astimezone().tzinfo or UTC


def here() -> datetime:
    """The present, in the zone of this machine."""
    return datetime.now(local_zone())


def _linked() -> str:
    """The zone that the system's setting links to, such as /usr/share/zoneinfo/Europe/Berlin; "" where it is a copy."""
    with suppress(OSError):
        return _zone_at(os.readlink("/etc/localtime"))
    return ""


@lru_cache(maxsize=8)
def _zone_at(link: str) -> str:
    # A link may lead to another; following them all takes longer than a clock may.
    return str(Path("/etc", link).resolve()).partition("/zoneinfo/")[2]


@lru_cache(maxsize=1024)
def zone_of(name: str) -> ZoneInfo:
    """The zone of that name, or UTC where it is not known here."""
    return ZoneInfo(name) if is_zone(name) else ZoneInfo("UTC")


@lru_cache(maxsize=1024)
def is_zone(name: str) -> bool:
    """Whether a zone of that name is known here.

    Example:
        >>> is_zone("Europe/Berlin"), is_zone("Europe/Belin")
        (True, False)
    """
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True
