"""What was said and found, as a model that plans is shown it: each on its line, and inert.

Retrieved text is data. It may start no line of a prompt, and speak as nobody else.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from prompts.inert import on_one_line
from rag.types import Turn

__all__ = ["said_before"]

_TURNS: Final = 4
_TURN_LENGTH: Final = 240  # characters


def said_before(turns: Sequence[Turn]) -> str:
    r"""The last turns of the conversation, as they stand in a prompt before all else; empty without turns.

    Example:
        >>> said_before([Turn(role="user", text="I ordered\na lamp.")])
        'Said before:\nuser: I ordered a lamp.\n\n'
    """
    # An earlier answer holds retrieved text, too.
    said = [f"{turn.role or turn.speaker}: {on_one_line(turn.text, _TURN_LENGTH)}" for turn in turns[-_TURNS:]]
    return "\n".join(["Said before:", *said, "", ""]) if said else ""
