"""The formats that other systems export, told apart by their shape, each read as turns."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from rag.errors import InputError
from rag.memory.exchange.chatgpt import chatgpt, is_chatgpt
from rag.memory.exchange.langchain import is_langchain, langchain
from rag.memory.exchange.lines import Said, turns_of
from rag.memory.exchange.mem0 import is_mem0, mem0
from rag.memory.exchange.zep import is_zep, zep

__all__ = ["FORMATS", "Format", "read_export"]


@dataclass(frozen=True, slots=True)
class Format:
    """A format of exports: whether data is of it, and the turns in it, given a zone and a conversation's name."""

    fits: Callable[[Any], bool]
    read: Callable[[Any, str, str], Iterator[Said]]


FORMATS: Final[Mapping[str, Format]] = {
    "chatgpt": Format(is_chatgpt, chatgpt),
    "langchain": Format(is_langchain, langchain),
    "zep": Format(is_zep, zep),
    "mem0": Format(is_mem0, mem0),
}


def read_export(
    text: str, form: str | None = None, *, zone: str = "UTC", conversation: str = "imported"
) -> Iterator[Said]:
    """The turns of an export, in order.

    Args:
        text: the file's text: JSON of one of `FORMATS`, or the JSON Lines that `exported` writes.
        form: the format's name, or "lines"; by default, told by the data's shape.
        zone: the zone that the turns were said in, where the format tells none.
        conversation: what to call a conversation that the export gives no name.

    Raises:
        InputError: the text is of no format that is known, or not of the one named.
    """
    text = text.removeprefix("\ufeff")  # as some editors put before it
    # Not `splitlines`: a text may hold the other ends of lines as they are, and JavaScript leaves them so.
    if form == "lines":
        return turns_of(text.split("\n"))
    try:
        data = json.loads(text)
    except ValueError as error:
        if form is None:
            return turns_of(text.split("\n"))  # several lines of JSON are no JSON
        raise InputError(f"this is no {form} export: it is not JSON ({error})") from error
    if form is None and isinstance(data, dict) and "conversation" in data and "text" in data:
        return turns_of([text.replace("\n", " ")])
    named = {form: FORMATS[form]} if form else FORMATS
    for each in named.values():
        if each.fits(data):
            return each.read(data, zone, conversation)
    raise InputError(
        f"this is no export that can be read here: it fits none of {', '.join(named)}, nor is it JSON Lines"
    )
