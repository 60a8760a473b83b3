"""How many tokens a text has: exactly where that can be known offline, else a careful estimate.

tiktoken fetches a vocabulary over the network the first time it is asked for, so it is used only when
the vocabulary is on disk already. The estimate errs on the high side, since what it guards is a limit.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from rag.card import Schema

if TYPE_CHECKING:
    import tiktoken

    from rag.protocols import Message

__all__ = ["Count", "count", "estimate", "of_prompt"]

_ORIGIN = "https://openaipublic.blob.core.windows.net/encodings/{}.tiktoken"
# tiktoken deletes and fetches anew a vocabulary whose hash is wrong, so the hash is checked first.
_VOCABULARIES = {
    "cl100k_base": ("cl100k_base", "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7"),
    "o200k_base": ("o200k_base", "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d"),
    "o200k_harmony": ("o200k_base", "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d"),
}

# Characters a token, by kind of run, and one token a run at least. Set so that English, code and CJK text
# come out above the vocabularies of four model families: English by a fifth to a third, CJK by more.
_RUNS = (
    (r"[A-Z]?[a-z]+", 4.0),
    (r"[A-Z]+", 1.3),
    (r"\d+", 1.0),
    (r"[ \t]{2,}|\s*\n\s*", math.inf),
    (r"[\u0080-\u024f]+", 0.8),  # letters with accents
    (r"[\u0250-\u07ff]+", 1.1),  # Greek, Cyrillic, Hebrew, Arabic
    (r"[^\x00-\u07ff]+", 0.6),  # Chinese, Japanese, Korean, pictures
    (r"[^\w\s\x80-\U0010ffff]+|_+", 1.3),
)
_FRAME = 4  # tokens that mark a message's role and its end
_PIECES = re.compile("|".join(f"({pattern})" for pattern, _ in _RUNS), re.ASCII)


class Count(NamedTuple):
    """A number of tokens, and whether it is an estimate."""

    tokens: int
    estimated: bool


def count(text: str, model: str = "") -> Count:
    """How many tokens the model reads in the text; never opens a socket.

    Exact for models whose vocabulary tiktoken knows and has on disk.

    Example:
        >>> count("How many tokens is this?", "a-model-of-my-own")
        Count(tokens=7, estimated=True)
    """
    encoding = _encoding(model)
    if encoding is None:
        return Count(estimate(text), estimated=True)
    return Count(len(encoding.encode_ordinary(text)), estimated=False)


def of_prompt(messages: Sequence[Message], schema: Schema | None = None, model: str = "") -> int:
    """How many tokens a model call reads: the messages with what frames them, and the schema.

    Example:
        >>> from rag.protocols import Message
        >>> of_prompt([Message("user", "hi")])
        9
    """
    parts = [message.content for message in messages]
    if schema is not None:
        parts.append(json.dumps(schema))
    return _FRAME + sum(_FRAME + count(part, model).tokens for part in parts)


def estimate(text: str) -> int:
    """A number of tokens that real vocabularies seldom exceed.

    Example:
        >>> estimate(""), estimate("word"), estimate("日本語")
        (0, 1, 5)
    """
    total = 0.0
    for piece in _PIECES.finditer(text):
        rate = _RUNS[(piece.lastindex or 1) - 1][1]
        total += max(1.0, (piece.end() - piece.start()) / rate)
    return math.ceil(total)


@cache
def _encoding(model: str) -> tiktoken.Encoding | None:
    import tiktoken
    from tiktoken.model import encoding_name_for_model

    try:
        name = encoding_name_for_model(model)
    except KeyError:
        return None
    return tiktoken.get_encoding(name) if _on_disk(name) else None


def _on_disk(encoding: str) -> bool:
    from rag.settings import Settings

    folder = Settings.load().vocabulary_dir
    if folder is None or encoding not in _VOCABULARIES:
        return False
    name, sha256 = _VOCABULARIES[encoding]
    file = folder / hashlib.sha1(_ORIGIN.format(name).encode(), usedforsecurity=False).hexdigest()
    try:
        return hashlib.sha256(file.read_bytes()).hexdigest() == sha256
    except OSError:
        return False
