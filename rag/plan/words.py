"""Words, widths and safe text for drawings: what is drawn may come from a model, or from what a source returned."""

from __future__ import annotations

import json
import unicodedata

__all__ = ["cells", "counted", "cut", "duration", "padded", "visible"]


def visible(text: str) -> str:
    r"""The text on one line, each sign that is not printed written as an escape.

    Control and direction signs would else move a terminal's cursor, or turn the text around.

    Example:
        >>> print(visible("a\nb\x1b[2J\u202ec"))
        a\nb\u001b[2J\u202ec
    """
    return text if text.isprintable() else "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in text)


def cells(text: str) -> int:
    """How many cells of a terminal the text takes; letters of East Asia take two, combining signs none."""
    if text.isascii():
        return len(text)
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def padded(text: str, width: int) -> str:
    """The text with spaces behind it, so that it takes that many cells."""
    return text + " " * (width - cells(text))


def cut(text: str, most: int, tail: int = 0) -> str:
    """The text in one line of so many cells at most, an ellipsis where it is too long: before its last `tail` letters.

    Example:
        >>> cut("what buyers say of the lamp", 16, tail=4), cut("a lamp", 16)
        ('what buyers…lamp', 'a lamp')
    """
    text = " ".join(text.split())
    if cells(text) <= most:
        return text
    end = text[len(text) - tail :]
    head, room = "", most - 1 - cells(end)
    for char in text:
        room -= cells(char)
        if room < 0:
            break
        head += char
    return f"{head}…{end}"


def duration(seconds: float) -> str:
    """Seconds in two digits or so, in a unit that fits.

    Example:
        >>> [duration(s) for s in (0.0, 0.00042, 0.025, 0.1234, 2.04, 31.4)]
        ['0 ms', '0.42 ms', '25 ms', '0.12 s', '2.0 s', '31 s']
    """
    value, unit = (seconds * 1000, "ms") if seconds < 0.1 else (seconds, "s")
    digits = 0 if value >= 10 or value < 0.005 else 2 if value < 1 else 1
    return f"{value:.{digits}f} {unit}"


def counted(number: int, one: str, many: str = "") -> str:
    """The number with its noun.

    Example:
        >>> counted(1, "row"), counted(2, "row"), counted(2, "retry", "retries")
        ('1 row', '2 rows', '2 retries')
    """
    return f"{number} {one if number == 1 else many or f'{one}s'}"
