"""What a model wrote, read: JSON objects, whatever stands around them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, Final

from rag.plan import Plan, from_model

__all__ = ["objects", "read_plan"]

_OPENING: Final = re.compile(r'\{(?=\s*["}])')
_MOST_FAILED: Final = 100
"""Objects that begin and do not end well, after which nothing is expected: each may take as long as the text is."""


def read_plan(text: str) -> Plan:
    r"""The plan in what a model wrote: its outermost JSON object with "steps", whatever stands around it.

    Raises:
        PlanError: there is none, or it is not of a plan's form.

    Example:
        >>> print(read_plan('Sure! ```json\n{"steps": []}\n``` Anything else?'))
        (no retrieval)
    """
    found = next((each for each in objects(text) if "steps" in each), None)
    return from_model(found) if found is not None else Plan.from_json(text)


def objects(text: str) -> Iterator[dict[str, Any]]:
    """The outermost JSON objects in a text, in order.

    Example:
        >>> list(objects('First {"a": {"b": 1}}, then {nothing}.'))
        [{'a': {'b': 1}}]
    """
    decoder, end, failed = json.JSONDecoder(), 0, 0
    for match in _OPENING.finditer(text):
        if match.start() < end:
            continue
        try:
            found, end = decoder.raw_decode(text, match.start())
        except (ValueError, RecursionError):
            failed += 1
            if failed == _MOST_FAILED:
                return
            continue
        yield found
