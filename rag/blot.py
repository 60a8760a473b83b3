"""Keeps credentials out of what other people's errors say."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["blotted"]

_CREDENTIALS: Final = re.compile(r"//[^\s/@:]*:\S*@")


def blotted(text: str) -> str:
    """The text with the user and the password of each URL blotted out.

    Example:
        >>> blotted("cannot reach postgresql://svc:sekret@10.0.0.5/prod now")
        'cannot reach postgresql://***@10.0.0.5/prod now'
    """
    return _CREDENTIALS.sub("//***@", text)
