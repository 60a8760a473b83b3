"""The assistant: binds sources, model, memory and planner, and answers questions."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self
from uuid import uuid4

import anyio

from rag.errors import ConfigError, InputError, RagError, StoreError
from rag.plan import Plan
from rag.protocols import Model, Planner, Source, Task
from rag.run import bridge
from rag.run.cache import Kept
from rag.run.driver import Driver, Tools
from rag.run.given import Given
from rag.run.registry import load_planner
from rag.types import Answer, Budget, Event, Scope, Turn

if TYPE_CHECKING:
    from rag.memory import Memory
    from rag.settings import Settings

__all__ = ["LONGEST_QUESTION", "Assistant", "aask", "ask"]

LONGEST_QUESTION: Final = 20_000
"""How many characters a question may have."""

_LAST_TURNS: Final = 6


class Assistant:
    """Answers questions from several sources at once.

    It serves many questions at once, from several event loops, and from sync code, also where a
    loop runs already, as in Jupyter. Closing it closes the sources, the model and the memory that
    it was given, where they have `aclose` or `close`.

    Args:
        sources: what may be asked; names must differ.
        model: writes plans and answers; without one, rules plan and the answer is extracted.
        memory: keeps conversations, for `conversation=`.
        planner: a name from the entry-point group `rag.planners`, or a planner; by default
            "reaper" with a model and "rules" without.
        rounds: with more than one, each round's draft goes back as the next query (Iter-RetGen).
        cache: within a question, identical calls of a source are made once; across questions,
            results of sources that declare `cacheable` or a `ttl` are kept. False makes every call.
        prompts: a folder whose prompts go before those that ship.
        settings: by default, what the environment says.

    Raises:
        ConfigError: the arguments cannot work together.
    """

    def __init__(
        self,
        sources: Iterable[Source],
        *,
        model: Model | None = None,
        memory: Memory | None = None,
        planner: str | Planner | None = None,
        rounds: int = 1,
        cache: bool = True,
        prompts: Path | str | None = None,
        settings: Settings | None = None,
    ) -> None:
        self._model = model
        self._memory = memory
        self._planner = _planner(planner or ("reaper" if model else "rules"), rounds)
        self._tools = Tools(
            sources=_by_name(sources),
            model=model,
            prompts=Path(prompts) if prompts else _settings(settings).prompts,
            once=cache,
            kept=Kept() if cache else None,
        )

    @property
    def sources(self) -> tuple[Source, ...]:
        """The sources, in the order given."""
        return tuple(self._tools.sources.values())

    @property
    def memory(self) -> Memory | None:
        """What keeps conversations, if anything does."""
        return self._memory

    async def aask(
        self,
        question: str,
        *,
        conversation: str | None = None,
        turns: Sequence[Turn] = (),
        scope: Scope | None = None,
        budget: Budget | None = None,
    ) -> Answer:
        """The answer to a question.

        Args:
            question: at most 20,000 characters.
            conversation: the last turns of this conversation are the context, and the question and
                its answer are appended to it.
            turns: what was said before, oldest first, where no conversation keeps it.
            scope: whose data may be seen; sources that cannot keep to it are left out, with a note.
            budget: what may be spent; reaching it ends the work with what there is.

        Raises:
            InputError: the question is empty or too long.
            ConfigError: a conversation was named, but there is no memory, or `turns` were given with it.
            RagError: no answer can be given at all.
        """
        return await self._answered(question, conversation, scope, budget, turns=turns)

    async def astream(
        self,
        question: str,
        *,
        conversation: str | None = None,
        turns: Sequence[Turn] = (),
        scope: Scope | None = None,
        budget: Budget | None = None,
    ) -> AsyncGenerator[Event, None]:
        """What happens while a question is answered, as it happens; the last event has the answer.

        Leaving the iteration early ends the work. Text of "token" events is provisional: when the
        model breaks off, the answer may be another text.

        Raises:
            RagError: as for `aask`; the event "error" comes before it.
        """
        events: asyncio.Queue[Event | None] = asyncio.Queue()
        work = asyncio.create_task(
            self._answered(question, conversation, scope, budget, events.put_nowait, turns=turns)
        )
        work.add_done_callback(lambda _: events.put_nowait(None))
        seq = -1
        try:
            while (event := await events.get()) is not None:
                seq = event.seq
                yield event
            try:
                await work
            except RagError as error:
                yield Event(kind="error", seq=seq + 1, at=datetime.now(UTC), text=str(error))
                raise
        finally:
            work.cancel()
            with contextlib.suppress(asyncio.CancelledError, RagError):
                await work

    async def aplan(
        self,
        question: str,
        *,
        conversation: str | None = None,
        turns: Sequence[Turn] = (),
        scope: Scope | None = None,
        budget: Budget | None = None,
    ) -> Plan:
        """The plan that `aask` would run first: to look at, edit, save, and run.

        Raises:
            RagError: as for `aask`.
        """
        _check_question(question)
        scope = scope or Scope()
        said = await self._turns(conversation, turns, scope)
        return await self._driver(question, said, scope, budget).first_plan(self._planner)

    async def arun(
        self,
        plan: Plan,
        *,
        question: str | None = None,
        scope: Scope | None = None,
        budget: Budget | None = None,
    ) -> Answer:
        """The answer that exactly this plan leads to.

        Without a question the plan's own is answered; when it has none either, the evidence is
        listed in step order. A source that has changed since the plan was saved is noted.

        Raises:
            PlanError: the plan does not fit the sources.
            ScopeError: the plan names a source that cannot keep to the scope.
            InputError: the question is empty or too long.
        """
        question = plan.question if question is None else question
        if question is not None:
            _check_question(question)
        driver = self._driver(question or "", (), scope or Scope(), budget)
        return await driver.answer(Given(plan, question, self._changes(plan)))

    def ask(
        self,
        question: str,
        *,
        conversation: str | None = None,
        turns: Sequence[Turn] = (),
        scope: Scope | None = None,
        budget: Budget | None = None,
    ) -> Answer:
        """The answer to a question: `aask`, from sync code."""
        return bridge.run(self.aask, question, conversation=conversation, turns=turns, scope=scope, budget=budget)

    def plan(
        self,
        question: str,
        *,
        conversation: str | None = None,
        turns: Sequence[Turn] = (),
        scope: Scope | None = None,
        budget: Budget | None = None,
    ) -> Plan:
        """The plan that `ask` would run first: `aplan`, from sync code."""
        return bridge.run(self.aplan, question, conversation=conversation, turns=turns, scope=scope, budget=budget)

    def run(
        self, plan: Plan, *, question: str | None = None, scope: Scope | None = None, budget: Budget | None = None
    ) -> Answer:
        """The answer that exactly this plan leads to: `arun`, from sync code."""
        return bridge.run(self.arun, plan, question=question, scope=scope, budget=budget)

    async def aclose(self) -> None:
        """Close the sources, the model and the memory, where they can be closed."""
        for part in (*self.sources, self._model, self._memory):
            await _closed(part)

    def close(self) -> None:
        """Close the sources, the model and the memory: `aclose`, from sync code."""
        bridge.run(self.aclose)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self.aclose()

    async def _answered(
        self,
        question: str,
        conversation: str | None,
        scope: Scope | None,
        budget: Budget | None,
        listen: Callable[[Event], None] = lambda event: None,
        *,
        turns: Sequence[Turn] = (),
    ) -> Answer:
        _check_question(question)
        asked, scope = datetime.now(UTC), scope or Scope()
        said = await self._turns(conversation, turns, scope)
        answer = await self._driver(question, said, scope, budget, listen).answer(self._planner)
        return await self._remembered(answer, question, conversation, scope, asked)

    def _driver(
        self,
        question: str,
        turns: tuple[Turn, ...],
        scope: Scope,
        budget: Budget | None,
        listen: Callable[[Event], None] = lambda event: None,
    ) -> Driver:
        cards = [source.card for source in self.sources]
        left_out = {card.name: _unkept(missing) for card in cards if (missing := card.missing_scope(scope.in_use))}
        task = Task(
            question=question,
            cards=tuple(card for card in cards if card.name not in left_out),
            now=datetime.now().astimezone(),
            turns=turns,
            scope=scope,
            budget=budget or Budget(),
            model=self._model is not None,
        )
        return Driver(self._tools, task, left_out=left_out, listen=listen)

    async def _turns(self, conversation: str | None, turns: Sequence[Turn], scope: Scope) -> tuple[Turn, ...]:
        if conversation is None:
            return tuple(turns[-_LAST_TURNS:])
        if turns:
            raise ConfigError("a conversation and turns were given: the memory has the conversation's turns; give one")
        if self._memory is None:
            raise ConfigError(
                f"conversation {conversation!r} was named, but the assistant has no memory;"
                " make it with memory=rag.Memory.open(…)"
            )
        return tuple(await self._memory.aturns(conversation, last=_LAST_TURNS, scope=scope))

    async def _remembered(
        self, answer: Answer, question: str, conversation: str | None, scope: Scope, asked: datetime
    ) -> Answer:
        if conversation is None or self._memory is None:
            return answer
        said = [
            Turn(turn_id=uuid4().hex, role="user", text=question, at=asked),
            Turn(turn_id=uuid4().hex, role="assistant", text=answer.text, at=datetime.now(UTC)),
        ]
        try:
            await self._memory.aadd(conversation, said, scope=scope)
        except StoreError as error:
            # The answer is there and was paid for; that it was not kept must be said all the same.
            note = f"the question and its answer were not kept in the conversation: {error}"
            return answer.model_copy(update={"partial": True, "notes": (*answer.notes, note)})
        return answer

    def _changes(self, plan: Plan) -> tuple[str, ...]:
        prints = {source.card.name: source.card.fingerprint for source in self.sources}
        return tuple(
            f"{name} has changed since the plan was made"
            for name, fingerprint in plan.sources.items()
            if prints.get(name, fingerprint) != fingerprint
        )


def ask(
    question: str,
    sources: Iterable[Source],
    *,
    conversation: str | None = None,
    scope: Scope | None = None,
    budget: Budget | None = None,
    **options: Any,
) -> Answer:
    """The answer to one question, from an assistant made for it with the options of `Assistant`.

    The sources, the model and the memory are left open.

    Raises:
        RagError: as for `Assistant` and its `ask`.
    """
    return Assistant(sources, **options).ask(question, conversation=conversation, scope=scope, budget=budget)


async def aask(
    question: str,
    sources: Iterable[Source],
    *,
    conversation: str | None = None,
    scope: Scope | None = None,
    budget: Budget | None = None,
    **options: Any,
) -> Answer:
    """The async twin of `ask`."""
    return await Assistant(sources, **options).aask(question, conversation=conversation, scope=scope, budget=budget)


def _check_question(question: str) -> None:
    if not question.strip():
        raise InputError("the question is empty; ask something")
    if len(question) > LONGEST_QUESTION:
        raise InputError(
            f"the question has {len(question):,} characters; at most {LONGEST_QUESTION:,} can be asked."
            " Put long texts into a source"
        )


def _by_name(sources: Iterable[Source]) -> dict[str, Source]:
    found: dict[str, Source] = {}
    for source in sources:
        if not isinstance(source, Source):
            raise ConfigError(
                f"{source!r:.80} is not a source; make one with rag.source(name, function), rag.sql or index.source"
            )
        if source.card.name in found:
            raise ConfigError(f"two sources are called {source.card.name!r}; give each its own name")
        found[source.card.name] = source
    return found


def _planner(planner: str | Planner, rounds: int) -> Planner:
    if rounds < 1:
        raise ConfigError(f"rounds={rounds} cannot be; give 1 or more")
    found = load_planner(planner)() if isinstance(planner, str) else planner
    if not isinstance(found, Planner):
        raise ConfigError(f"{planner!r:.80} is not a planner: it has no method `plan`")
    return load_planner("iter_retgen")(found, rounds=rounds) if rounds > 1 else found


def _settings(settings: Settings | None) -> Settings:
    from rag.settings import Settings

    return settings or Settings.load()


def _unkept(missing: Iterable[str]) -> str:
    return f"cannot keep to the scope's {', '.join(sorted(missing))}"


async def _closed(part: object) -> None:
    if hasattr(part, "aclose"):
        await part.aclose()
    elif hasattr(part, "close"):
        await anyio.to_thread.run_sync(part.close)
