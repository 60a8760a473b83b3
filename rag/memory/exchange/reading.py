"""What the readers of exports share: ids that stay the same, times as they are written, texts of parts."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from rag.errors import InputError

__all__ = ["OWN_ROLES", "ROLES", "listed", "moment", "stable_id", "text_of", "under"]

ROLES: Final[Mapping[str, Any]] = {
    "user": "user",
    "human": "user",
    "assistant": "assistant",
    "ai": "assistant",
    "tool": "tool",
    "function": "tool",
}
"""A turn's role by the names that it goes by; others, such as "system", have none."""

OWN_ROLES: Final = frozenset(ROLES.values())
"""The roles as turns have them."""


def stable_id(*parts: Any) -> str:
    """An id that the same parts always give, so that importing twice adds nothing."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:32]


def moment(written: Any) -> datetime | None:
    """A time as seconds since 1970 or as ISO 8601, in UTC where it tells no zone; None for none.

    Example:
        >>> moment(0).isoformat(), moment("2026-05-05T10:00:00Z").isoformat(), moment(None)
        ('1970-01-01T00:00:00+00:00', '2026-05-05T10:00:00+00:00', None)

    Raises:
        InputError: it is no time.
    """
    if written is None or written == "":
        return None
    try:
        if isinstance(written, int | float):
            return datetime.fromtimestamp(written, UTC)
        at = datetime.fromisoformat(str(written))
    except (ValueError, OverflowError, OSError) as error:
        raise InputError(f"{written!r} is no time: an export has seconds since 1970, or ISO 8601") from error
    return at if at.utcoffset() is not None else at.replace(tzinfo=UTC)


def text_of(content: Any) -> str:
    r"""The words of a content: a text, or parts of which some are text.

    Example:
        >>> text_of(["Look:", {"type": "image_url"}, {"type": "text", "text": "a lamp"}])
        'Look:\na lamp'
    """
    if isinstance(content, str):
        return content
    if isinstance(content, dict):
        return str(content.get("text") or "")
    if isinstance(content, Iterable):
        return "\n".join(filter(None, map(text_of, content)))
    return ""


def listed(data: Any, *names: str) -> list[Any]:
    """The list in the data: itself, or what stands under one of these names; empty where there is none."""
    if isinstance(data, dict):
        data = next((data[name] for name in names if isinstance(data.get(name), list)), [])
    return data if isinstance(data, list) else []


def under(name: str, told: dict[str, Any], *taken: str) -> dict[str, Any]:
    """What else a record tells, under the name of its format; nothing where nothing is left."""
    rest = {key: value for key, value in told.items() if key not in taken and value not in (None, "", [], {})}
    return {name: rest} if rest else {}
