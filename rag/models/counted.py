"""What an endpoint says that a call has used, in the dialects that there are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rag.types import Usage

__all__ = ["counted"]


def counted(told: Mapping[str, Any]) -> Usage | None:
    """The usage in an answer's field of that name; None where it does not say both sizes.

    Thoughts are part of what was written, though some endpoints leave them out of `completion_tokens`;
    `total_tokens` has them then. Money is told by gateways, as `cost`.

    Example:
        >>> usage = counted({"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 16, "cost": 0.001})
        >>> usage.completion_tokens, usage.usd
        (7, 0.001)
    """
    read, wrote = _count(told, "prompt_tokens"), _count(told, "completion_tokens")
    if not read or wrote is None:
        return None
    thought = _count(_part(told, "completion_tokens_details"), "reasoning_tokens") or 0
    cached = _count(_part(told, "prompt_tokens_details"), "cached_tokens")
    if cached is None:
        cached = _count(told, "prompt_cache_hit_tokens") or 0  # DeepSeek's name for it
    return Usage(
        model_calls=1,
        prompt_tokens=read,
        completion_tokens=max(wrote, (_count(told, "total_tokens") or 0) - read),
        cached_tokens=min(cached, read),
        reasoning_tokens=thought,
        usd=_cost(told),
    )


def _cost(told: Mapping[str, Any]) -> float | None:
    cost = told.get("cost")
    if isinstance(cost, Mapping):
        cost = cost.get("total_cost")
    return float(cost) if isinstance(cost, int | float) and not isinstance(cost, bool) and cost >= 0 else None


def _count(told: Mapping[str, Any], name: str) -> int | None:
    value = told.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _part(told: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = told.get(name)
    return value if isinstance(value, Mapping) else {}
