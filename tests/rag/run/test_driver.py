from __future__ import annotations

import json
import threading
from datetime import UTC, datetime

import anyio
import pytest

from rag.card import SourceCard, free_query
from rag.errors import BudgetExceeded, ModelError, PlanError, RagError, ScopeError, SourceError
from rag.plan import Plan
from rag.protocols import Complete, Completion, Draft, Execute, Executed, Failed, Probe, Read, Relevance, Reply
from rag.run.driver import Driver
from rag.run.task import Asked, make_task
from rag.run.tools import Tools
from rag.testing import FakeModel
from rag.tokens import count
from rag.types import Answer, Budget, Evidence, Scope, Usage

MINE = '+++\nid = "mine"\nversion = 1\ninputs = ["q"]\noutput = "text"\n+++\n--- user ---\n{{q}}\n'


class Docs:
    """Documents that say what was asked; `relevance` may fail."""

    def __init__(self, name="docs", rows=None, relevance=0.5, call=None, **card):
        self.card = SourceCard(name=name, arguments=free_query(), **card)
        self._rows, self._relevance, self._call = rows, relevance, call
        self.calls = 0

    async def call(self, args, scope):
        self.calls += 1
        if self._call:
            await self._call()
        return [{"text": f"{self.card.name} on {args['query']}"}] if self._rows is None else self._rows

    async def relevance(self, question, scope):
        if isinstance(self._relevance, Exception):
            raise self._relevance
        return self._relevance


class Planned:
    """A planner from a function of the task that yields actions."""

    def __init__(self, function):
        self.plan = function


class Slow(Docs):
    """Documents that never say how relevant they are."""

    async def relevance(self, question, scope):
        await anyio.sleep_forever()


def one_step(source="docs", **args):
    return Plan.from_json({"steps": [{"id": "s1", "source": source, "args": {"query": "x", **args}}]})


def two_steps():
    return Plan.from_json({"steps": [{"id": f"s{n}", "source": "docs", "args": {"query": str(n)}} for n in range(2)]})


def read_and_answer(plan):
    def planner(task):
        (executed,) = yield (Execute(plan),)
        (draft,) = yield (Read(task.question, executed.evidence),)
        return Answer(text=draft.text, evidence=executed.evidence, plan=executed.plan, notes=draft.notes)

    return Planned(planner)


def driver(*sources, model=None, prompts=None, listen=None, **task):
    sources = sources or (Docs(),)
    tools = Tools({s.card.name: s for s in sources}, model=model, prompts=prompts)
    made = make_task(Asked("how?", **task), tools.sources, now=datetime.now(UTC), model=model is not None)
    return Driver(tools, made, listen=listen)


async def observed(actions, *sources, **options):
    """What a planner that yields the actions is sent."""
    seen = []

    def planner(task):
        seen.extend((yield actions))
        return Answer(text="done")

    answer = await driver(*sources, **options).answer(Planned(planner))
    return seen, answer


@pytest.fixture
def prompts(tmp_path):
    (tmp_path / "mine.md").write_text(MINE)
    return tmp_path


async def test_actions_that_are_yielded_together_run_together_and_are_observed_in_order(prompts):
    asked = anyio.Event()

    class Waits(FakeModel):
        async def complete(self, messages, **options):
            await asked.wait()  # the second action has to run meanwhile
            return await super().complete(messages, **options)

    async def tell():
        asked.set()

    actions = (Complete("mine", {"q": "hi"}), Execute(one_step()), Probe("x"))
    with anyio.fail_after(5):
        seen, _ = await observed(actions, Docs(call=tell), model=Waits(["hello"]), prompts=prompts)
    assert [type(observation) for observation in seen] == [Completion, Executed, Relevance]
    assert seen[0].text == "hello"
    assert seen[0].prompt_id.startswith("mine@1#")


