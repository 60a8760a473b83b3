"""Where the sentences of a text are."""

from __future__ import annotations

import re

__all__ = ["sentences"]

_BREAK = re.compile(r"\n[ \t]*\n\s*|(?<=[.!?])[\"')\]]*\s+(?=[\"'(\[]*[A-Z0-9])")


def sentences(text: str) -> list[tuple[int, int]]:
    """The span (start, end) of each sentence, in order, without the space around it."""
    spans: list[tuple[int, int]] = []
    start = 0
    for match in [*_BREAK.finditer(text), None]:
        end = match.start() if match else len(text)
        piece = text[start:end]
        if piece.strip():
            spans.append((start + len(piece) - len(piece.lstrip()), start + len(piece.rstrip())))
        start = match.end() if match else end
    return spans
