"""Where the headings of a markdown or reStructuredText document are."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["Heading", "headings"]

# Possessive, so that no text takes longer than its length asks for.
_FENCE = re.compile(r"^ {0,3}(`{3,}+|~{3,}+)[^\n]*+\n(?:.*\n)*?(?: {0,3}\1[`~]*+[ \t]*+$|.*\Z)", re.MULTILINE)
_HEADING = re.compile(
    r"^ {0,3}#{1,6}+[ \t]++(?P<atx>\S.*)$"
    r"|^(?P<under>[^\s#>|*+-].{0,119})\n(?:={3,}+|-{3,}+|~{3,}+|\^{3,}+)[ \t]*+$",
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading's title, and the span (start, end) of the lines that make it."""

    title: str
    start: int
    end: int


def headings(text: str) -> Iterator[Heading]:
    r"""The headings, in order; lines inside a fenced block of code are none.

    Example:
        >>> [heading.title for heading in headings("# One\n\ntext\n\nTwo\n===\n")]
        ['One', 'Two']
    """
    fences = deque(match.span() for match in _FENCE.finditer(text))
    for match in _HEADING.finditer(text):
        while fences and fences[0][1] <= match.start():
            fences.popleft()
        if not fences or match.start() < fences[0][0]:
            title = _unclosed(match["atx"]) if match["atx"] else match["under"].strip()
            yield Heading(title=title, start=match.start(), end=match.end())


def _unclosed(title: str) -> str:
    """The title without the marks that may close its line: `# One ##`."""
    title = title.rstrip(" \t")
    bare = title.rstrip("#")
    return bare.rstrip(" \t") if bare.endswith((" ", "\t")) else title