async def test_an_action_that_fails_is_observed_as_failed_and_leaves_the_others(prompts):
    actions = (Complete("mine", {"q": "hi"}), Execute(one_step("nothing")), Complete("none", {}), Probe("x"))
    seen, _ = await observed(actions, model=FakeModel([ModelError("down")]), prompts=prompts)
    assert [type(getattr(one, "error", one)).__name__ for one in seen] == [
        "ModelError",
        "UnknownSource",
        "PromptError",
        "Relevance",
    ]


async def test_without_a_model_complete_fails():
    (seen,), answer = await observed((Complete("mine", {}),))
    assert isinstance(seen, Failed)
    assert answer.notes == ("no model was used",)


async def test_a_probe_leaves_out_the_score_of_a_source_that_cannot_tell():
    sources = (Docs("a", relevance=0.9), Docs("b", relevance=ZeroDivisionError()), Docs("c", relevance=0.0))
    (seen,), _ = await observed((Probe("x"),), *sources)
    assert seen.scores == {"a": 0.9, "c": 0.0}


async def test_a_plan_is_filled_with_its_question_and_fingerprints_before_it_runs():
    source = Docs()
    (seen,), _ = await observed((Execute(one_step()),), source)
    assert (seen.plan.question, seen.plan.sources) == ("how?", {"docs": source.card.fingerprint})


async def test_naming_a_source_that_was_left_out_for_scope_is_a_scope_error_before_any_call():
    docs, other = Docs(), Docs("other", shared=True)
    plan = Plan(steps=(*one_step("other").steps, one_step().step("s1").replace(id="s2")))
    (seen,), answer = await observed((Execute(plan),), docs, other, scope=Scope(user="ann"))
    assert isinstance(seen.error, ScopeError)
    assert str(seen.error) == "step 's2' asks 'docs', which cannot keep to the scope's user"
    assert docs.calls == other.calls == 0
    assert "docs was left out: it cannot keep to the scope's user" in answer.notes


async def test_usage_trace_and_question_are_filled_in(prompts):
    actions = (Complete("mine", {"q": "hi"}), Execute(one_step()))
    _, answer = await observed(actions, model=FakeModel(["x"]), prompts=prompts)
    assert (answer.question, answer.usage.model_calls, answer.usage.source_calls) == ("how?", 1, 1)
    assert (answer.usage.tokens > 0, answer.usage.estimated) == (True, True)
    assert answer.usage.seconds > 0
    names = {span.span_id: span.name for span in answer.trace}
    parents = {span.name: names.get(span.parent) for span in answer.trace}
    assert parents == {"question": None, "fake": "question", "s1": "question", "docs": "s1"}


async def test_a_model_that_is_busy_is_asked_again(prompts):
    busy = ModelError("busy", retryable=True, retry_after=0)
    model = FakeModel([busy, "at last"])
    (seen,), answer = await observed((Complete("mine", {"q": "hi"}),), model=model, prompts=prompts)
    assert seen.text == "at last"
    assert answer.usage.model_calls == 2
    assert next(s for s in answer.trace if s.kind == "model").attributes["retries"] == [{"after": "busy", "waited": 0}]


async def test_whatever_a_model_raises_is_a_model_error(prompts):
    model = FakeModel([ValueError("odd")])
    (seen,), _ = await observed((Complete("mine", {"q": "hi"}),), model=model, prompts=prompts)
    assert str(seen.error) == "the model fake failed: ValueError: odd"


async def test_a_reader_whose_model_fails_falls_back_to_extraction_and_says_so():
    model = FakeModel([ModelError("down")])
    answer = await driver(model=model).answer(read_and_answer(one_step()))
    assert "docs on x" in answer.text
    assert answer.partial
    assert any("the model could not write the answer (down)" in note for note in answer.notes)


async def test_without_a_model_the_answer_is_extracted_and_says_so():
    answer = await driver().answer(read_and_answer(one_step()))
    assert "docs on x" in answer.text
    assert not answer.partial
    assert "no model was used: the answer is extracted from the sources" in answer.notes


