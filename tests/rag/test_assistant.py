from __future__ import annotations

import asyncio
import os
import threading
from datetime import UTC, datetime
from importlib.metadata import EntryPoint
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import anyio
import pytest
from fastapi.testclient import TestClient
from pydantic import BaseModel

from rag.assistant import Assistant, aask, ask
from rag.card import SourceCard, free_query
from rag.errors import BudgetExceeded, ConfigError, InputError, PlanError, ScopeError, SourceError, StoreError
from rag.memory import Memory
from rag.plan import Plan
from rag.protocols import Execute, Reply
from rag.run import binding
from rag.run.cachefile import KeptFile
from rag.run.shortlist import ABOVE
from rag.serve.app import app
from rag.types import Answer, Budget, Scope, Turn


class Docs:
    """Documents that say what was asked."""

    def __init__(self, name="docs", call=None, **card):
        self.card = SourceCard(name=name, **{"arguments": free_query(), **card})
        self.seen = []
        self.closed = 0
        self._call = call

    async def call(self, args, scope):
        self.seen.append((args, scope))
        if self._call:
            await self._call()
        return [{"text": f"The {self.card.name} speak of {args['query']}."}]

    async def aclose(self):
        self.closed += 1


class ListsEvidence:
    """A planner that asks every source the question, and lists what they brought."""

    def plan(self, task):
        steps = [
            {"id": f"s{n}", "source": card.name, "args": {"query": task.question}} for n, card in enumerate(task.cards)
        ]
        said = "".join(f"{turn.role}: {turn.text}; " for turn in task.turns)
        (executed,) = yield (Execute(Plan.from_json({"steps": steps})),)
        text = " ".join(item.passage.text for item in executed.evidence.items)
        missing = tuple(executed.failures.values())
        return Answer(text=said + text, evidence=executed.evidence, plan=executed.plan, notes=missing)


@pytest.fixture
def memory():
    with Memory.open("sqlite://") as opened:
        yield opened


def assistant(*sources, **options):
    return Assistant(sources or (Docs(),), **{"planner": ListsEvidence(), **options})


def test_a_question_is_answered_from_sync_code():
    answer = assistant().ask("lamps?")
    assert (answer.text, answer.question) == ("The docs speak of lamps?.", "lamps?")


async def test_ask_works_inside_a_running_loop():
    assert assistant().ask("lamps?").text == "The docs speak of lamps?."


def test_one_assistant_serves_sync_calls_and_several_loops_at_once():
    one, texts = assistant(), []

    def use(number):
        texts.append(asyncio.run(one.aask(f"q{number}")).text)

    threads = [threading.Thread(target=use, args=(n,)) for n in range(3)]
    for thread in threads:
        thread.start()
    texts.append(one.ask("q3").text)
    for thread in threads:
        thread.join()
    assert sorted(texts) == [f"The docs speak of q{n}." for n in range(4)]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_an_assistant_that_was_used_answers_in_a_forked_process_too():
    one = assistant()
    one.ask("before")
    child = os.fork()
    if child == 0:
        try:
            os._exit(0 if "after" in one.ask("after").text else 1)
        finally:
            os._exit(99)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


async def test_the_loop_keeps_turning_while_a_question_is_answered():
    turns = 0

    async def tick():
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    async def wait():
        await asyncio.sleep(0.01)

    ticker = asyncio.create_task(tick())
    await assistant(Docs(call=wait)).aask("lamps?")
    ticker.cancel()
    assert turns > 10


@pytest.mark.parametrize("question", ["", "  \n"])
def test_an_empty_question_is_an_input_error(question):
    with pytest.raises(InputError, match="the question is empty"):
        assistant().ask(question)


def test_a_question_of_a_hundred_thousand_characters_is_one_clear_line():
    with pytest.raises(InputError) as error:
        assistant().ask("x" * 100_000)
    assert str(error.value).startswith("the question has 100,000 characters; at most 20,000 can be asked")
    assert "\n" not in str(error.value)


