"""Where the statements of a text are: sentences, list items, table rows, fields and blocks of code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import pairwise

from rag.ingest.headings import headings
from rag.ingest.sentences import sentences

__all__ = ["Span", "plain", "statements"]

Span = tuple[int, int]

_CODE = re.compile(r"^ {0,3}(`{3,}+|~{3,}+).*+\n(?:.*+\n)*?(?: {0,3}\1[`~]*[ \t]*$|\Z)", re.MULTILINE)
# A line break parts two statements where a row ends, or where the next line starts an item, a row or
# a field; any other line break is only where the line was full.
_LINE_BREAK = re.compile(r"(?m:(?<=\|)[ \t]*\n)|\n(?=[ \t]*(?:[-*+•>]|[0-9]{1,3}[.)]|[\w .-]{1,40}:)[ \t]|[ \t]*\|)")
_MARKER = re.compile(r"[ \t]*(?:[-*+•>]|[0-9]{1,3}[.)])[ \t]+")
_RULE = re.compile(r"[\s|:=_*-]*")


@lru_cache(maxsize=512)  # one answer has the same passages taken apart for its quotes, its check and its conflicts
def statements(text: str) -> tuple[Span, ...]:
    r"""The span (start, end) of each statement, in order, less list markers and the space around it.

    Headings are left out, and a fenced block of code is one statement.

    Example:
        >>> text = "# Care\nWipe it. Dry it\nwell.\n- Weight: 262 g\n"
        >>> [text[start:end] for start, end in statements(text)]
        ['Wipe it.', 'Dry it\nwell.', 'Weight: 262 g']
    """
    code = [match.span() for match in _CODE.finditer(text)]
    apart = sorted([*code, *((heading.start, heading.end) for heading in headings(text))])
    spans: list[Span] = []
    position = 0
    for start, end in [*apart, (len(text), len(text))]:
        spans += _in_prose(text, position, start)
        spans += [(start, end)] if (start, end) in code else []
        position = end
    return tuple(spans)


def plain(statement: str) -> str:
    """A statement as it reads in a sentence: on one line, a table's row as `name: value`, no emphasis marks.

    Example:
        >>> plain("| **Water rating** | IP67 |")
        'Water rating: IP67'
    """
    if statement.startswith(("```", "~~~")):
        return statement
    cells = [cell.strip() for cell in statement.strip().strip("|").split("|")] if statement.startswith("|") else []
    text = f"{cells[0]}: {', '.join(filter(None, cells[1:]))}" if len(cells) > 1 else statement
    return " ".join(re.sub(r"\*\*|__", "", text).split())


def _in_prose(text: str, start: int, end: int) -> Iterator[Span]:
    edges = [start, *(match.end() for match in _LINE_BREAK.finditer(text, start, end)), end]
    for first, last in pairwise(edges):
        marker = _MARKER.match(text, first, last)
        begin = marker.end() if marker else first
        for a, b in sentences(text[begin:last]):
            if not _RULE.fullmatch(text, begin + a, begin + b):
                yield (begin + a, begin + b)
