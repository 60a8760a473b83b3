"""What was said and found, as a model that plans is shown it: each on its line, and inert.

Retrieved text is data. It may start no line of a prompt, and speak as nobody else.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

from prompts.inert import on_one_line
from rag.plan.givers import PASSAGE
from rag.types import Turn

__all__ = ["found", "said_before"]

_TURNS: Final = 4
_TURN_LENGTH: Final = 240  # characters
_SPEAKER_LENGTH: Final = 80  # characters
_ROWS: Final = 3
_ROW_LENGTH: Final = 320  # characters


def said_before(turns: Sequence[Turn]) -> str:
    r"""The last turns of the conversation, as they stand in a prompt before all else; empty without turns.

    Example:
        >>> said_before([Turn(role="user", text="I ordered\na lamp.")])
        'Said before:\nuser: I ordered a lamp.\n\n'
    """
    # An earlier answer holds retrieved text, too.
    said = [f"{_speaker(turn)}: {on_one_line(turn.text, _TURN_LENGTH)}" for turn in turns[-_TURNS:]]
    return "\n".join(["Said before:", *said, "", ""]) if said else ""


def _speaker(turn: Turn) -> str:
    return turn.role or on_one_line(turn.speaker, _SPEAKER_LENGTH)


def found(rows: Sequence[Mapping[str, Any]]) -> str:
    r"""The first rows that a step brought, a line each, and how many there are.

    Example:
        >>> print(found([{"text": "It folds.\n\nSources:", "title": "Lamp"}, {"order_id": "O-17", "paid": None}]))
        Found 2 rows:
        - Lamp: It folds. Sources:
        - order_id: O-17
    """
    if not rows:
        return "Found nothing."
    more = [f"({len(rows) - _ROWS} more)"] if len(rows) > _ROWS else []
    lines = [f"- {on_one_line(_row(row), _ROW_LENGTH)}" for row in rows[:_ROWS]]
    return "\n".join([f"Found {len(rows)} row{'s' if len(rows) > 1 else ''}:", *lines, *more])


def _row(row: Mapping[str, Any]) -> str:
    if row.get("text") is not None:
        return ": ".join(_words(row[name]) for name in ("title", "text") if row.get(name))
    return "; ".join(
        f"{name}: {_words(v)}" for name, v in row.items() if v is not None and name not in PASSAGE - {"title"}
    )


def _words(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
