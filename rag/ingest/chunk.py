"""Cut a text into pieces that an encoder can take."""

from __future__ import annotations

import re
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator

from rag.ingest.headings import headings
from rag.ingest.sentences import sentences

__all__ = ["chunk"]

Span = tuple[int, int]

# A sign of Chinese, Japanese or Korean counts as a word, and so does every 40 signs of a run without
# a space: encoders cut both further, and so nothing is too long to be cut.
_CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"
_WORD = re.compile(rf"[{_CJK}]|[^\s{_CJK}]{{1,40}}")
_BLANK = re.compile(r"\n[ \t]*(?:\n[ \t]*)+")


def chunk(text: str, *, max_words: int = 200) -> list[Span]:
    r"""The span (start, end) of each chunk, in order, without the space around it.

    A text that fits is one chunk. One that does not is cut at its headings, then what is still too
    long at paragraphs, sentences, lines and at last words; neighbours that fit together are joined
    again, and the pieces of one cut are kept about equally long.

    Args:
        text: any text; an empty or blank one has no chunk.
        max_words: a chunk's length at most, in words. The default is mostly within 256 tokens of English.

    Raises:
        ValueError: `max_words` is below 1.

    Example:
        >>> text = "# Returns\n\nWithin 30 days.\n\n# Repairs\n\nWithin 2 years."
        >>> [text[start:end] for start, end in chunk(text, max_words=6)]
        ['# Returns\n\nWithin 30 days.', '# Repairs\n\nWithin 2 years.']
    """
    if max_words < 1:
        message = f"max_words is {max_words}: a chunk holds at least 1 word"
        raise ValueError(message)
    words = array("Q", (match.start() for match in _WORD.finditer(text)))
    return _Cutter(text, words, max_words).cut((0, len(text)), _LEVELS)


class _Cutter:
    def __init__(self, text: str, words: array[int], limit: int) -> None:
        self.text = text
        self.words = words
        self.limit = limit

    def count(self, span: Span) -> int:
        return bisect_left(self.words, span[1]) - bisect_left(self.words, span[0])

    def cut(self, span: Span, levels: tuple[_Level, ...]) -> list[Span]:
        span = _trimmed(self.text, span)
        if self.count(span) <= self.limit:
            return [span] if span[0] < span[1] else []
        level, *finer = levels
        pieces = level(self.text[span[0] : span[1]])
        moved = ((span[0] + start, span[0] + end) for start, end in pieces)
        return self.joined([small for piece in moved for small in self.cut(piece, tuple(finer))])

    def joined(self, spans: list[Span]) -> list[Span]:
        # As few as fit; and of the ways to have so few, the one whose longest is shortest: a short
        # rest at the end would be found for little that it says.
        fewest = len(self.filled(spans, self.limit))
        limits = range(1, self.limit)
        even = 1 + bisect_left(limits, True, key=lambda limit: len(self.filled(spans, limit)) <= fewest)
        return self.filled(spans, even)

    def filled(self, spans: list[Span], limit: int) -> list[Span]:
        filled: list[Span] = []
        for span in spans:
            if filled and self.count((filled[-1][0], span[1])) <= limit:
                filled[-1] = (filled[-1][0], span[1])
            else:
                filled.append(span)
        return filled


_Level = Callable[[str], Iterable[Span]]


def _sections(text: str) -> Iterator[Span]:
    return _between(text, (heading.start for heading in headings(text)))


def _paragraphs(text: str) -> Iterator[Span]:
    # A heading stays with what follows it.
    ends = {heading.end for heading in headings(text)}
    return _between(text, (match.end() for match in _BLANK.finditer(text) if match.start() not in ends))


def _lines(text: str) -> Iterator[Span]:
    return _between(text, (match.end() for match in re.finditer(r"\n", text)))


def _words(text: str) -> Iterator[Span]:
    return _between(text, (match.start() for match in _WORD.finditer(text)))


_LEVELS: tuple[_Level, ...] = (_sections, _paragraphs, sentences, _lines, _words)


def _between(text: str, cuts: Iterable[int]) -> Iterator[Span]:
    start = 0
    for cut in cuts:
        yield start, cut
        start = cut
    yield start, len(text)


def _trimmed(text: str, span: Span) -> Span:
    piece = text[span[0] : span[1]]
    start = span[0] + len(piece) - len(piece.lstrip())
    return start, max(start, span[0] + len(piece.rstrip()))
