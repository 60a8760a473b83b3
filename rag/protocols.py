"""The seams: what a source, a model, an embedder and a planner must offer, and how planners speak.

A planner does no input or output. It is a generator: it yields a tuple of actions, which the driver
performs together, and is sent a tuple of observations, one for each, in the same order; an action that
failed is observed as `Failed`. It returns the `Answer`, to which the driver adds usage and trace.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeAlias, runtime_checkable

from rag.card import Schema, SourceCard
from rag.errors import RagError
from rag.plan import Plan, Step
from rag.types import Answer, Budget, Citation, Evidence, Scope, Turn, Usage
from rag.verdict import Verdict

if TYPE_CHECKING:
    import numpy as np

__all__ = [
    "Action",
    "Assess",
    "Complete",
    "Completion",
    "Draft",
    "Embedder",
    "EmbedsQueries",
    "Example",
    "Execute",
    "Executed",
    "Failed",
    "Form",
    "Message",
    "Model",
    "Observation",
    "Planner",
    "Probe",
    "Read",
    "Relevance",
    "Relevant",
    "Reply",
    "Row",
    "Source",
    "Steps",
    "Task",
]

Row: TypeAlias = dict[str, Any]
"""What a source returns: named fields. `text` and `title` are what a reader reads."""


@runtime_checkable
class Source(Protocol):
    """Something that can be asked."""

    @property
    def card(self) -> SourceCard:
        """What planners are told of the source."""
        ...

    async def call(self, args: Mapping[str, Any], scope: Scope) -> Sequence[Row]:
        """The rows for these arguments, best first, seen by this scope alone.

        Raises:
            SourceError: the source failed; `retryable` says whether another try may help.
        """
        ...


@runtime_checkable
class Relevant(Protocol):
    """An ability of a source: to say, before any plan, how much it may hold on a question."""

    async def relevance(self, question: str, scope: Scope) -> float:
        """How well the source's content meets the question, from 0 (not at all) to 1."""
        ...


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a model's prompt."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class Reply:
    """What a model wrote, and what that cost; `finish` is "length" when it was cut short."""

    text: str
    usage: Usage = field(default_factory=Usage)
    finish: str = "stop"


@runtime_checkable
class Model(Protocol):
    """A language model.

    One whose replies depend on more than its class and name (an address, a temperature) says so in a text
    `identity`, if it has one: what it answered is kept under that.
    """

    @property
    def name(self) -> str:
        """The model's name, as traces and price tables have it."""
        ...

    async def complete(
        self,
        messages: Sequence[Message],
        *,
        schema: Schema | None = None,
        max_tokens: int | None = None,
        on_token: Callable[[str], None] | None = None,
    ) -> Reply:
        """What the model writes after the messages.

        Args:
            messages: the prompt, oldest first.
            schema: a JSON schema that the text must fit, where the endpoint can see to it.
            max_tokens: the reply's size at most, in tokens.
            on_token: called with each piece of text as it arrives.

        Raises:
            ModelError: the call failed; `retryable` says whether another try may help.
        """
        ...

    async def aclose(self) -> None:
        """Let go of connections."""
        ...


@runtime_checkable
class Embedder(Protocol):
    """Turns texts into unit vectors."""

    @property
    def name(self) -> str:
        """Identity: vectors of embedders with different names are never compared."""
        ...

    @property
    def dimensions(self) -> int:
        """The length of each vector."""
        ...

    def embed(self, texts: Sequence[str]) -> np.ndarray[Any, np.dtype[np.float32]]:
        """Unit vectors, of shape (texts, dimensions).

        Raises:
            ModelError: the embedder's model or endpoint failed.
        """
        ...


@runtime_checkable
class EmbedsQueries(Protocol):
    """An ability of an embedder: to embed queries otherwise than passages, so that they meet."""

    def embed_queries(self, texts: Sequence[str]) -> np.ndarray[Any, np.dtype[np.float32]]:
        """Unit vectors of queries, of shape (texts, dimensions).

        Raises:
            ModelError: the embedder's model or endpoint failed.
        """
        ...


@dataclass(frozen=True, slots=True)
class Example:
    """A plan that worked for an earlier question, and how well it did."""

    question: str
    plan: Plan
    outcome: str = ""


