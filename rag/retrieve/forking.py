"""Locks after a fork: a thread of the parent that held one does not exist in the child, and never lets go."""

from __future__ import annotations

import os
from typing import Protocol
from weakref import WeakSet

__all__ = ["Renewing", "renewed_after_fork"]


class Renewing(Protocol):
    """Something with locks of its own."""

    def renew(self) -> None:
        """Make the locks anew, and forget what other threads were at."""
        ...


_all: WeakSet[Renewing] = WeakSet()


def renewed_after_fork(each: Renewing) -> None:
    """Have an object make its locks, now and in each child process that is forked while it lives."""
    each.renew()
    _all.add(each)


def _renew() -> None:
    for each in list(_all):
        each.renew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew)
