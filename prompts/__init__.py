"""Prompts as files: one `.md` a prompt, with TOML front matter between lines of `+++`.

    +++
    id = "answer"
    version = 1
    inputs = ["question", "passages"]
    output = "text with [n] after each sentence"
    notes = "why it is worded as it is"
    +++
    ...{{question}}...

A placeholder is `{{name}}`. Substitution is one pass, so whatever stands in a value stays text. A
line that holds only `--- user ---` or `--- system ---` starts another message; what stands before
the first such line is the system message. `prompts.lock` holds each text's hash, so that a text
cannot change unless its version does.
"""

from __future__ import annotations

import hashlib
import re
import string
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

__all__ = ["Prompt", "load", "names"]

_HERE = Path(__file__).parent
_FRONT_MATTER = re.compile(r"\A\+\+\+\n(?P<head>.*?)\n\+\+\+\n(?P<body>.*)\Z", re.S)
_MESSAGE = re.compile(r"^--- (system|user) ---$", re.M)


class _Body(string.Template):
    delimiter = "{{"
    # The braces stand first, so that what lies between placeholders is skipped at once.
    pattern = r"""
        \{\{ (?: (?P<named>[a-z_]+)\}\} | (?P<escaped>(?!)) | (?P<braced>(?!)) | (?P<invalid>(?!)) )
    """  # type: ignore[assignment]  # typeshed: Template compiles the text when the class is made


@dataclass(frozen=True, slots=True)
class Prompt:
    """A prompt's text, and what may be put into it."""

    id: str
    version: int
    inputs: tuple[str, ...]
    output: str
    notes: str
    body: str

    @property
    def identity(self) -> str:
        """`id@version#sha12`: what traces, caches and scores name the prompt by."""
        return f"{self.id}@{self.version}#{hashlib.sha256(self.body.encode()).hexdigest()[:12]}"

    def render(self, values: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
        r"""The messages, as (role, content) in order, with the values put in.

        Raises:
            KeyError: an input has no value.

        Example:
            >>> Prompt("p", 1, ("q",), "", "", "Be brief.\n--- user ---\n{{q}}").render({"q": "{{q}} costs $1"})
            (('system', 'Be brief.'), ('user', '{{q}} costs $1'))
        """
        # The body is cut into messages before values go in: a value cannot start a message.
        return tuple((role, _Body(text).substitute(values)) for role, text in self._messages())

    def _messages(self) -> list[tuple[str, str]]:
        first, *rest = _MESSAGE.split(self.body)
        pairs = [("system", first), *zip(rest[::2], rest[1::2], strict=True)]
        return [(role, text.strip()) for role, text in pairs if text.strip()]


def names() -> tuple[str, ...]:
    """The names of the prompts that ship, in order."""
    return tuple(sorted(path.stem for path in _HERE.glob("*.md")))


def load(name: str, directory: Path | None = None) -> Prompt:
    """The prompt of that name: from `directory` if it has one, else the one that ships.

    Raises:
        LookupError: there is no such prompt.
        ValueError: the file is malformed, or its placeholders are not its declared inputs.
    """
    own = directory / f"{name}.md" if directory else None
    path = own if own and own.is_file() else _HERE / f"{name}.md"
    try:
        changed = path.stat().st_mtime_ns
    except FileNotFoundError:
        raise LookupError(f"there is no prompt {name!r}; there are: {', '.join(names())}") from None
    return _parsed(path, changed)


@lru_cache(maxsize=128)
def _parsed(path: Path, _changed: int) -> Prompt:
    match = _FRONT_MATTER.match(path.read_text(encoding="utf-8").replace("\r\n", "\n"))
    if not match:
        raise ValueError(f"{path.name} does not start with TOML front matter between two lines of +++")
    try:
        head: dict[str, Any] = tomllib.loads(match["head"])
        prompt = Prompt(
            id=head["id"],
            version=head["version"],
            inputs=tuple(head["inputs"]),
            output=head["output"],
            notes=head.get("notes", ""),
            body=match["body"].strip() + "\n",
        )
    except (tomllib.TOMLDecodeError, KeyError) as error:
        raise ValueError(f"{path.name}: the front matter lacks or garbles {error}") from error
    placeholders = set(_Body(prompt.body).get_identifiers())
    if placeholders != set(prompt.inputs):
        raise ValueError(f"{path.name}: inputs {sorted(prompt.inputs)} but placeholders {sorted(placeholders)}")
    return prompt
