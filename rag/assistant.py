"""The assistant: binds sources, model, memory and planner, and answers questions."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import logging
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from rag.closing import Closing
from rag.errors import ConfigError, RagError
from rag.memory.zones import here
from rag.plan import Plan
from rag.protocols import Form, Model, Planner, Source
from rag.run import bridge
from rag.run.binding import bind_model, bind_planner, bind_prices, bind_prompts, bind_sources, close
from rag.run.cache import opened_cache
from rag.run.conversation import Conversation
from rag.run.driver import Driver
from rag.run.effort import EffortName, effort_of
from rag.run.given import Given, changes
from rag.run.manner import Check, Manner, Unsupported
from rag.run.otel import forwarding
from rag.run.shortlist import Shortlist
from rag.run.task import Asked, check_question, make_task
from rag.run.tools import Tools
from rag.run.tracing import Tracer
from rag.sources.memory import remembering
from rag.types import Answer, Budget, Event, Scope, Turn

if TYPE_CHECKING:
    from rag.experience import ExperienceMemory
    from rag.memory import Memory
    from rag.settings import Settings

__all__ = ["Assistant", "aask", "ask"]

_log = logging.getLogger(__name__)


class Assistant(Closing):
    """Answers questions from several sources at once.

    It serves many questions at once, from several event loops, and from sync code, also where a
    loop runs already, as in Jupyter. Closing it closes the sources, the model, the memory and the
    experience that it was given, where they have `aclose` or `close`.

    Args:
        sources: what may be asked; names must differ.
        model: writes plans and answers; without one, rules plan and the answer is extracted.
        memory: keeps conversations, for `conversation=`, and is the source "memory" for questions about what
            was said: in all conversations of the scope's user, or in the one at hand where no user is named.
        effort: "none", "low", "medium" or "high": which planner, how many rounds, how often what failed
            is replanned, as `rag ask --help` lists them; each can be set by itself as well.
        planner: a name from the entry-point group `rag.planners`, or a planner; by default
            "reaper" with a model and "rules" without.
        rounds: with more than one, what is still missing is searched for again, until it is enough; with the
            planner "iter_retgen", each round's draft goes back as the next query.
        replans: how often the part of a plan that failed may be planned anew; 0 by default.
        cache: within a question, identical calls of a source are made once; across questions, results
            of sources that declare `cacheable` or a `ttl` are kept, and a model's plan for exactly the
            same prompt. A path keeps them in a file of this assistant's own, and vectors of sources, where
            there are many, beside it. False makes every call. What the memory forgets goes from it too.
        rewrite: has the model rewrite a question that leans on the turns before it ("and what does it cost?"), in
            one call more, where rules find nothing there to put in; a note says how the question was read. Without
            it, the model meets such a question only with the turns beside it.
        form: "answer" is a few cited sentences, "short" a few words, "long" some paragraphs; "yes/no" decides a
            question, and "claim" whether a claim is supported, refuted or not decided: see `Answer.verdict`.
        check: what holds each sentence against the passages that it cites, for `Citation.supported`: "words", and
            what they mean; "model", in one call more; None for nothing.
        unsupported: "mark" notes the sentences that do not hold; "drop" leaves them out, and then an answer is
            streamed in one piece, once it is checked.
        experience: keeps plans that worked, and shows planners those of like questions.
        prompts: a folder whose prompts go before those that ship.
        settings: by default, what the environment says.
        clock: what time it is, in the zone of those who ask, for words such as "yesterday"; by
            default the system's.

    Raises:
        ConfigError: the arguments cannot work together, or, with a question, the clock tells no zone.
    """

    def __init__(
        self,
        sources: Iterable[Source],
        *,
        model: Model | None = None,
        memory: Memory | None = None,
        effort: EffortName = "medium",
        planner: str | Planner | None = None,
        rounds: int | None = None,
        replans: int | None = None,
        cache: bool | Path | str = True,
        rewrite: bool = False,
        form: Form = "answer",
        check: Check | None = "words",
        unsupported: Unsupported = "mark",
        experience: ExperienceMemory | None = None,
        prompts: Path | str | None = None,
        settings: Settings | None = None,
        clock: Callable[[], datetime] = here,
    ) -> None:
        self._memory = memory
        self._settings = settings
        self._clock = clock
        worth = effort_of(effort, model=model is not None, planner=planner, rounds=rounds, replans=replans)
        self._planner = bind_planner(worth.planner, worth.rounds)
        if rewrite:
            from rag.memory.standalone import Standalone

            self._planner = Standalone(self._planner)
        self._replans = worth.replans
        self._tools = Tools(
            sources=bind_sources(sources),
            model=bind_model(model),
            prompts=bind_prompts(prompts, settings),
            once=cache is not False,
            kept=opened_cache(cache, getattr(memory, "copies", None)),
            experience=experience,
            manner=Manner(form, check, unsupported),
            prices=bind_prices(settings),
            shortlist=Shortlist(folder=None if isinstance(cache, bool) else Path(cache).parent),
        )

    @property
    def sources(self) -> tuple[Source, ...]:
        """The sources, in the order given."""
        return tuple(self._tools.sources.values())

    @property
    def memory(self) -> Memory | None:
        """What keeps conversations, if anything does."""
        return self._memory

    @property
    def model(self) -> Model | None:
        """What writes plans and answers, if anything does."""
        return self._tools.model

    @property
    def clock(self) -> Callable[[], datetime]:
        """What tells the time, in the zone of those who ask."""
        return self._clock

    def replaced(
        self,
        *,
        sources: Iterable[Source] | None = None,
        model: Model | None = None,
        clock: Callable[[], datetime] | None = None,
    ) -> Self:
        """This assistant with other sources, another model or another clock; the rest is shared by both.

        What has been kept across questions does not go with it: it came from the parts that are replaced.

        Raises:
            ConfigError: a source is none, or two share a name; or the model is none.
        """
        other, tools = copy.copy(self), self._tools
        other._clock = clock or self._clock
        other._tools = replace(
            tools,
            sources=tools.sources if sources is None else bind_sources(sources),
            model=tools.model if model is None else bind_model(model),
            kept=opened_cache(tools.kept is not None, getattr(self._memory, "copies", None)),
        )
        return other

    async def aask(
        self,
        question: str,
        *,
        conversation: str | None = None,
        turns: Sequence[Turn] = (),
        scope: Scope | None = None,
        budget: Budget | None = None,
        strict: bool = False,
        retrieve: bool | None = None,
    ) -> Answer:
        """The answer to a question.

        Args:
            question: at most 20,000 characters.
            conversation: the last turns of this conversation are the context, and the question and
                its answer are appended to it.
            turns: what was said before, oldest first, where no conversation keeps it.
            scope: whose data may be seen; sources that cannot keep to it are left out, with a note.
            budget: what may be spent; reaching it ends the work with what there is, and steps of a plan
                that cannot fit are left out. Only appending to the conversation is not cut short.
            strict: raise where a limit of the budget is reached, once the conversation has the answer.
            retrieve: whether anything is looked up; by default the planner decides, and a note says so.

        Raises:
            InputError: the question is empty or too long.
            ConfigError: a conversation was named, but there is no memory, or `turns` were given with it.
            BudgetExceeded: with `strict`; its `partial` is the answer of what there is.
            RagError: no answer can be given at all.
        """
        asked = Asked(question, conversation, tuple(turns), scope or Scope(), budget or Budget(), strict, retrieve)
        return await self._answered(asked)

    async def astream(
        self,
        question: str,
        *,
        conversation: str | None = None,
        turns: Sequence[Turn] = (),
        scope: Scope | None = None,
        budget: Budget | None = None,
        strict: bool = False,
        retrieve: bool | None = None,
    ) -> AsyncGenerator[Event, None]:
        """What happens while a question is answered, as it happens; the last event has the answer.

        Leaving the iteration early ends the work. Text of "token" events is provisional: when the
        model breaks off, the answer may be another text.

        Raises:
            RagError: as for `aask`; the event "error" comes before it.
        """
        asked = Asked(question, conversation, tuple(turns), scope or Scope(), budget or Budget(), strict, retrieve)
        events: asyncio.Queue[Event | None] = asyncio.Queue()
        work = asyncio.create_task(self._answered(asked, events.put_nowait))
        work.add_done_callback(lambda _: events.put_nowait(None))
        seq = -1
        try:
            while (event := await events.get()) is not None:
                seq = event.seq
                yield event
            try:
                await work
            except Exception as error:
                yield Event(kind="error", seq=seq + 1, at=datetime.now(UTC), text=str(error))
                raise
        finally:
            work.cancel()
            with contextlib.suppress(asyncio.CancelledError, Exception):  # raised above, or nobody's any more
                await work

    async def aplan(
        self,
        question: str,
        *,
        conversation: str | None = None,
        turns: Sequence[Turn] = (),
        scope: Scope | None = None,
        budget: Budget | None = None,
        retrieve: bool | None = None,
    ) -> Plan:
        """The plan that `aask` would run first: to look at, price, edit, save, and run.

        Steps that cannot fit the budget are left out, with a note.

        Raises:
            BudgetExceeded: nothing of the plan fits, or there was none in time.
            RagError: as for `aask`.
        """
        asked = Asked(question, conversation, tuple(turns), scope or Scope(), budget or Budget(), retrieve=retrieve)
        check_question(question)
        tracer = self._tracer(conversation)
        before = await self._said(asked).turns(asked.turns, seconds=asked.budget.seconds)
        return await self._driver(replace(asked, turns=before), tracer).first_plan(self._planner)

    async def arun(
        self,
        plan: Plan,
        *,
        question: str | None = None,
        scope: Scope | None = None,
        budget: Budget | None = None,
        strict: bool = False,
    ) -> Answer:
        """The answer that exactly this plan leads to.

        Without a question the plan's own is answered; when it has none either, the evidence is
        listed in step order. A source that has changed since the plan was saved is noted. A plan that
        cannot fit the budget is not run at all.

        Raises:
            PlanError: the plan does not fit the sources.
            ScopeError: the plan names a source that cannot keep to the scope.
            InputError: the question is empty or too long.
            BudgetExceeded: with `strict`, a limit was reached; its `partial` is the answer of what there is.
        """
        question = plan.question if question is None else question
        if question is not None:
            question = check_question(question)
        asked = Asked(question or "", scope=scope or Scope(), budget=budget or Budget(), strict=strict)
        driver = self._driver(asked, self._tracer())
        return await driver.answer(
            Given(plan, question, changes(plan, self._sources(asked, self._now()).values())), strict=strict
        )

    def ask(
        self,
        question: str,
        *,
        conversation: str | None = None,
        turns: Sequence[Turn] = (),
        scope: Scope | None = None,
        budget: Budget | None = None,
        strict: bool = False,
        retrieve: bool | None = None,
    ) -> Answer:
        """The answer to a question: `aask`, from sync code."""
        return bridge.run(
            self.aask,
            question,
            conversation=conversation,
            turns=turns,
            scope=scope,
            budget=budget,
            strict=strict,
            retrieve=retrieve,
        )

    def plan(
        self,
        question: str,
        *,
        conversation: str | None = None,
        turns: Sequence[Turn] = (),
        scope: Scope | None = None,
        budget: Budget | None = None,
        retrieve: bool | None = None,
    ) -> Plan:
        """The plan that `ask` would run first: `aplan`, from sync code."""
        return bridge.run(
            self.aplan,
            question,
            conversation=conversation,
            turns=turns,
            scope=scope,
            budget=budget,
            retrieve=retrieve,
        )

    def run(
        self,
        plan: Plan,
        *,
        question: str | None = None,
        scope: Scope | None = None,
        budget: Budget | None = None,
        strict: bool = False,
    ) -> Answer:
        """The answer that exactly this plan leads to: `arun`, from sync code."""
        return bridge.run(self.arun, plan, question=question, scope=scope, budget=budget, strict=strict)

    async def aprepare(self) -> None:
        """Do beforehand what would else be done for the first questions: embed the cards of many sources.

        `async with` and `rag serve` do so. Where no embedder can be had, sources are ranked by words alone.
        """
        try:
            await self._tools.shortlist.prepare([source.card for source in self.sources])
        except RagError as error:
            _log.warning("sources will be ranked by words alone: %s", error)

    def prepare(self) -> None:
        """The sync twin of `aprepare`."""
        bridge.run(self.aprepare)

    async def __aenter__(self) -> Self:
        await self.aprepare()
        return self

    async def aclose(self) -> None:
        """Close the sources, the model and the memory, where they can be closed."""
        async with contextlib.AsyncExitStack() as stack:  # all are closed, also where one of them fails
            for part in (*self.sources, self._tools.model, self._memory, self._tools.experience, self._tools.kept):
                stack.push_async_callback(close, part)

    async def _answered(self, asked: Asked, listen: Callable[[Event], None] | None = None) -> Answer:
        check_question(asked.question)
        said, tracer, at = self._said(asked), self._tracer(asked.conversation), self._now()
        before = await said.turns(asked.turns, seconds=asked.budget.seconds)
        driver = self._driver(replace(asked, turns=before), tracer, listen)
        keep = partial(said.kept, question=asked.question, asked=at)
        return await driver.answer(self._planner, keep, strict=asked.strict)

    def _tracer(self, conversation: str | None = None) -> Tracer:
        return Tracer(forward=forwarding(conversation=conversation, content=lambda: self._content))

    @cached_property
    def _content(self) -> bool:
        """Whether OpenTelemetry is given what was asked, found and said."""
        from rag.settings import Settings

        return (self._settings or Settings.load()).trace_content

    def _said(self, asked: Asked) -> Conversation:
        return Conversation(self._memory, asked.conversation, asked.scope, self._now)

    def _now(self) -> datetime:
        now = self._clock()
        if now.utcoffset() is None:
            raise ConfigError("the clock tells a time without a zone; give one such as lambda: datetime.now(zone)")
        return now

    def _sources(self, asked: Asked, now: datetime) -> Mapping[str, Source]:
        return remembering(self._tools.sources, self._memory, asked, now)

    def _driver(self, asked: Asked, tracer: Tracer, listen: Callable[[Event], None] | None = None) -> Driver:
        now = self._now()
        tools = replace(self._tools, sources=self._sources(asked, now))
        task = make_task(asked, tools.sources, now=now, model=tools.model is not None, replans=self._replans)
        return Driver(tools, task, tracer=tracer, listen=listen)


def ask(
    question: str,
    sources: Iterable[Source],
    *,
    conversation: str | None = None,
    turns: Sequence[Turn] = (),
    scope: Scope | None = None,
    budget: Budget | None = None,
    strict: bool = False,
    retrieve: bool | None = None,
    **options: Any,
) -> Answer:
    """The answer to one question, from an assistant made for it with the options of `Assistant`.

    The sources, the model and the memory are left open.

    Raises:
        RagError: as for `Assistant` and its `ask`.
    """
    return bridge.run(
        aask,
        question,
        sources,
        conversation=conversation,
        turns=turns,
        scope=scope,
        budget=budget,
        strict=strict,
        retrieve=retrieve,
        **options,
    )


async def aask(
    question: str,
    sources: Iterable[Source],
    *,
    conversation: str | None = None,
    turns: Sequence[Turn] = (),
    scope: Scope | None = None,
    budget: Budget | None = None,
    strict: bool = False,
    retrieve: bool | None = None,
    **options: Any,
) -> Answer:
    """The async twin of `ask`."""
    assistant = Assistant(sources, **options)
    try:
        return await assistant.aask(
            question,
            conversation=conversation,
            turns=turns,
            scope=scope,
            budget=budget,
            strict=strict,
            retrieve=retrieve,
        )
    finally:
        await close(assistant._tools.kept)  # the cache alone is the assistant's own
