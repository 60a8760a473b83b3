"""The words of a text, with the places they stand at."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

__all__ = ["Token", "tokenised"]

# A possessive 's stands by itself, so that "Monday's" is a Monday; digits part from letters, so that "8th" is an 8.
_TOKEN: Final = re.compile(r"\d+|'s\b|[^\W\d_]+(?:'(?!s\b)[^\W\d_]+)*|[^\w\s]|_")


@dataclass(frozen=True, slots=True)
class Token:
    """A word, number or mark: `word` in lower case, `text` as it stands from `start` to `end`."""

    word: str
    text: str
    start: int
    end: int
    named_span: bool = False

    @property
    def named(self) -> bool:
        """Whether it begins as names do."""
        return self.text[:1].isupper()

    @property
    def worded(self) -> bool:
        """Whether it is a word, not a number or a mark."""
        return self.text[:1].isalpha()


def tokenised(text: str, names: Iterable[str] = ()) -> tuple[Token, ...]:
    """The tokens of a text, in order; a name of several words is one token.

    Example:
        >>> [token.word for token in tokenised("Monday’s 8th")]
        ['monday', "'s", '8', 'th']
    """
    plain = text.replace("’", "'").replace("‘", "'")
    found = tuple(
        Token(match[0].lower(), text[slice(*match.span())], *match.span()) for match in _TOKEN.finditer(plain)
    )
    for name in sorted(names, key=len, reverse=True):
        found = _joined(found, name, text)
    return found


def _joined(tokens: tuple[Token, ...], name: str, text: str) -> tuple[Token, ...]:
    words = [token.word for token in tokenised(name)]
    joined: list[Token] = []
    at = 0
    while at < len(tokens):
        if words and [token.word for token in tokens[at : at + len(words)]] == words:
            start, end = tokens[at].start, tokens[at + len(words) - 1].end
            joined.append(Token(name, text[start:end], start, end, named_span=True))
            at += len(words)
        else:
            joined.append(tokens[at])
            at += 1
    return tuple(joined)
