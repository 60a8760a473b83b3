"""The values that pass between the rooms: frozen, and said once.

Conventions that hold everywhere: `score` is higher for better; `rank` counts from 0; ties are
broken by `doc_id`, then `chunk_id`; spans are half-open (start, end) in characters; times are aware
datetimes; seconds and USD are floats.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, JsonValue

from rag.card import ScopeField
from rag.plan import Plan
from rag.trace import Trace
from rag.verdict import Verdict

__all__ = [
    "Answer",
    "Budget",
    "Citation",
    "Event",
    "Evidence",
    "EvidenceItem",
    "Hit",
    "Passage",
    "Scope",
    "Turn",
    "Usage",
]


def _with_zone(at: datetime) -> datetime:
    if at.utcoffset() is None:
        raise ValueError("has no time zone: write datetime(…, tzinfo=UTC), or tzinfo=ZoneInfo('Europe/Berlin')")
    return at


_Aware: TypeAlias = Annotated[datetime, AfterValidator(_with_zone)]


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Passage(_Value):
    """A piece of text that a reader reads, and where it came from.

    `doc_id` names the document, `chunk_id` the piece (`doc_id#n`), `span` its place in the
    document's text. `source` is the name of the source that brought it.
    """

    doc_id: str
    chunk_id: str
    title: str = ""
    text: str
    source: str = ""
    span: tuple[int, int] | None = None
    metadata: dict[str, JsonValue] = Field(default_factory=dict)


class Hit(_Value):
    """A passage in a ranking."""

    passage: Passage
    score: float
    rank: int = Field(ge=0)


class EvidenceItem(_Value):
    """A passage with the step, round and query that found it; `fields` keeps the row it was made from."""

    passage: Passage
    step_id: str
    round: int = 1
    query: str = ""
    score: float | None = None
    fields: dict[str, Any] = Field(default_factory=dict)

    @property
    def key(self) -> tuple[str, str]:
        """What makes two items the same: the source and the chunk."""
        return (self.passage.source, self.passage.chunk_id)


class Evidence(_Value):
    """What the steps found, in step order, then row order; one item for each (source, chunk)."""

    items: tuple[EvidenceItem, ...] = ()

    def merged(self, *others: Evidence) -> Evidence:
        """This evidence followed by what the others add; the first finder of a passage stays.

        Example:
            >>> one = EvidenceItem(passage=Passage(doc_id="d", chunk_id="d#0", text="x"), step_id="s1")
            >>> len(Evidence(items=(one,)).merged(Evidence(items=(one,))).items)
            1
        """
        found: dict[tuple[str, str], EvidenceItem] = {}
        for evidence in (self, *others):
            for item in evidence.items:
                found.setdefault(item.key, item)
        return Evidence(items=tuple(found.values()))

    def of_step(self, step_id: str) -> Evidence:
        """What one step found."""
        return Evidence(items=tuple(item for item in self.items if item.step_id == step_id))

    def best_first(self) -> Evidence:
        """The same items: the best of each step of a round, then the second of each, and so on."""
        seen: Counter[tuple[int, str]] = Counter()
        ranked = list[tuple[int, EvidenceItem]]()
        for item in self.items:
            seen[item.round, item.step_id] += 1
            ranked.append((seen[item.round, item.step_id], item))
        return Evidence(items=tuple(item for _, item in sorted(ranked, key=lambda each: each[0])))

    def __len__(self) -> int:
        return len(self.items)

    def __bool__(self) -> bool:
        return bool(self.items)


class Citation(_Value):
    """One [n] of an answer: its passage, the quote that bears it out, and its place in the answer.

    `supported` is None when nobody checked whether the passage says so.
    """

    n: int = Field(ge=1)
    passage: Passage
    quote: str = ""
    start: int = 0
    end: int = 0
    supported: bool | None = None


class Usage(_Value):
    """What an answer cost. `estimated` says that some of the token counts are our estimate.

    `cached_tokens` are a part of `prompt_tokens`, and `reasoning_tokens` of `completion_tokens`;
    `embedding_tokens` were read by an embedder behind an endpoint, and stand beside them.
    """

    model_calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    reasoning_tokens: int = 0
    embedding_tokens: int = 0
    usd: float | None = None
    seconds: float = 0.0
    source_calls: int = 0
    estimated: bool = False

    def __add__(self, other: Usage) -> Usage:
        """The sum; `usd` is None only when neither knows it."""
        known = [u for u in (self.usd, other.usd) if u is not None]
        added = Usage.model_fields.keys() - {"usd", "estimated"}
        counts = {name: getattr(self, name) + getattr(other, name) for name in added}
        return Usage(**counts, usd=sum(known) if known else None, estimated=self.estimated or other.estimated)

    def __str__(self) -> str:
        from rag.display import cost

        return cost(self)

    @property
    def tokens(self) -> int:
        """Prompt and completion tokens together."""
        return self.prompt_tokens + self.completion_tokens


class Budget(_Value):
    """What a question may cost at most; None is no limit.

    `model_calls` and `calls_per_source` count each request, retries among them.
    """

    model_calls: int | None = Field(default=None, ge=0)
    tokens: int | None = Field(default=None, ge=0)
    seconds: float | None = Field(default=None, gt=0, allow_inf_nan=False)
    usd: float | None = Field(default=None, ge=0, allow_inf_nan=False)
    calls_per_source: int | None = Field(default=None, ge=0)


class Scope(_Value):
    """Whose data a question may see. Every field that is set must match; "" is refused, as it would set none."""

    tenant: str | None = Field(default=None, min_length=1)
    user: str | None = Field(default=None, min_length=1)
    as_of: _Aware | None = None
    labels: frozenset[str] = frozenset()

    @property
    def in_use(self) -> frozenset[ScopeField]:
        """The fields that are set.

        Example:
            >>> sorted(Scope(tenant="acme", user="ann").in_use)
            ['tenant', 'user']
        """
        names: tuple[ScopeField, ...] = ("tenant", "user", "as_of", "labels")
        return frozenset(name for name in names if getattr(self, name))


class Turn(_Value):
    """One thing said in a conversation.

    `zone` is the IANA name of the zone it was said in; `at` is aware.
    """

    turn_id: str = ""
    role: Literal["user", "assistant", "tool"] | None = None
    speaker: str = ""
    text: str
    at: _Aware | None = None
    zone: str = "UTC"
    session: str | None = None
    metadata: dict[str, JsonValue] = Field(default_factory=dict)


class Answer(_Value):
    """What came of a question: the text, what bears it out, and how it came about.

    `partial` says that something that was needed is missing; `notes` says what, and tells
    fallbacks, repairs and whether a model was used; `verdict`, where it was checked, what is borne out.
    """

    text: str
    question: str = ""
    citations: tuple[Citation, ...] = ()
    evidence: Evidence = Evidence()
    plan: Plan = Plan()
    usage: Usage = Usage()
    trace: Trace = Trace()
    verdict: Verdict | None = None
    partial: bool = False
    notes: tuple[str, ...] = ()

    @property
    def cited(self) -> tuple[Citation, ...]:
        """One citation for each number, in order: the list that stands below an answer."""
        first = {citation.n: citation for citation in reversed(self.citations)}
        return tuple(first[n] for n in sorted(first))

    def __str__(self) -> str:
        """The text, its numbered sources, whether it is partial, and the notes.

        Example:
            >>> print(Answer(text="Two days.", partial=True, notes=("'s2' timed out",)))
            Two days.
            partial: something that was needed is missing
            note: 's2' timed out
        """
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        from rag.shown import on_a_line, printable

        # What sources and models wrote may command a terminal, or start a line that looks like a citation.
        yield printable(self.text)
        if self.cited:
            yield ""
        for citation in self.cited:
            passage = citation.passage
            yield on_a_line(f"[{citation.n}] {passage.title or passage.doc_id} ({passage.source}: {passage.doc_id})")
        if self.partial:
            yield "partial: something that was needed is missing"
        for note in self.notes:
            yield on_a_line(f"note: {note}")

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        from rag.display import answer_html

        return {"text/plain": str(self), "text/html": answer_html(self)}


class Event(_Value):
    """One thing that happened while a question was answered, in the order of `seq`.

    Payload by kind: "plan" has `plan`; "step_started" has `step_id`; "step_finished" has `step_id`
    and `payload` with rows and status; "token" has `text`; "answer" has `answer`; "error" has `text`.
    """

    kind: Literal["plan", "step_started", "step_finished", "token", "answer", "error"]
    seq: int
    at: datetime
    span_id: str | None = None
    step_id: str | None = None
    text: str = ""
    plan: Plan | None = None
    answer: Answer | None = None
    payload: dict[str, JsonValue] = Field(default_factory=dict)
