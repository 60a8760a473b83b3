"""From a file's bytes to text, with a clear refusal of what is none."""

from __future__ import annotations

import codecs
from pathlib import Path

from rag.errors import LoadError

__all__ = ["MAX_BYTES", "read_text"]

MAX_BYTES = 50 * 1000 * 1000
"""The largest file that is read: 50 MB."""

# UTF-32's mark begins with UTF-16's, so it is tried first.
_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


def read_text(path: Path) -> str:
    r"""The file's text, with `\n` at the end of each line.

    It is read as UTF-8, or as what its byte order mark says. No other encoding is guessed: a wrong
    guess would put garbled words into the index without a word about it.

    Raises:
        LoadError: the file is empty, too large, unreadable, or not text; the message is the reason alone.
    """
    try:
        with path.open("rb") as file:
            # Some files are longer than they say, so the size is held to while reading, too.
            data = b"" if path.stat().st_size > MAX_BYTES else file.read(MAX_BYTES + 1)
            size = max(path.stat().st_size, len(data))
    except OSError as error:
        raise LoadError(f"it cannot be read: {error.strerror}") from error
    if size > MAX_BYTES:
        raise LoadError(f"it is larger than 50 MB ({size / 1e6:.0f} MB): split it into smaller files")
    return _decoded(data).replace("\r\n", "\n").replace("\r", "\n")


def _decoded(data: bytes) -> str:
    encoding = next((name for mark, name in _MARKS.items() if data.startswith(mark)), "utf-8")
    if encoding.startswith("utf-8") and b"\0" in data:
        raise LoadError(f"it is binary, not text: byte {data.index(0)} is NUL")
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        name = encoding.removesuffix("-sig").upper()
        raise LoadError(
            f"it is not {name} text: byte {error.start} cannot be decoded; save it as UTF-8, "
            "for example with `iconv -f latin1 -t utf-8`"
        ) from error
    if not text.strip():
        raise LoadError("it is empty")
    if "\0" in text:
        raise LoadError("it is binary, not text: it holds NUL characters")
    return text
