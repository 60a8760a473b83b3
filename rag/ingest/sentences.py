"""Where the sentences of a text are."""

from __future__ import annotations

import re

__all__ = ["sentences"]

_STOP = re.compile(
    r"\n[ \t]*\n\s*"  # an empty line parts sentences, whatever stands before it
    r"|[。！？]+[」』”）]*"
    # From a run's first mark on and possessive, so that a long run without an end is read once.
    r"|(?<![.!?…])(?P<mark>[.!?…]++)(?P<close>(?:[\"'”’»)\]]|\[\d{1,3}\])*+)(?=\s++[\"'“‘«(\[]*+(?P<next>\w*))"
)
_OPENING = "\"'“‘«(["

_NO_END = re.compile("mr|mrs|ms|dr|prof|st|gen|rep|sen|gov|capt|lt|col|sgt|rev|hon|mt|vs|cf|viz|approx|ca|e\\.g|i\\.e")
_BEFORE_NUMBER = re.compile(
    "no|nos|nr|figs?|vol|pp?|ch|sec|eqs?|refs?|art|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec"
)
_SELDOM_END = re.compile(r"etc|al|inc|ltd|co|corp|jr|sr|dept|est|bros|(?:[a-z]\.)*[a-z]")
_STARTER = re.compile(
    "the|this|that|these|those|it|he|she|we|they|you|there|here|an?|in|on|at|as|if|for|from|to|and|but|or|so|when|"
    "while|what|who|how|why|our|their|his|her|its|my|your|no|not|yes|all|some|each|both|however|also"
)


def sentences(text: str) -> list[tuple[int, int]]:
    """The span (start, end) of each sentence, in order, without the space around it.

    A sentence ends at a full stop, exclamation or question mark before a space and a word that is not
    in lower case, or at an empty line. Abbreviations, initials and the numbers of a list end none,
    unless a word follows that seldom stands after one, such as "The".

    Example:
        >>> text = "Dr. J. Doe lives in the U.S. She paid 3.50 EUR (approx. 4 USD). Why?"
        >>> [text[start:end] for start, end in sentences(text)]
        ['Dr. J. Doe lives in the U.S.', 'She paid 3.50 EUR (approx. 4 USD).', 'Why?']
    """
    ends = [stop.end() for stop in _STOP.finditer(text) if _is_end(text, stop)]
    spans: list[tuple[int, int]] = []
    start = 0
    for end in [*ends, len(text)]:
        piece = text[start:end]
        if piece.strip():
            spans.append((end - len(piece.lstrip()), start + len(piece.rstrip())))
        start = end
    return spans


def _is_end(text: str, stop: re.Match[str]) -> bool:
    if not stop["mark"]:
        return True
    if stop["next"][:1].islower():
        return False
    if stop["mark"] != "." or stop["close"]:
        return True
    line = text[max(0, stop.start() - 40) : stop.start()].rpartition("\n")[2].split()
    if len(line) == 1 and line[0].isdigit():
        return False  # the number of a list's item
    return not line or _ends_with(line[-1].lstrip(_OPENING).lower(), stop["next"].lower())


def _ends_with(word: str, following: str) -> bool:
    """Whether a full stop after the word ends a sentence, as the next word is a number or not in lower case."""
    if _NO_END.fullmatch(word):
        return False
    if _BEFORE_NUMBER.fullmatch(word):
        return not following[:1].isdigit()
    return not _SELDOM_END.fullmatch(word) or bool(_STARTER.fullmatch(following))