def test_two_sources_of_one_name_are_a_config_error():
    with pytest.raises(ConfigError, match="two sources are called 'docs'"):
        assistant(Docs(), Docs())


def test_what_is_not_a_source_is_a_config_error():
    with pytest.raises(ConfigError, match="is not a source"):
        assistant(len)


def test_the_name_of_a_model_is_no_model():
    with pytest.raises(ConfigError, match=r"'gpt-4o-mini' is not a model; make one with rag.model\(name\)"):
        assistant(model="gpt-4o-mini")


def test_a_folder_of_prompts_that_is_not_there_is_a_config_error(tmp_path):
    with pytest.raises(ConfigError, match=r"there is no folder '.*none' with prompts"):
        assistant(prompts=tmp_path / "none")


def test_no_rounds_are_a_config_error():
    with pytest.raises(ConfigError, match="rounds=0"):
        assistant(rounds=0)


def test_an_unknown_planner_is_a_config_error_that_lists_those_there_are():
    with pytest.raises(ConfigError, match=r"there is no planner 'none'; there are: .*direct.*rules"):
        assistant(planner="none")


def test_what_has_no_plan_method_is_no_planner():
    with pytest.raises(ConfigError, match="is not a planner"):
        assistant(planner=SimpleNamespace())


def test_a_planner_is_found_by_name():
    plan = assistant(planner="direct").plan("lamps?")
    assert [step.source for step in plan.steps] == ["docs"]


@pytest.fixture
def broken_entry_point(monkeypatch):
    entry = EntryPoint("broken", "planners.nowhere:Nothing", binding.GROUP)
    monkeypatch.setattr(binding, "entry_points", lambda **query: [entry])


@pytest.mark.usefixtures("broken_entry_point")
def test_a_planner_that_cannot_be_loaded_is_a_config_error():
    with pytest.raises(ConfigError, match=r"'broken' \(planners.nowhere:Nothing\) cannot be loaded: ModuleNotFound"):
        assistant(planner="broken")


@pytest.mark.usefixtures("broken_entry_point")
def test_it_also_says_when_two_distributions_own_the_package_of_planners(monkeypatch):
    monkeypatch.setattr(binding, "packages_distributions", lambda: {"planners": ["planners", "planweave-rag"]})
    with pytest.raises(ConfigError, match="planners and planweave-rag both install a package called 'planners'"):
        assistant(planner="broken")


def test_one_failing_source_leaves_the_others_and_is_told():
    async def broken():
        raise SourceError("the shop is closed")

    answer = assistant(Docs("good"), Docs("bad", call=broken)).ask("lamps?")
    assert answer.text == "The good speak of lamps?."
    assert "the shop is closed" in answer.notes


SCOPE = Scope(tenant="acme", user="ann")


def test_a_scope_reaches_the_sources_and_leaves_out_those_that_cannot_keep_to_it():
    keeps, cannot = Docs("keeps", enforces={"tenant", "user"}), Docs("cannot", enforces={"tenant"})
    shared = Docs("shared", shared=True)
    answer = assistant(keeps, cannot, shared).ask("lamps?", scope=SCOPE)
    assert [len(source.seen) for source in (keeps, cannot, shared)] == [1, 0, 1]
    assert keeps.seen[0][1] == SCOPE
    assert "cannot was left out: it cannot keep to the scope's user" in answer.notes


@pytest.mark.parametrize("how", ["sync", "async", "stream"])
def test_the_scope_is_kept_in_the_sync_path_and_in_the_async_ones(how):
    source = Docs(enforces={"tenant", "user"})
    one = assistant(source)

    async def streamed():
        async for _ in one.astream("lamps?", scope=SCOPE):
            pass

    if how == "sync":
        one.ask("lamps?", scope=SCOPE)
    else:
        asyncio.run(streamed() if how == "stream" else one.aask("lamps?", scope=SCOPE))
    assert [scope for _, scope in source.seen] == [SCOPE]


PLAN = Plan.from_json({"steps": [{"id": "s1", "source": "docs", "args": {"query": "lamps"}}]})


