r"""References as models spell them, written as the grammar has them.

Read as references are, for a step `s1` of the plan: `{{s1.title}}`, `${s1.title}`, `<s1.title>`, `$s1.title$`,
`s1.title` where it is the whole value, `$s1.0.title`, `$s1[].title`, `$s1.*.title`, `$s1['title']`, and `$s1` with
no path, which stands for the whole row. What names no step of the plan stays text, as does what follows `$$`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from rag.plan.words import cut

__all__ = ["Spelling"]

_WORD: Final = r"[\w-]+"
_PATH: Final = r"""(?:\.\w+|\.\*|\[[0-9]{1,9}\]|\[\*?\]|\["(?:[^"\\]|\\.)*"\]|\['[^'\\]*'\])"""
# A word with a number, as steps are called: "orders.csv" may be a file.
_BARE: Final = re.compile(rf"\s*(?P<id>[A-Za-z_]+[0-9]+)(?P<path>{_PATH}+)\$?\s*")
_MOST_ODD: Final = 50  # names of steps that are no words, of which a plan that can run has fewer
_SHOWN: Final = 60  # letters of a reference that a note quotes
_PIECE: Final = re.compile(r"\.(?P<index>[0-9]{1,9})(?!\w)|(?P<every>\.\*|\[\])|\['(?P<quoted>[^'\\]*)'\]")


class Spelling:
    """Respells the references to the steps of one plan.

    Args:
        renamed: the id of each step by the name that the model calls it.

    Example:
        >>> value, notes = Spelling({"1": "s1", "s2": "s2"}).read({"query": "light of {{1.title}}", "ids": ["s2.0.id"]})
        >>> value
        {'query': 'light of $s1.title', 'ids': ['$s2[0].id']}
        >>> notes
        ("'{{1.title}}' read as '$s1.title'", "'s2.0.id' read as '$s2[0].id'")
    """

    def __init__(self, renamed: Mapping[str, str]) -> None:
        self._names = renamed
        odd = sorted((name for name in renamed if not re.fullmatch(_WORD, name)), key=len, reverse=True)[:_MOST_ODD]
        name = "|".join([*map(re.escape, odd), _WORD])
        self._within = re.compile(
            rf"\$\$|(?:\$?\{{\{{?|<)\s*\$?(?P<braced>{name})(?P<braced_path>{_PATH}*)\s*(?:\}}\}}?|>)"
            rf"|\$(?P<id>{name})(?P<path>{_PATH}*)(?P<end>\$(?![\w$;{{]))?"
        )

    def read(self, value: Any) -> tuple[Any, tuple[str, ...]]:
        """The value with the references in it respelled, and a note on each that was."""
        notes: dict[str, None] = {}
        return self._read(value, notes), tuple(notes)

    def _read(self, value: Any, notes: dict[str, None]) -> Any:
        if isinstance(value, str):
            return self._text(value, notes)
        if isinstance(value, Mapping):
            return {key: self._read(item, notes) for key, item in value.items()}
        return [self._read(item, notes) for item in value] if isinstance(value, list) else value

    def _text(self, text: str, notes: dict[str, None]) -> str:
        whole = _BARE.fullmatch(text)
        if whole and whole["id"] in self._names:
            return _told(text, f"${self._names[whole['id']]}{_path(whole['path'])}", notes)
        return self._within.sub(lambda match: self._respelled(match, notes), text)

    def _respelled(self, match: re.Match[str], notes: dict[str, None]) -> str:
        name, path = match["id"] or match["braced"], match["path"] or match["braced_path"] or ""
        # "$5.99" is a price, also where a step is called 5.
        if name not in self._names or (name.isdecimal() and re.fullmatch(r"(?:\.[0-9]+)?", path)):
            return match[0]
        new = f"${self._names[name]}{_path(path)}"
        # A reference that the grammar reads as it stands needs no note where only the step is called otherwise.
        plain = match["id"] is not None and not match["end"] and path == _path(path)
        return new if plain else _told(match[0], new, notes)


def _told(written: str, read: str, notes: dict[str, None]) -> str:
    notes[f"{cut(written, _SHOWN)!r} read as {cut(read, _SHOWN)!r}"] = None
    return read


def _path(written: str) -> str:
    return _PIECE.sub(_piece, written) or "[0]"


def _piece(match: re.Match[str]) -> str:
    if match["index"] is not None:
        return f"[{match['index']}]"
    if match["every"] is not None:
        return "[*]"
    return f'["{match["quoted"]}"]'.replace("\\", "\\\\")
