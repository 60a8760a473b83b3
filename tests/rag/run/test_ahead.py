"""Steps that begin while the model still writes their plan."""

from __future__ import annotations

import asyncio

import anyio
import pytest

import rag
from rag.card import SourceCard, free_query
from rag.errors import SourceError
from rag.plan import Step
from rag.protocols import Reply
from rag.run.ahead import calls_ahead
from rag.run.bridge import run
from rag.types import Budget, Scope, Usage

S1 = '{"id": "s1", "source": "docs", "args": {"query": "leave"}}'
S2 = '{"id": "s2", "source": "news", "args": {"query": "on $s1[0].title"}}'


class Writer:
    """A model that writes a plan in pieces, and goes on only when the sources have been asked so far."""

    name = "writer"

    def __init__(self, *pieces, until=()):
        self.pieces, self.until, self.written, self.streamed = pieces, until, [], []

    async def complete(self, messages, *, schema=None, max_tokens=None, on_token=None):
        if schema is None:
            return Reply("Ten days [1].")
        self.streamed.append(on_token is not None)
        for piece, asked in zip(self.pieces, [*self.until, *[None] * len(self.pieces)], strict=False):
            if on_token:
                on_token(piece)
            if asked:
                await asyncio.wait_for(asked.wait(), 5)
            self.written.append(piece)
        return Reply("".join(self.pieces))

    async def aclose(self):
        pass


class Source:
    """A source that tells when it was asked, and what the model had written by then."""

    def __init__(self, name, writer=None, error=None, **card):
        self.card = SourceCard(name=name, about=f"{name} on leave", arguments=free_query(), shared=True, **card)
        self.asked, self.calls, self.error = asyncio.Event(), [], error

    async def call(self, args, scope):
        self.calls.append(args["query"])
        self.asked.set()
        if self.error:
            raise self.error
        return [{"title": "Leave", "text": "Ten days of leave."}]


def answered(writer, *sources, **how):
    options = {"cache": how.pop("cache", True)}
    return run(rag.Assistant(sources, model=writer, **options).aask, "How long is the leave?", **how)


def test_a_step_begins_before_the_plan_has_ended():
    docs, news = Source("docs"), Source("news")
    # The model writes no further before each source has been asked: without an early start this would time out.
    writer = Writer('{"steps": [' + S1, ", " + S2, "]}", until=[docs.asked, news.asked])
    answer = answered(writer, docs, news)
    assert docs.calls == ["leave"]
    assert news.calls == ["on Leave"]
    assert not answer.partial
    assert answer.usage.source_calls == 2
    assert [answer.plan.ran[step].hits for step in ("s1", "s2")] == [1, 1]


def test_what_a_step_brought_early_is_not_asked_for_again_and_stands_in_the_trace():
    docs = Source("docs")
    answer = answered(Writer('{"steps": [' + S1, "]}", until=[docs.asked]), docs)
    names = {span.span_id: span for span in answer.trace}
    early, late = (names[span.parent] for span in answer.trace if span.kind == "source")
    assert docs.calls == ["leave"]
    assert (early.attributes.get("ahead"), late.attributes.get("ahead")) == (True, None)
    assert names[early.parent].kind == "model"


@pytest.mark.parametrize(
    "how",
    [{"budget": Budget(calls_per_source=5)}, {"budget": Budget(usd=1.0)}, {"cache": False}],
    ids=["calls", "money", "no cache"],
)
def test_nothing_begins_early_where_the_whole_plan_must_be_seen_first_or_calls_are_not_shared(how):
    docs = Source("docs")
    writer = Writer('{"steps": [' + S1, "]}")
    answered(writer, docs, **how)
    assert docs.calls == ["leave"]
    assert writer.streamed == [False]


def test_a_source_that_may_not_be_asked_in_vain_waits_for_the_whole_plan():
    docs = Source("docs", idempotent=False)
    seen = []

    class Watched(Writer):
        async def complete(self, messages, **how):
            reply = await super().complete(messages, **how)
            seen.append(list(docs.calls))
            return reply

    answered(Watched('{"steps": [' + S1, "]}"), docs)
    assert seen[0] == []
    assert docs.calls == ["leave"]