def test_a_plan_that_names_a_source_outside_the_scope_is_a_scope_error():
    source = Docs()
    with pytest.raises(ScopeError, match="'docs', which cannot keep to the scope's tenant, user"):
        assistant(source).run(PLAN, scope=SCOPE)
    assert source.seen == []


def test_a_plan_is_made_without_asking_and_can_be_run():
    source = Docs()
    one = assistant(source)
    plan = one.plan("lamps?")
    assert source.seen == []
    assert (plan.question, plan.sources) == ("lamps?", {"docs": source.card.fingerprint})
    assert one.run(Plan.from_json(plan.to_json())).plan == plan


def test_a_plan_without_a_question_lists_the_evidence_in_step_order():
    second = PLAN.step("s1").replace(id="s2", args={"query": "desks"})
    answer = assistant().run(Plan(steps=(*PLAN.steps, second)))
    assert answer.text == "The docs speak of lamps. [1]\nThe docs speak of desks. [2]"
    assert answer.notes[0] == "no question was given: the evidence is listed in step order"
    for citation in answer.citations:
        assert answer.text[citation.start : citation.end] == f"[{citation.n}]"


def test_a_plan_answers_the_question_that_is_given_or_else_its_own():
    own = PLAN.replace(question="What of lamps?")
    assert assistant().run(own).question == "What of lamps?"
    assert assistant().run(own, question="And desks?").question == "And desks?"


def test_a_plan_without_a_step_says_that_no_retrieval_is_needed():
    answer = assistant().run(Plan(), question="What is 3 times 39?")
    assert (answer.text, answer.partial) == ("3 times 39 = 117", False)


def test_a_plan_without_a_question_lists_what_there_is_at_the_deadline():
    endless = Docs("endless", call=anyio.sleep_forever)
    plan = Plan(steps=(*PLAN.steps, PLAN.step("s1").replace(id="s2", source="endless")))
    answer = assistant(Docs(), endless).run(plan, budget=Budget(seconds=0.2))
    assert (answer.text, answer.partial) == ("The docs speak of lamps. [1]", True)


def test_a_source_that_changed_since_the_plan_was_saved_is_noted():
    class Other(BaseModel):
        query: str
        page: int = 1

    plan = assistant().plan("lamps?")
    answer = assistant(Docs(arguments=Other)).run(plan)
    assert "docs has changed since the plan was made" in answer.notes


def test_a_plan_that_no_longer_fits_is_a_plan_error():
    class Other(BaseModel):
        words: str

    with pytest.raises(PlanError, match="takes no argument 'query'"):
        assistant(Docs(arguments=Other)).run(assistant().plan("lamps?"))


def test_what_is_cached_across_questions_knows_the_user():
    source = Docs(cacheable=True, enforces={"user"})
    one = assistant(source)
    for user in ("ann", "ann", "bob"):
        one.ask("lamps?", scope=Scope(user=user))
    assert [scope.user for _, scope in source.seen] == ["ann", "bob"]


def test_nothing_is_kept_across_questions_unless_the_source_allows_it():
    source = Docs()
    one = assistant(source)
    one.ask("lamps?")
    one.ask("lamps?")
    assert len(source.seen) == 2


def test_without_the_cache_every_call_is_made():
    source = Docs(cacheable=True)
    one = assistant(source, cache=False)
    one.ask("lamps?")
    one.ask("lamps?")
    assert len(source.seen) == 2


def test_the_turns_of_a_conversation_are_context_and_grow_by_question_and_answer(memory):
    one = assistant(memory=memory)
    one.ask("lamps?", conversation="c1")
    answer = one.ask("desks?", conversation="c1")
    assert answer.text.startswith("user: lamps?; assistant: The docs speak of lamps?.; The docs")
    turns = memory.turns("c1")
    assert [(turn.role, turn.text) for turn in turns[:2]] == [
        ("user", "lamps?"),
        ("assistant", "The docs speak of lamps?."),
    ]
    assert len({turn.turn_id for turn in turns}) == 4
    assert all(turn.at <= datetime.now(UTC) for turn in turns)