@pytest.mark.parametrize("model", [None, FakeModel([])])
async def test_when_nothing_was_found_the_text_says_so_and_no_model_is_asked(model):
    answer = await driver(Docs(rows=[]), model=model).answer(read_and_answer(one_step()))
    assert "found nothing" in answer.text
    assert answer.usage.model_calls == 0


async def test_the_steps_that_failed_are_told_where_nothing_was_found():
    async def broken():
        raise SourceError("down")

    answer = await driver(Docs(call=broken)).answer(read_and_answer(one_step()))
    assert any("failed: s1" in note for note in answer.notes)


def chats(task):
    (draft,) = yield (Read(task.question, Evidence(), "chat"),)
    return Answer(text=draft.text, notes=draft.notes)


async def test_small_talk_is_answered_by_the_model_alone():
    answer = await driver(model=FakeModel(["Hello there"])).answer(Planned(chats))
    assert (answer.text, answer.partial) == ("Hello there", False)


@pytest.mark.parametrize("model", [None, FakeModel([ModelError("down")])])
async def test_small_talk_is_answered_without_a_model_too(model):
    answer = await driver(model=model).answer(Planned(chats))
    assert answer.text.startswith("Hello!")
    assert answer.usage.source_calls == 0


@pytest.mark.parametrize("model", [None, FakeModel([])])
async def test_a_question_for_which_no_source_was_asked_is_no_small_talk(model):
    answer = await driver(Docs("secret"), model=model, scope=Scope(user="ann")).answer(read_and_answer(Plan()))
    assert answer.text == "No source was asked, so that there is nothing to answer from."
    assert answer.partial
    assert answer.notes[0] == "secret was left out: it cannot keep to the scope's user"
    assert answer.usage.model_calls == 0


def never_ends(task):
    yield (Execute(one_step()),)
    yield (Execute(one_step("endless"), 2),)


async def test_at_the_deadline_the_answer_is_made_of_what_there_is_and_says_which_limit():
    stopped = []

    async def endless():
        try:
            await anyio.sleep_forever()
        finally:
            stopped.append(True)

    sources = (Docs(), Docs("endless", call=endless))
    answer = await driver(*sources, budget=Budget(seconds=0.5)).answer(Planned(never_ends))
    assert answer.partial
    assert "the budget of 0.5 seconds is spent" in answer.notes
    assert "s1 brought nothing: it was stopped before it had ended" in answer.notes
    assert "docs on x" in answer.text
    assert stopped == [True]


async def test_at_the_deadline_a_draft_that_was_written_is_the_answer():
    def planner(task):
        (executed,) = yield (Execute(one_step()),)
        yield (Read(task.question, executed.evidence),)
        yield (Execute(one_step("endless"), 2),)

    sources = (Docs(), Docs("endless", call=anyio.sleep_forever))
    model = FakeModel(["It is so [1]."])
    count("so that the vocabularies are loaded before the time runs")
    answer = await driver(*sources, model=model, budget=Budget(seconds=1.0)).answer(Planned(planner))
    assert answer.text == "It is so [1]."
    assert answer.partial


async def test_without_model_calls_in_the_budget_the_answer_is_extracted_and_partial():
    model = FakeModel([])
    answer = await driver(model=model, budget=Budget(model_calls=0)).answer(read_and_answer(one_step()))
    assert "docs on x" in answer.text
    assert answer.partial
    assert "the budget of 0 model calls is spent" in answer.notes
    assert model.calls == []


async def test_a_planner_that_gives_up_over_the_budget_still_ends_with_what_there_is(prompts):
    def planner(task):
        yield (Execute(one_step()),)
        (seen,) = yield (Complete("mine", {"q": "hi"}),)
        raise seen.error

    tight = driver(model=FakeModel([]), prompts=prompts, budget=Budget(model_calls=0))
    answer = await tight.answer(Planned(planner))
    assert answer.partial
    assert "docs on x" in answer.text