def test_a_call_begun_early_that_fails_fails_its_step_once():
    docs, news = Source("docs", error=SourceError("down")), Source("news")
    other = ', {"id": "s2", "source": "news", "args": {"query": "x"}}]}'
    answer = answered(Writer('{"steps": [' + S1, other, until=[docs.asked]), docs, news)
    assert docs.calls == ["leave"]
    assert answer.partial
    assert sum("down" in note for note in answer.notes) == 1


async def test_steps_of_a_plan_that_is_written_again_are_begun_anew(new_bench):
    bench = new_bench()
    docs = bench.source("docs", [{"title": "T"}])
    bench.source("news", [])
    calls = bench.calls()
    first, second = (Step(id="s1", source="docs", args={"query": query}) for query in ("one", "two"))
    async with calls_ahead(calls.cards, calls, bench.trace) as ahead:
        for step in (first, second):
            writing = ahead.writing()
            writing.begin([step, Step(id="s2", source="news", args={"query": "x"}, after=("s1",))])
            await anyio.wait_all_tasks_blocked()
            writing.close()
    assert [call["query"] for call in docs.calls] == ["one", "two"]


async def test_no_call_begins_ahead_once_the_plan_is_whole(bench):
    docs, calls = bench.source("docs", []), bench.calls()
    async with calls_ahead(calls.cards, calls, bench.trace) as ahead:
        writing = ahead.writing()
        writing.begin([Step(id="s1", source="docs", args={"query": "late"})])
        writing.close()
        await anyio.wait_all_tasks_blocked()
    assert docs.calls == []


async def test_no_call_begins_ahead_that_cannot_end_in_time(new_bench):
    bench = new_bench(budget=Budget(seconds=5))
    slow, calls = bench.source("docs", [], cost={"seconds": 10}), bench.calls()
    async with calls_ahead(calls.cards, calls, bench.trace) as ahead:
        ahead.writing().begin([Step(id="s1", source="docs", args={"query": "x"})])
        await anyio.wait_all_tasks_blocked()
    assert slow.calls == []


async def test_an_error_that_a_step_has_met_is_not_that_of_a_later_call(bench):
    errors = [SourceError("down")]

    async def flaky(**_):
        if errors:
            raise errors.pop()
        return [{"text": "up"}]

    bench.source("docs", flaky)
    calls = bench.calls()
    with pytest.raises(SourceError):
        await calls.rows("docs", {}, step_id="s1", ahead=True)
    with pytest.raises(SourceError):
        await calls.rows("docs", {}, step_id="s1")
    assert await calls.rows("docs", {}, step_id="s1") == [{"text": "up"}]


def test_calls_that_the_plan_turns_out_not_to_need_are_ended():
    stopped = []

    class Endless(Source):
        async def call(self, args, scope):
            self.asked.set()
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                stopped.append(args["query"])
                raise

    endless, docs = Endless("docs"), Source("news")
    # The plan's second step shares the id of the first, which makes the whole of it another plan.
    text = '{"steps": [{"id": "s1", "source": "docs", "args": {"query": "leave"}}'
    writer = Writer(text, " broken", until=[endless.asked])
    answer = run(
        rag.Assistant([endless, docs], model=writer).aask, "What is new in the news?", budget=Budget(seconds=3)
    )
    assert stopped
    assert answer.text


def test_an_earlier_step_of_another_tenant_is_never_joined():
    docs = Source("docs", enforces=frozenset({"tenant"}))
    assistant = rag.Assistant([docs], model=Writer('{"steps": [' + S1 + "]}"))

    async def both():
        scopes = [Scope(tenant="a"), Scope(tenant="b")]
        return await asyncio.gather(*(assistant.aask("How long is the leave?", scope=scope) for scope in scopes))

    run(both)
    assert docs.calls == ["leave", "leave"]


async def test_a_model_that_answered_at_once_is_not_asked_to_stream_its_next_plan():
    class Quick(Writer):
        """A writer that tells how little time it takes."""

        async def complete(self, messages, **options):
            reply = await super().complete(messages, **options)
            return Reply(reply.text, Usage(seconds=0.01))

    writer = Quick('{"steps": [' + S1, "]}")
    assistant = rag.Assistant([Source("docs")], model=writer)
    for question in ("How long is the leave?", "Who may take leave?"):
        await assistant.aask(question)
    assert writer.streamed == [True, False]