def test_turns_are_kept_with_the_time_and_the_zone_of_the_clock(memory):
    now = datetime(2026, 5, 1, 9, 30, tzinfo=ZoneInfo("Europe/Berlin"))
    assistant(memory=memory, clock=lambda: now).ask("lamps?", conversation="c1")
    assert [(turn.at, turn.zone) for turn in memory.turns("c1")] == [(now, "Europe/Berlin")] * 2


def test_a_clock_without_a_zone_is_a_config_error():
    with pytest.raises(ConfigError, match="the clock tells a time without a zone"):
        assistant(clock=lambda: datetime(2026, 5, 1)).ask("lamps?")


def test_conversations_of_one_user_are_not_seen_by_another(memory):
    one = assistant(Docs(shared=True), memory=memory)
    one.ask("lamps?", conversation="c1", scope=Scope(user="ann"))
    assert one.ask("desks?", conversation="c1", scope=Scope(user="bob")).text == "The docs speak of desks?."


def test_a_conversation_without_a_memory_is_a_config_error():
    with pytest.raises(ConfigError, match="has no memory"):
        assistant().ask("lamps?", conversation="c1")


def test_an_answer_that_could_not_be_kept_is_given_all_the_same_and_says_so(memory, monkeypatch):
    async def full(*_, **__):
        raise StoreError("the disk is full")

    monkeypatch.setattr(memory, "aadd", full)
    answer = assistant(memory=memory).ask("lamps?", conversation="c1")
    assert answer.text == "The docs speak of lamps?."
    assert answer.partial
    assert answer.notes[-1] == "the question and its answer were not kept in the conversation: the disk is full"


@pytest.mark.parametrize("error", [StoreError("the disk is full"), ZeroDivisionError("oops")])
async def test_a_stream_tells_the_answer_only_once_it_is_known_whether_it_was_kept(memory, monkeypatch, error):
    async def full(*_, **__):
        raise error

    monkeypatch.setattr(memory, "aadd", full)
    events = [event async for event in assistant(memory=memory).astream("lamps?", conversation="c1")]
    assert events[-1].kind == "answer"
    assert "were not kept in the conversation" in events[-1].answer.notes[-1]


async def test_who_leaves_at_the_answer_finds_it_in_the_conversation(memory):
    stream = assistant(memory=memory).astream("lamps?", conversation="c1")
    async for event in stream:
        if event.kind == "answer":
            break
    await stream.aclose()
    assert len(memory.turns("c1")) == 2


@pytest.mark.parametrize("how", ["asyncio", "anyio"])
async def test_who_leaves_while_turns_are_kept_finds_them_all_the_same(memory, monkeypatch, how):
    keeping, add = asyncio.Event(), memory.aadd

    async def slow(*args, **options):
        keeping.set()
        await asyncio.sleep(0.01)
        await add(*args, **options)

    async def ask(window):
        with window:
            await assistant(memory=memory).aask("lamps?", conversation="c1")

    monkeypatch.setattr(memory, "aadd", slow)
    window = anyio.CancelScope()
    task = asyncio.create_task(ask(window))
    await keeping.wait()
    (task if how == "asyncio" else window).cancel()
    await asyncio.wait([task])
    assert len(memory.turns("c1")) == 2


async def test_whatever_ends_a_stream_is_told_by_its_last_event(memory, monkeypatch):
    async def broken(*_, **__):
        raise ZeroDivisionError("oops")

    monkeypatch.setattr(memory, "aturns", broken)
    stream = assistant(memory=memory).astream("lamps?", conversation="c1")
    assert (await anext(stream)).kind == "error"
    with pytest.raises(ZeroDivisionError):
        await anext(stream)


async def test_reading_a_conversation_counts_against_the_seconds_of_the_budget(memory, monkeypatch):
    async def endless(*_, **__):
        await anyio.sleep_forever()

    monkeypatch.setattr(memory, "aturns", endless)
    source = Docs(call=anyio.sleep_forever)
    with anyio.fail_after(10):
        answer = await assistant(source, memory=memory).aask("lamps?", conversation="c1", budget=Budget(seconds=0.05))
    assert answer.partial
    assert "the budget of 0.05 seconds is spent" in answer.notes