async def test_a_reply_is_no_longer_than_the_tokens_that_are_left(prompts):
    model = FakeModel(["x"])
    actions = (Complete("mine", {"q": "hi"}, max_tokens=500),)
    await observed(actions, model=model, prompts=prompts, budget=Budget(tokens=100))
    assert 0 < model.calls[0].max_tokens < 100


async def test_a_step_beyond_the_calls_of_its_source_fails_and_the_answer_is_partial():
    steps = [{"id": f"s{n}", "source": "docs", "args": {"query": str(n)}} for n in range(3)]
    plan = Plan.from_json(json.dumps({"steps": steps}))
    answer = await driver(budget=Budget(calls_per_source=2)).answer(read_and_answer(plan))
    assert len(answer.evidence) == 2
    assert answer.partial


def returns_text(task):
    yield (Execute(one_step()),)
    return "an answer"


def yields_a_plan(task):
    yield one_step()


def raises(task):
    raise ZeroDivisionError("oops")
    yield


def no_generator(task):
    return [Execute(one_step())]


@pytest.mark.parametrize(
    ("planner", "why"),
    [
        (returns_text, "the planner Planned returned str; it must return an Answer"),
        (yields_a_plan, "the planner Planned yielded Plan"),
        (raises, "the planner Planned raised ZeroDivisionError: oops"),
        (no_generator, "the planner Planned gives a list; its plan method must be a generator"),
    ],
)
async def test_a_planner_that_speaks_nonsense_is_a_clear_error(planner, why):
    with pytest.raises(PlanError) as error:
        await driver().answer(Planned(planner))
    assert str(error.value).startswith(why)


async def test_the_planners_own_error_comes_out_as_it_is():
    def planner(task):
        yield (Execute(one_step()),)
        raise RagError("no answer can be given")

    with pytest.raises(RagError, match="no answer can be given"):
        await driver().answer(Planned(planner))


async def test_the_planner_is_closed_when_the_work_is_cancelled():
    closed = []

    def planner(task):
        try:
            yield (Execute(one_step()),)
        finally:
            closed.append(True)

    with anyio.move_on_after(0.05):
        await driver(Docs(call=anyio.sleep_forever)).answer(Planned(planner))
    assert closed == [True]


async def test_events_tell_the_question_in_order_and_name_their_spans():
    events = []
    model = FakeModel(["It is so [1]."])
    answer = await driver(model=model, listen=events.append).answer(read_and_answer(one_step()))
    kinds = [event.kind for event in events]
    assert kinds[:3] == ["plan", "step_started", "step_finished"]
    assert kinds[-1] == "answer"
    assert set(kinds[3:-1]) == {"token"}
    assert [event.seq for event in events] == list(range(len(events)))
    assert "".join(event.text for event in events if event.kind == "token") == "It is so [1]."
    assert events[-1].answer == answer
    finished = events[2]
    assert (finished.step_id, finished.payload) == ("s1", {"rows": 1, "status": "ok", "reason": ""})
    assert {span.span_id: span.name for span in answer.trace}[finished.span_id] == "s1"


async def test_the_first_plan_is_given_without_running_it():
    docs = Docs()

    def planner(task):
        yield (Probe("x"),)
        yield (Execute(one_step()),)

    plan = await driver(docs).first_plan(Planned(planner))
    assert (plan.question, plan.steps) == ("how?", one_step().steps)
    assert docs.calls == 0


async def test_planning_stops_at_the_deadline_too():
    def planner(task):
        yield (Probe("x"),)

    with pytest.raises(BudgetExceeded, match=r"the budget of 0.05 seconds is spent"):
        await driver(Slow(), budget=Budget(seconds=0.05)).first_plan(Planned(planner))


