"""Reads the saved form of a plan: what may stand in it that the values themselves do not hold."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from rag.errors import PlanError
from rag.plan.refs import parse_value

__all__ = ["first_problem", "no_constant", "read_step"]


def read_step(step: Any) -> Any:
    """A saved step with its references parsed; what is no step comes back as it is, for the value to refuse."""
    if not isinstance(step, Mapping):
        return step
    fields = {key: value for key, value in step.items() if value is not None or key in ("id", "source")}
    if isinstance(args := fields.get("args"), Mapping):
        # null means absent, since strict JSON schemas make a model write every argument
        fields["args"] = {str(key): parse_value(value) for key, value in args.items() if value is not None}
    return fields


def no_constant(name: str) -> Any:
    """Refuse NaN and the infinities.

    Raises:
        PlanError: always.
    """
    raise PlanError(f"not a plan: {name} is not JSON")


def first_problem(error: ValidationError) -> str:
    """The first thing wrong, and where, in one line."""
    first = error.errors(include_url=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    return re.sub(r"\s+", " ", f"{where}: {first['msg']}" if where else first["msg"])