def test_turns_can_be_given_where_nothing_keeps_them():
    answer = assistant().ask("desks?", turns=[Turn(role="user", text="lamps?")])
    assert answer.text.startswith("user: lamps?; ")


async def test_a_stream_tells_what_happens_and_ends_with_the_answer():
    events = [event async for event in assistant().astream("lamps?")]
    assert [event.kind for event in events] == ["plan", "step_started", "step_finished", "answer"]
    assert [event.seq for event in events] == [0, 1, 2, 3]
    assert events[-1].answer.text == "The docs speak of lamps?."


async def test_an_error_is_the_last_event_of_a_stream_and_is_raised():
    stream = assistant().astream("")
    event = await anext(stream)
    assert (event.kind, event.text) == ("error", "the question is empty; ask something")
    with pytest.raises(InputError, match="empty"):
        await anext(stream)


async def test_leaving_a_stream_early_stops_the_work():
    stopped = asyncio.Event()

    async def endless():
        try:
            await anyio.sleep_forever()
        finally:
            stopped.set()

    before = asyncio.all_tasks()
    stream = assistant(Docs(call=endless)).astream("lamps?")
    async for event in stream:
        if event.kind == "step_started":
            break
    await asyncio.sleep(0.01)
    await stream.aclose()
    assert stopped.is_set()
    assert asyncio.all_tasks() == before


async def test_cancelling_a_question_cancels_its_calls():
    started, stopped = asyncio.Event(), asyncio.Event()

    async def endless():
        started.set()
        try:
            await anyio.sleep_forever()
        finally:
            stopped.set()

    task = asyncio.create_task(assistant(Docs(call=endless)).aask("lamps?"))
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert stopped.is_set()


async def test_concurrent_questions_share_no_budget():
    one = assistant()
    budget = Budget(calls_per_source=1)
    answers = await asyncio.gather(*(one.aask(f"q{n}", budget=budget) for n in range(5)))
    assert [(answer.partial, answer.usage.source_calls) for answer in answers] == [(False, 1)] * 5


async def test_traces_of_concurrent_questions_do_not_mix():
    one = assistant(Docs("a"), Docs("b"))
    answers = await asyncio.gather(*(one.aask(f"q{n}") for n in range(10)))
    for n, answer in enumerate(answers):
        names = {span.span_id: span.name for span in answer.trace}
        parents = [(names.get(span.parent), span.name) for span in answer.trace]
        assert sorted(parents[1:]) == [("question", "s0"), ("question", "s1"), ("s0", "a"), ("s1", "b")]
        assert {span.attributes["args"]["query"] for span in answer.trace if span.kind == "source"} == {f"q{n}"}


class Closing:
    name = "closing"

    def __init__(self):
        self.closed = 0

    async def complete(self, messages, **options):
        return Reply("")

    async def aclose(self):
        self.closed += 1


def test_leaving_the_assistant_closes_what_it_was_given():
    source, model, memory = Docs(), Closing(), SimpleNamespace(close=lambda: closed.append(True))
    closed = []
    with assistant(source, model=model, memory=memory):
        pass
    assert (source.closed, model.closed, closed) == (1, 1, [True])


async def test_it_closes_in_async_code_too():
    source = Docs()
    async with assistant(source) as one:
        await one.aask("lamps?")
    assert source.closed == 1


async def test_one_question_can_be_asked_without_an_assistant_and_leaves_the_sources_open():
    source = Docs()
    assert ask("lamps?", [source], planner=ListsEvidence()).text == "The docs speak of lamps?."
    assert (await aask("desks?", [source], planner=ListsEvidence())).text == "The docs speak of desks?."
    assert source.closed == 0


