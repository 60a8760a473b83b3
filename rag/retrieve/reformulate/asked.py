"""What models are asked for in a reformulation, and what is taken from their replies."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from rag.protocols import Model
from rag.read.fence import render_passages
from rag.run.meter import used
from rag.run.prompting import render
from rag.types import EvidenceItem, Hit

__all__ = ["asked", "lines_of", "shown"]

_LONGEST: Final = 1_500  # characters of a passage that a model is shown
_MOST: Final = 4_000  # characters of a reply that are looked at
_BULLET: Final = re.compile(r"^\s*(?:[-*•–]|\(?\d{1,2}[.):])\s*")
_THOUGHT: Final = re.compile(r"<think>.*?(?:</think>|\Z)", re.S)


async def asked(model: Model, prompt: str, values: Mapping[str, str], prompts: Path | None, *, max_tokens: int) -> str:
    """What the model writes, less what it only thinks aloud.

    Raises:
        ModelError: the call failed.
        PromptError: the prompt cannot be filled.
    """
    messages, _ = render(prompt, values, prompts)
    reply = await model.complete(messages, max_tokens=max_tokens)
    used(model.name, reply.usage.model_copy(update={"model_calls": 1}))
    # Halves of surrogate pairs cannot be encoded by what searches.
    text = reply.text[:_MOST].encode("utf-8", "replace").decode("utf-8")
    return _THOUGHT.sub("", text).strip()


def lines_of(text: str) -> list[str]:
    r"""The lines of a reply that say something, without bullets, numbers and quotes around them.

    Example:
        >>> lines_of('1. "Who led it?"\n\n- Where was he born?')
        ['Who led it?', 'Where was he born?']
    """
    lines = [_BULLET.sub("", line).strip().strip("\"'“”") for line in text.splitlines()]
    return [line for line in lines if any(map(str.isalnum, line))]


def shown(hits: Sequence[Hit]) -> str:
    """Hits as a prompt shows them, each in its fence."""
    short = [hit.passage.model_copy(update={"text": hit.passage.text[:_LONGEST]}) for hit in hits]
    return render_passages([EvidenceItem(passage=passage, step_id="") for passage in short])