async def test_a_failed_step_makes_the_answer_partial_whatever_the_planner_says():
    async def broken():
        raise SourceError("down")

    _, answer = await observed((Execute(one_step()),), Docs(call=broken))
    assert answer.partial
    assert "s1 brought nothing: down" in answer.notes


async def test_a_budget_of_money_says_when_the_price_is_not_known(prompts):
    actions = (Complete("mine", {"q": "hi"}),)
    _, answer = await observed(actions, model=FakeModel(["x"]), prompts=prompts, budget=Budget(usd=1.0))
    assert "the budget of 1 usd could not be held: what the model costs is not known" in answer.notes


@pytest.mark.parametrize("planner", [read_and_answer(one_step()), Planned(chats)])
@pytest.mark.parametrize("listen", [None, lambda event: None])
async def test_an_answer_that_was_cut_says_so_and_is_partial(planner, listen):
    class Cut(FakeModel):
        async def complete(self, messages, **options):
            return Reply("The leave is thir", Usage(completion_tokens=7), "length")

    answer = await driver(model=Cut([]), listen=listen).answer(planner)
    assert answer.partial
    assert "the answer was cut at 7 tokens" in answer.notes


@pytest.mark.parametrize("style", ["cited", "chain"])
async def test_no_model_is_asked_to_answer_from_nothing(style):
    def planner(task):
        (executed,) = yield (Execute(one_step()),)
        (draft,) = yield (Read(task.question, executed.evidence, style),)
        return Answer(text=draft.text)

    answer = await driver(Docs(rows=[]), model=FakeModel(["Surely."])).answer(Planned(planner))
    assert (answer.text, answer.usage.model_calls) == ("I found nothing in the sources on this.", 0)


@pytest.mark.parametrize(("listens", "asked"), [(False, 2), (True, 1)])
async def test_a_reading_is_retried_unless_a_part_of_it_was_shown_already(listens, asked):
    class BreaksOff(FakeModel):
        async def complete(self, messages, *, on_token=None, **options):
            if on_token and not self.calls:
                on_token("It ")
            return await super().complete(messages, on_token=on_token, **options)

    model = BreaksOff([ModelError("cut off", retryable=True, retry_after=0), "It is so [1]."])
    events = []
    listen = events.append if listens else None
    await driver(model=model, listen=listen).answer(read_and_answer(one_step()))
    assert len(model.calls) == asked


async def test_a_question_that_was_cut_short_before_any_step_asked_no_source():
    def planner(task):
        yield (Probe("x"),)

    answer = await driver(Slow(), budget=Budget(seconds=0.05)).answer(Planned(planner))
    assert answer.text.startswith("No source was asked")
    assert answer.partial


async def test_extraction_does_not_hold_up_the_loop(monkeypatch):
    threads = []

    def extract(question, evidence, *, embedder, form):
        threads.append(threading.current_thread())
        return Draft("x", evidence=evidence)

    monkeypatch.setattr("rag.read.extractive.extract", extract)
    await driver().answer(read_and_answer(one_step()))
    assert threads != [threading.current_thread()]


async def test_at_the_deadline_nobody_waits_for_an_extraction(monkeypatch):
    hold = threading.Event()

    def extract(question, evidence, *, embedder, form):
        if embedder is not None:
            hold.wait(20)
        return Draft("by words", evidence=evidence)

    monkeypatch.setattr("rag.read.extractive.extract", extract)
    try:
        answer = await driver(budget=Budget(seconds=0.2)).answer(read_and_answer(one_step()))
        assert not hold.is_set()
        assert (answer.text, answer.partial) == ("by words", True)
        assert answer.usage.seconds < 20
    finally:
        hold.set()