@dataclass(frozen=True, slots=True)
class Task:
    """What a planner is given; the driver fills it before the planner starts.

    `question` is self-contained as far as the turns allow. `cards` are the sources that may be asked
    in this scope: the fittest, where there are many, and then `fit` says how well each fits the
    question, from 0 to 1. `turns` are the conversation's last ones, oldest first. `model` tells whether
    `Complete` can work. `left_out` says of the other sources, by name, why they may not be asked.
    `retrieve` is None where the planner decides whether anything is looked up; True and False decide
    for it. `replans` is how often the part of a plan that failed may be planned anew.
    """

    question: str
    cards: tuple[SourceCard, ...]
    now: datetime
    turns: tuple[Turn, ...] = ()
    scope: Scope = field(default_factory=Scope)
    budget: Budget = field(default_factory=Budget)
    model: bool = False
    left_out: Mapping[str, str] = field(default_factory=dict)
    retrieve: bool | None = None
    replans: int = 0
    fit: Mapping[str, float] = field(default_factory=dict)
    examples: tuple[Example, ...] = ()


@dataclass(frozen=True, slots=True)
class Complete:
    """Have the model answer the prompt of that name, filled with `values`.

    A reply of which `keep` says that it may be kept is given again for exactly the same prompt, schema,
    model and scope. `foresee` tells, of the text that has come so far, the steps that will be in the plan
    whatever follows: the driver begins their calls while the text still comes.
    """

    prompt: str
    values: Mapping[str, str]
    schema: Schema | None = None
    max_tokens: int | None = None
    keep: Callable[[str], bool] | None = None
    foresee: Callable[[str], tuple[Step, ...]] | None = None


@dataclass(frozen=True, slots=True)
class Probe:
    """Ask every source that can tell how much it may hold on the question, or on a part of it."""

    question: str


@dataclass(frozen=True, slots=True)
class Execute:
    """Run the plan, or, unless `exact`, what of it fits the budget; its evidence is marked with the round.

    With `done` it goes on where a run before it ended: the steps in it are not run, and have brought those rows.
    """

    plan: Plan
    round: int = 1
    done: Mapping[str, Sequence[Row]] | None = None
    exact: bool = False


Form: TypeAlias = Literal["answer", "short", "long", "yes/no", "claim"]
"""The form of a cited answer: a few sentences, a few words, some paragraphs, yes or no, or a verdict on a claim."""


@dataclass(frozen=True, slots=True)
class Read:
    """Have the reader answer from the evidence: cited, in a short chain of thought, or as talk that needs none."""

    question: str
    evidence: Evidence
    style: Literal["cited", "chain", "chat"] = "cited"


@dataclass(frozen=True, slots=True)
class Assess:
    """Have it checked whether the evidence is enough for the question, by a check of `rag.read.sufficiency`."""

    question: str
    evidence: Evidence
    by: str = "coverage"


Action: TypeAlias = Complete | Probe | Execute | Read | Assess


@dataclass(frozen=True, slots=True)
class Completion:
    """What `Complete` brought: the text, its length, the prompt's identity, and how the text ended."""

    text: str
    prompt_id: str = ""
    finish: str = "stop"
    tokens: int = 0


@dataclass(frozen=True, slots=True)
class Relevance:
    """What `Probe` brought: for each source that could tell, a score from 0 to 1."""

    scores: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Executed:
    """What `Execute` brought: the rows of each step that ended well, and why each other one brought no result.

    `down` names the sources that failed by themselves, rather than by what they were asked for; `model_calls`
    is how many calls of the model the question has made so far.
    """

    plan: Plan
    evidence: Evidence
    failures: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    rows: Mapping[str, Sequence[Row]] = field(default_factory=dict)
    down: frozenset[str] = frozenset()
    model_calls: int = 0


@dataclass(frozen=True, slots=True)
class Draft:
    """What a reader wrote, with its citations, from which evidence; `partial` where the notes tell of a lack.

    `verdict` is on a claim, where one was to be decided.
    """

    text: str
    citations: tuple[Citation, ...] = ()
    evidence: Evidence = field(default_factory=Evidence)
    notes: tuple[str, ...] = ()
    partial: bool = False
    verdict: Verdict | None = None


@dataclass(frozen=True, slots=True)
class Failed:
    """An action that could not be performed."""

    error: RagError


Observation: TypeAlias = Completion | Relevance | Executed | Draft | Verdict | Failed

Steps: TypeAlias = Generator[tuple[Action, ...], tuple[Observation, ...], Answer]


@runtime_checkable
class Planner(Protocol):
    """Decides what to ask, from a task and from what came back."""

    def plan(self, task: Task) -> Steps:
        """A generator of actions that returns the answer, as yet without usage and trace.

        Raises:
            RagError: thrown by the generator when no answer can be given at all.
        """
        ...
