"""A file of recorded exchanges: JSON lines, one exchange each, that can be read and compared like source text.

An exchange is found by what was asked alone, so a recording is good on any machine, at any time and under
any name of the model. What failed is recorded as well, and made again by the next recording.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, Literal, NoReturn, TypeAlias

import anyio

from rag import errors
from rag.errors import ConfigError, RagError

__all__ = ["Exchange", "Exchanges", "Mode", "NotRecorded", "failure", "key_of", "raise_failure", "short"]

Exchange: TypeAlias = dict[str, Any]
Mode: TypeAlias = Literal["replay", "record"]

_SECRET: Final = re.compile(
    r"\b(?:sk|pk|rk)-[\w-]{8,}|\bBearer\s+[\w.~+/-]{8,}=*|(?<=//)[^\s/@:\"']*:[^\s/@\"']+(?=@)", re.IGNORECASE
)
_KEY: Final = re.compile(
    r"\b(?:(?:AKIA|ASIA)[A-Z0-9]{16}|gh[oprsu]_\w{16,}|github_pat_\w{16,}|xox[a-z]-[\w-]{8,}|AIza[\w-]{30,})"
)
"""Keys whose case is part of their shape: of AWS, GitHub, Slack and Google."""
_NAMED: Final = re.compile(
    r"\b((?:\w+_)?(?:api[_-]?key|access[_-]?key|token|secret|password|passwd|pwd)=)[^\s&\"',;]+", re.IGNORECASE
)
_BLOT: Final = "***"
_SHORT: Final = 120  # characters of a prompt that messages quote


class NotRecorded(BaseException):
    """What is asked for is not in the recording.

    It is no `Exception`, so that no fallback hides it: an answer made without the model would pass for the
    one that was recorded.
    """


class Exchanges:
    """The exchanges of a file, by what was asked.

    Args:
        path: the file; to record, it need not be there yet.
        mode: "record" adds to the file what it lacks, "replay" never does.
        secrets: texts to blot out of what is written, beside what looks like a key.

    Raises:
        ConfigError: the file cannot be read.
    """

    def __init__(self, path: str | Path, mode: Mode = "replay", secrets: Sequence[str] = ()) -> None:
        self.path = Path(path)
        self.recording = mode == "record"
        self._secrets = tuple(secret for secret in secrets if secret)
        self._known = _read(self.path) if self.path.exists() or not self.recording else {}
        self._played: set[str] = set()
        self._turns: dict[str, anyio.Lock] = {}
        self._met: dict[str, str] = {}  # the identity under which each prompt was asked for by this run

    def __len__(self) -> int:
        return len(self._known)

    def __iter__(self) -> Iterator[Exchange]:
        return iter(self._known.values())

    def turn(self, key: str) -> anyio.Lock:
        """Has equal asks wait for one another, so that the later ones are given what the first one brings."""
        return self._turns.setdefault(key, anyio.Lock())

    def find(self, key: str) -> Exchange | None:
        """The exchange of that key, if it can be played: while recording, what failed is to be made again."""
        found = self._known.get(key)
        if found is None or (self.recording and "error" in found):
            return None
        self._played.add(key)
        return found

    def add(self, exchange: Exchange) -> None:
        """Write an exchange to the file; one of the same key goes before those that were there."""
        self._known[exchange["key"]] = exchange
        self._played.add(exchange["key"])
        with open(self.path, "a", encoding="utf-8", opener=_own) as file:  # Path.open takes no opener
            file.write(json.dumps(exchange, ensure_ascii=False) + "\n")

    def met(self, prompt: str) -> None:
        """Take note of a prompt, by its identity, that is asked for."""
        self._met[_name(prompt)] = prompt

    def missing(self, what: str) -> NoReturn:
        """Tell that there is no such exchange.

        Raises:
            NotRecorded: always.
        """
        stale = "".join(f"; {line}" for line in self.stale())
        raise NotRecorded(
            f"recording {self.path} has no exchange for {what}: a prompt, a question or a source has changed{stale}."
            " Record again with the real model and the real sources; delete the file first to record all of it anew"
        )

    def stale(self) -> tuple[str, ...]:
        """A line for each prompt that has changed since it was recorded, of those that were asked for here."""
        counts = Counter(str(exchange["prompt"]) for exchange in self if exchange.get("prompt"))
        now = {prompt: self._met.get(_name(prompt), prompt) for prompt in counts}
        # Where the present text is recorded too, the file was completed, and the older lines are only out of use.
        return tuple(
            f"stale: {counts[prompt]} exchange{'s' if counts[prompt] > 1 else ''} of the prompt {prompt}, now {present}"
            for prompt, present in sorted(now.items())
            if present != prompt and present not in counts
        )

    def unplayed(self) -> tuple[str, ...]:
        """What was asked, cut short, of each recorded exchange that nobody asked for.

        A test that holds it to be empty keeps the file free of what is out of use.
        """
        left = (exchange for key, exchange in self._known.items() if key not in self._played)
        return tuple(_asked(exchange) for exchange in left if "messages" in exchange or "source" in exchange)

    def blotted(self, value: Any) -> Any:
        """The value, in whose texts secrets are blotted out."""
        if isinstance(value, str):
            for secret in self._secrets:
                value = value.replace(secret, _BLOT)
            return _NAMED.sub(rf"\1{_BLOT}", _KEY.sub(_BLOT, _SECRET.sub(_BLOT, value)))
        if isinstance(value, dict):
            return {name: self.blotted(item) for name, item in value.items()}
        return [self.blotted(item) for item in value] if isinstance(value, list) else value


def _asked(exchange: Exchange) -> str:
    """What an exchange answers, in a few words."""
    if "messages" in exchange:
        return short(exchange["messages"][-1]["content"])
    return short(f"{exchange['source']}: {json.dumps(exchange.get('args', exchange.get('question')))}")


def short(text: str) -> str:
    """The end of a text, on one line."""
    line = " ".join(text.split())
    return line if len(line) <= _SHORT else f"…{line[-_SHORT:]}"


def key_of(value: Any, salt: str = "") -> str:
    """Sixteen hex digits for what is asked; a salt keeps apart what is asked several times over."""
    value = [value, salt] if salt else value
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]


def failure(error: Exception) -> dict[str, Any]:
    """An error as it is recorded."""
    return {"type": type(error).__name__, "text": str(error) if isinstance(error, RagError) else repr(error)}


def raise_failure(told: dict[str, Any], other: type[RagError]) -> NoReturn:
    """Raise a recorded error again; it is not tried again, as the recording has what came in the end.

    Raises:
        RagError: of the recorded type, or of the other where that is none of the framework's.
    """
    kind = getattr(errors, told["type"], other) if told["type"] in errors.__all__ else other
    raise kind(told["text"])


def _own(path: str, flags: int) -> int:
    """Opens a file that, where it is new, its owner alone can read."""
    return os.open(path, flags, 0o600)


def _name(prompt: str) -> str:
    return prompt.partition("@")[0]


def _read(path: Path) -> dict[str, Exchange]:
    try:
        lines = path.read_text(encoding="utf-8").split("\n")  # splitlines would split at U+2028 within a text
        exchanges = [json.loads(line) for line in lines if line.strip()]
        return {exchange["key"]: exchange for exchange in exchanges}
    except OSError as error:
        raise ConfigError(f"recording {path} cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"recording {path} is damaged, record it anew: {error}") from error
