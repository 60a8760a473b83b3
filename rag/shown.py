"""Text from outside, made fit to be shown and sent: a terminal obeys nothing in it, and an encoding takes it."""

from __future__ import annotations

import re

__all__ = ["encodable", "on_a_line", "printable"]

# Control signs other than tab and line break, line ends that are no line breaks, and format signs:
# zero-width, direction, and tags.
_OBEYED = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\U000e0000-\U000e007f]"
)


def printable(text: str) -> str:
    r"""The text without characters that a terminal would obey.

    Example:
        >>> printable("a\x1b[31mred")
        'a[31mred'
    """
    return _OBEYED.sub("", text)


def on_a_line(text: str) -> str:
    r"""The text on one line, without such characters.

    Example:
        >>> on_a_line("Returns\n[2] Truth")
        'Returns [2] Truth'
    """
    return printable(" ".join(text.split()))


def encodable(text: str) -> str:
    r"""The text with a question mark for each half of a pair of surrogates, which no encoding takes.

    JSON can hold such halves, as those do that cut a text within an emoji.

    Example:
        >>> encodable("cut \ud83d")
        'cut ?'
    """
    return text.encode("utf-8", "replace").decode()