async def test_a_source_is_asked_for_its_card_once_a_question():
    class Costly(Docs):
        asked = 0

        def __getattribute__(self, name):
            Costly.asked += name == "card"
            return super().__getattribute__(name)

    source = Costly()
    tools, Costly.asked = Tools({"docs": source}), 0
    task = make_task(Asked("how?"), tools.sources, now=datetime.now(UTC))
    before = Costly.asked
    answer = await Driver(tools, task).answer(read_and_answer(one_step()))
    assert len(answer.evidence) == 1
    assert Costly.asked == before + 1  # the one is that of its own rows


async def test_a_retry_is_one_of_the_model_calls_of_the_budget(prompts):
    model = FakeModel([ModelError("busy", retryable=True, retry_after=0), "at last"])
    actions = (Complete("mine", {"q": "hi"}),)
    (seen,), answer = await observed(actions, model=model, prompts=prompts, budget=Budget(model_calls=1))
    assert str(seen.error) == "the budget of 1 model calls is spent"
    assert len(model.calls) == answer.usage.model_calls == 1


@pytest.mark.parametrize("end", [anyio.sleep_forever, None])
async def test_a_reply_that_never_came_whole_has_a_price_too(end):
    class BreaksOff(FakeModel):
        async def complete(self, messages, *, on_token, **options):
            on_token("It is ")
            if end:
                await end()
            raise ModelError("cut off")

    made = driver(model=BreaksOff([]), listen=lambda event: None, budget=Budget(seconds=0.5))
    usage = (await made.answer(read_and_answer(one_step()))).usage
    assert (usage.prompt_tokens > 10, usage.completion_tokens, usage.estimated) == (True, 2, True)


async def test_a_reply_with_half_of_a_surrogate_pair_can_be_kept_and_sent():
    model = FakeModel(["A cut \ud83d emoji."])
    answer = await driver(model=model).answer(Planned(chats))
    assert "A cut ? emoji" in answer.model_dump_json()


async def test_the_first_plan_is_the_one_that_would_run_within_the_budget():
    plan = await driver(budget=Budget(calls_per_source=1)).first_plan(read_and_answer(two_steps()))
    assert [step.id for step in plan.steps] == ["s0"]
    assert plan.notes[0].startswith("the plan cannot fit its budget: s1 asks 'docs'")


async def test_what_is_refused_for_its_cost_is_refused_for_what_was_declared_not_for_one_slow_call():
    docs = Docs()
    made = driver(docs, budget=Budget(seconds=5))
    made._tools.costs.called("docs", 60.0, [])
    answer = await made.answer(read_and_answer(one_step()))
    assert not answer.partial


@pytest.mark.parametrize(("strict", "status"), [(False, "ok"), (True, "error")])
async def test_the_questions_span_tells_which_limit_was_reached(strict, status):
    try:
        answer = await driver(budget=Budget(calls_per_source=1)).answer(read_and_answer(two_steps()), strict=strict)
    except BudgetExceeded as error:
        answer = error.partial
    span = answer.trace[0]
    assert (span.status, span.attributes["limit"], span.attributes["partial"]) == (status, "calls_per_source", True)


async def test_a_limit_that_is_reached_strictly_is_told_after_the_answer_was_kept():
    kept = []

    async def keep(answer):
        kept.append(answer)
        return answer

    with pytest.raises(BudgetExceeded) as error:
        await driver(budget=Budget(calls_per_source=1)).answer(read_and_answer(two_steps()), keep, strict=True)
    assert kept == [error.value.partial]


async def test_a_source_that_does_not_tell_how_much_it_may_hold_is_named_once_in_the_plan():
    def planner(task):
        yield Probe("how?"), Probe("why?")
        (executed,) = yield (Execute(one_step()),)
        return Answer(text="done", plan=executed.plan, notes=executed.plan.notes)

    answer = await driver(Docs(), Docs("shy", relevance=OSError("broken"))).answer(Planned(planner))
    told = "planned without word, or word in time, of how much they may hold from: shy"
    assert answer.plan.notes.count(told) == 1
    assert told in answer.notes
