"""Questions that the rules cannot make stand by themselves, put to a model."""

from __future__ import annotations

import re
from collections.abc import Generator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from prompts.inert import on_one_line
from rag.memory.context import abstains
from rag.protocols import Action, Complete, Completion, Observation, Planner, Task
from rag.types import Answer, Turn

__all__ = ["Standalone"]

_TURNS: Final = 6
_TURN_LENGTH: Final = 400  # characters
_MOST_TOKENS: Final = 120
_OURS: Final = 0.6  # of the rewritten question's words: those that were said
_NOT_REWRITTEN: Final = "the question leans on what was said before, and the model made no question of the two"


@dataclass(frozen=True, slots=True)
class Standalone:
    """A planner that is given questions which stand by themselves.

    Where a question leans on the turns before it and the rules of `rag.memory.context` find nothing there to
    put in its place, the model rewrites it, in one call; the answer's notes tell how. What the model makes up
    is not used: most words of the rewritten question must have been said.
    """

    planner: Planner

    def plan(self, task: Task) -> Generator[tuple[Action, ...], tuple[Observation, ...], Answer]:
        """The planner's own actions, after the one that rewrites the question where that is needed."""
        if not (task.model and abstains(task.question, task.turns, task.now)):
            return (yield from self.planner.plan(task))
        (seen,) = yield (_request(task),)
        question = _rewritten(seen, task)
        note = _NOT_REWRITTEN if question is None else f"the question was read as {question!r}"
        answer = yield from self.planner.plan(replace(task, question=question or task.question))
        notes = answer.notes if question == task.question else (note, *answer.notes)
        return answer.model_copy(update={"question": task.question, "notes": notes})


def _request(task: Task) -> Complete:
    said = "\n".join(f"{_who(turn)}: {on_one_line(turn.text, _TURN_LENGTH)}" for turn in task.turns[-_TURNS:])
    values = {"conversation": said, "question": on_one_line(task.question, _TURN_LENGTH)}
    return Complete("standalone", values, max_tokens=_MOST_TOKENS)


def _who(turn: Turn) -> str:
    return on_one_line(turn.speaker or turn.role or "user", 80)


def _rewritten(seen: Observation, task: Task) -> str | None:
    """The question that the model wrote; None where it failed, or wrote something else."""
    if not isinstance(seen, Completion) or seen.finish != "stop":
        return None
    text = seen.text.strip().strip('"').strip()
    words, said = _words([text]), set(_words([task.question, *(turn.text for turn in task.turns)]))
    if "\n" in text or not words or sum(word in said for word in words) < _OURS * len(words):
        return None
    return text


def _words(texts: Sequence[str]) -> list[str]:
    return [word for text in texts for word in re.findall(r"\w+", text.casefold())]
