"""Rows of a table as sentences."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any

from rag.read.kinds import fits_kind
from rag.read.terms import terms
from rag.types import EvidenceItem

__all__ = ["counted", "is_row", "is_told", "matches", "sentence"]

_LONGEST_VALUE = 160
_COLUMNS = 10
_IDENTITY = {"doc_id", "chunk_id"}

_KEY = re.compile(r"_?(?:id|key|code|no|number)$", re.IGNORECASE)
_PLURAL = re.compile(r"(?<=[a-z]{2})(?:(?P<y>ies)|(?<=x|z)es|(?<=ch|sh|ss)es|(?<![sui])s)$", re.IGNORECASE)


def is_row(item: EvidenceItem) -> bool:
    """Whether an item is a row of short fields, or a text that is told as it stands, and not one to read."""
    if is_told(item):
        return True
    return bool(_values(item)) and "text" not in item.fields and max(map(len, _values(item).values())) <= _LONGEST_VALUE


def is_told(item: EvidenceItem) -> bool:
    """Whether an item is a text that answers by being there, as a turn of a conversation does."""
    return item.fields.get("told") is True


def sentence(item: EvidenceItem, question: str, *, listed: bool = False) -> str:
    """The row in one line: what it is, then its columns, those that the question asks for first.

    A row is called by its key and what that is a key of. One without a key is called by its table or
    source, unless it is listed: the line above the list has that name.

    Example:
        >>> from rag.types import Passage
        >>> row = {"doc_id": "orders/O-7", "order_id": "O-7", "item": "lamp", "paid": None, "ordered_on": "2026-11-02"}
        >>> passage = Passage(doc_id="orders/O-7", chunk_id="orders/O-7#0", text="…")
        >>> sentence(EvidenceItem(passage=passage, step_id="s1", fields=row), "When was O-7 ordered?")
        'Order O-7: ordered on 2026-11-02, item lamp'
    """
    if is_told(item):
        return ": ".join(filter(None, [item.passage.title, _text(item.passage.text)]))
    values = _values(item)
    name = _name(item, values)
    noun = _noun(item, name)
    # "Order" is in every question about orders, and asks for no column of theirs.
    asked = set(terms(question)) - set(terms(noun if name else ""))
    rest = [column for column in values if column != name]

    def is_asked(column: str) -> bool:
        return bool(asked & set(terms(_words(column)))) or fits_kind(question, values[column]) == 1

    # What only points at other rows comes last.
    rest.sort(key=lambda column: (not is_asked(column), column.endswith("_id")))
    told = ", ".join(f"{_words(column)} {values[column]}" for column in rest[:_COLUMNS])
    subject = f"{noun} {values[name]}" if name else "" if listed else noun
    return ": ".join(filter(None, [subject[:1].upper() + subject[1:], told]))


def matches(item: EvidenceItem, question: str) -> int:
    """How many words of the question the row's values have; none counts for what is told in its order."""
    if is_told(item):
        return 0
    return len(set(terms(" ".join(_values(item).values()))) & set(terms(question)))


def counted(items: Sequence[EvidenceItem], shown: int) -> str:
    """How many rows there are, called by their table where they have one.

    Example:
        >>> from rag.types import Passage
        >>> passages = [Passage(doc_id=f"orders/{n}", chunk_id=f"{n}", text="…") for n in range(3)]
        >>> counted([EvidenceItem(passage=p, step_id="s1", fields={"doc_id": p.doc_id}) for p in passages], 3)
        '3 orders:'
    """
    tables = {item.passage.doc_id.rpartition("/")[0] for item in items if "doc_id" in item.fields}
    table = tables.pop() if len(tables) == 1 else ""
    if all(map(is_told, items)):
        table = "turns"
    noun = _words(table) if table else f"rows from {items[0].passage.source}"
    return f"{len(items)} {noun}:" if shown == len(items) else f"{len(items)} {noun}, of which {shown} are shown:"


def _values(item: EvidenceItem) -> dict[str, str]:
    fields = {name: value for name, value in item.fields.items() if name not in _IDENTITY}
    return {name: _text(value) for name, value in fields.items() if value not in (None, "", [], {})}


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return " ".join(text.split())


def _name(item: EvidenceItem, values: dict[str, str]) -> str | None:
    """The column that holds the row's key."""
    key = str(item.fields.get("doc_id", "")).rpartition("/")[2]
    return next((column for column, value in values.items() if value == key), None)


def _noun(item: EvidenceItem, name: str | None) -> str:
    """What a row is: what its key is the id of, else one of its table or source.

    Example:
        >>> from rag.types import Passage
        >>> item = EvidenceItem(passage=Passage(doc_id="rooms/A-1", chunk_id="c", text="…"), step_id="s1")
        >>> _noun(item, "code"), _noun(item, "key_no"), _noun(item, None)
        ('room', 'key', 'room')
    """
    own = _KEY.sub("", name or "")
    if own and own != name:
        return _words(own)
    table = item.passage.doc_id.rpartition("/")[0] or item.passage.source
    return _singular(_words(table.rpartition(".")[2])) or _words(own) or "row"


def _singular(noun: str) -> str:
    """The English singular, as far as an ending tells.

    Example:
        >>> [_singular(noun) for noun in ("reviews", "companies", "boxes", "houses", "status", "glass")]
        ['review', 'company', 'box', 'house', 'status', 'glass']
    """
    return _PLURAL.sub(lambda found: "y" if found["y"] else "", noun)


def _words(name: str) -> str:
    return " ".join(re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).replace("_", " ").split())
