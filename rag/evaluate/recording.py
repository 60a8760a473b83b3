"""Recordings of whole assistants: what their model and their sources were asked, and what they answered."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from pydantic_core import from_json, to_json

from rag.card import SourceCard
from rag.errors import SourceError
from rag.evaluate.cassettes import Cassette
from rag.evaluate.exchanges import Exchange, Exchanges, Mode, failure, key_of, raise_failure
from rag.protocols import Model, Relevant, Row, Source
from rag.run.binding import close
from rag.run.meter import metered, used
from rag.types import Scope, Usage

if TYPE_CHECKING:
    from rag.assistant import Assistant

__all__ = ["Recording"]

_CLOCK: Final = "clock"


class Recording:
    """A file of all that assistants exchange with their models and sources, to be recorded or played back.

    A replay calls no model and no source, and tells the time of the recording, which prompts hold; memories
    and embedders, which lie in the process, work as ever. What it lacks is a `NotRecorded`, never another answer.

    Args:
        path: the file, JSON lines.
        mode: "record" adds what the file lacks, "replay" only plays.
        secrets: texts to blot out of what is written, beside what looks like a key.

    Raises:
        ConfigError: the file cannot be read.

    Example:
        >>> import tempfile, rag
        >>> path = Path(tempfile.mkdtemp()) / "run.jsonl"
        >>> def reviews(product: str) -> str:
        ...     return f"The {product} is loud."
        >>> asked = rag.Assistant([rag.source("reviews", reviews, about="reviews of products")])
        >>> recorded = Recording(path, "record").assistant(asked).ask("Is the kettle loud?")
        >>> replayed = Recording(path).assistant(asked).ask("Is the kettle loud?")
        >>> recorded.text == replayed.text, len(Recording(path)) > 0
        (True, True)
    """

    def __init__(self, path: str | Path, mode: Mode = "replay", secrets: Sequence[str] = ()) -> None:
        self._file = Exchanges(path, mode, secrets)

    def __repr__(self) -> str:
        return f"Recording({str(self._file.path)!r}, {len(self)} exchanges)"

    def __len__(self) -> int:
        return len(self._file)

    @property
    def replays(self) -> bool:
        """Whether it only plays what is there."""
        return not self._file.recording

    @property
    def told(self) -> tuple[str, bool]:
        """Its file, and whether it only plays what is there."""
        return str(self._file.path.resolve()), self.replays

    def assistant(self, assistant: Assistant, seed: int = 0) -> Assistant:
        """The assistant with its model and sources recorded, or played back; a seed keeps its runs apart."""
        model = assistant.model
        return assistant.replaced(
            sources=[self.source(source) for source in assistant.sources],
            model=None if model is None else self.model(model, seed),
            clock=self._clock(assistant.clock),
        )

    def model(self, model: Model, seed: int = 0) -> Cassette:
        """The model, recorded or played back."""
        return Cassette(self._file, model, salt=str(seed) if seed else "")

    def source(self, source: Source) -> Source:
        """The source, recorded or played back."""
        return _TellingSource(source, self._file) if isinstance(source, Relevant) else _Source(source, self._file)

    def stale(self) -> tuple[str, ...]:
        """A line for each prompt that has changed since it was recorded, of those that were asked for so far."""
        return self._file.stale()

    def unplayed(self) -> tuple[str, ...]:
        """What was asked, cut short, of each recorded exchange that nobody has asked for so far."""
        return self._file.unplayed()

    def _clock(self, clock: Callable[[], datetime]) -> Callable[[], datetime]:
        """Tells one time, since prompts have the date, and exchanges are found by their prompts."""
        found = self._file.find(_CLOCK)
        if found is None:
            at = clock()
            if self._file.recording:
                self._file.add({"key": _CLOCK, "at": at.isoformat()})
        else:
            at = datetime.fromisoformat(found["at"])
        return lambda: at


class _Source:
    """A source whose calls are recorded or played back."""

    def __init__(self, source: Source, file: Exchanges) -> None:
        self._source, self._file = source, file

    @property
    def card(self) -> SourceCard:
        return self._source.card

    async def call(self, args: Mapping[str, Any], scope: Scope) -> Sequence[Row]:
        plain = _plain(args)
        rows: Sequence[Row] = await self._exchanged("args", plain, scope, lambda: self._source.call(args, scope))
        return rows

    async def aclose(self) -> None:
        await close(self._source)

    async def _exchanged(self, kind: str, asked: Any, scope: Scope, call: Callable[[], Awaitable[Any]]) -> Any:
        asked = self._file.blotted(asked)
        name = self.card.name
        key = key_of([name, kind, asked, scope.model_dump(mode="json")])
        async with self._file.turn(key):
            found = self._file.find(key)
            if found is None:
                if not self._file.recording:
                    self._file.missing(f"the source {name!r} asked {asked}")
                return await self._recorded({"key": key, "source": name, kind: asked}, call)
        for told in found.get("used", ()):
            used(told["model"], Usage.model_validate(told["usage"]))
        if "error" in found:
            raise_failure(found["error"], SourceError)
        return found["found"]

    async def _recorded(self, exchange: Exchange, call: Callable[[], Awaitable[Any]]) -> Any:
        spent: list[tuple[str, Usage]] = []  # by embedders and rerankers within the source
        try:
            with metered(lambda model, usage: spent.append((model, usage))):
                # As it will be played back, so that a run and its replay read the same.
                exchange["found"] = self._file.blotted(_plain(await call()))
        except Exception as error:  # sources are other people's code, and what they raise is part of the run
            exchange["error"] = failure(error)
            raise
        finally:
            for model, usage in spent:
                used(model, usage)
            if spent:
                exchange["used"] = [{"model": m, "usage": u.model_dump(exclude_defaults=True)} for m, u in spent]
            if "found" in exchange or "error" in exchange:  # else it was cancelled, and is as if never asked
                self._file.add(self._file.blotted(exchange))
        return exchange["found"]


class _TellingSource(_Source):
    """A source of which also how much it may hold is recorded or played back."""

    async def relevance(self, question: str, scope: Scope) -> float:
        telling = self._source
        if not isinstance(telling, Relevant):
            raise SourceError(f"{self.card.name} cannot tell how much it may hold", source=self.card.name)
        found = await self._exchanged("question", question, scope, lambda: telling.relevance(question, scope))
        return float(found)


def _plain(value: Any) -> Any:
    return from_json(to_json(value, fallback=str, bytes_mode="base64", inf_nan_mode="strings"))
