"""Zones by name: of a time, and for it."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

__all__ = ["is_zone", "zone_name", "zone_of"]


def zone_name(at: datetime) -> str:
    """The IANA name of the zone that a time is told in; where it has none, that of its whole hours, else UTC.

    Example:
        >>> zone_name(datetime(2026, 5, 1, tzinfo=ZoneInfo("Europe/Berlin")))
        'Europe/Berlin'
        >>> zone_name(datetime.fromisoformat("2026-05-01T12:00+02:00"))
        'Etc/GMT-2'
    """
    if key := getattr(at.tzinfo, "key", None):
        return str(key)
    hours, rest = divmod(at.utcoffset() or timedelta(), timedelta(hours=1))
    # The signs of these names are the other way round; there are none beyond 12 hours west.
    return f"Etc/GMT{-hours:+d}" if hours and not rest and hours >= -12 else "UTC"


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