def test_a_source_that_asks_another_assistant_from_async_code_gets_a_clear_error():
    inner = assistant(Docs("inner"))

    async def asks():
        inner.ask("within")

    answer = assistant(Docs(call=asks)).ask("lamps?")
    assert "would wait for itself" in answer.notes[0]


def test_the_context_variables_of_the_caller_reach_the_sources():
    from contextvars import ContextVar

    who, seen = ContextVar("who", default="nobody"), []

    async def look():
        seen.append(who.get())

    who.set("ann")
    assistant(Docs(call=look)).ask("lamps?")
    assert seen == ["ann"]


async def test_one_question_takes_all_that_an_assistants_questions_take():
    with pytest.raises(BudgetExceeded):
        await aask("lamps?", [Docs()], strict=True, budget=Budget(calls_per_source=0), planner="direct")
    assert ask("lamps?", [Docs()], retrieve=False).plan.steps == ()
    said = (Turn(role="user", text="Hi"),)
    assert ask("lamps?", [Docs()], planner=ListsEvidence(), turns=said).text.startswith("user: Hi; ")


def test_the_cache_of_one_question_is_closed_after_it(tmp_path, monkeypatch):
    closed = []

    def close(kept):
        closed.append(kept)

    monkeypatch.setattr(KeptFile, "close", close)
    ask("lamps?", [Docs()], planner=ListsEvidence(), cache=tmp_path / "kept.db")
    assert len(closed) == 1


async def test_cards_of_many_sources_are_embedded_before_the_first_question():
    one = assistant(*(Docs(f"docs{n}") for n in range(ABOVE + 1)))
    prepared = []

    async def prepare(cards):
        prepared.append(len(cards))
        raise SourceError("no embedder")

    one._tools.shortlist.prepare = prepare
    async with one:
        assert prepared == [ABOVE + 1]
    with TestClient(app(one)) as client:
        assert client.get("/healthz").status_code == 200
    one.prepare()
    assert prepared == [ABOVE + 1] * 3


def test_a_plan_given_without_a_step_or_a_reason_greets_nobody_who_asked():
    answer = assistant().run(Plan.from_json('{"steps": []}'), question="How long may I return lamps?")
    assert answer.text.startswith("No source was asked")
    assert answer.notes == ("no retrieval: the plan given has no step", "no model was used")


def test_a_plan_that_ran_names_the_sources_it_ran_on():
    class Other(BaseModel):
        query: str
        page: int = 1

    later, plan = Docs(arguments=Other), assistant().plan("lamps?")
    answer = assistant(later).run(plan)
    assert answer.plan.sources == {"docs": later.card.fingerprint}
    assert not assistant(later).run(answer.plan).notes[1:]


def test_a_source_that_an_edited_plan_no_longer_asks_is_not_noted():
    plan = Plan(steps=PLAN.steps, sources={"docs": Docs().card.fingerprint, "gone": "x", "news": "y"})
    answer = assistant(Docs(), Docs("news")).run(plan)
    assert not [note for note in answer.notes if "has changed" in note]


def test_a_step_that_is_added_to_a_plan_has_its_price():
    dear = Docs("dear", cost={"usd": 0.5})
    plan = assistant(Docs(), dear, planner="direct").plan("lamps?").without("s2")
    assert plan.estimate().usd.low == 0
    added = plan.replace(steps=(*plan.steps, plan.steps[0].replace(id="s9", source="dear")))
    assert added.estimate().usd.low == 0.5


async def test_parts_are_replaced_in_a_twin_and_the_first_stays_as_it_is():
    first = assistant(Docs("old"))
    twin = first.replaced(sources=[Docs("new")], clock=lambda: datetime(2020, 1, 2, tzinfo=UTC))
    assert "new speak" in (await twin.aask("What?")).text
    assert "old speak" in (await first.aask("What?")).text
    assert twin.clock().year == 2020
    assert twin.model is first.model


def test_a_twin_is_not_given_what_the_first_has_kept():
    kept = Docs("docs", cacheable=True)
    first = assistant(kept)
    for one in (first, first, first.replaced(sources=[kept])):
        one.ask("What?")
    assert len(kept.seen) == 2
