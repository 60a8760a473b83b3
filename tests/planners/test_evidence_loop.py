"""The evidence loop: what is missing is searched for, what is enough is read, once, at the end."""

import pytest
from pydantic import BaseModel

from planners.direct import Direct
from planners.evidence_loop import EvidenceLoop
from rag import Assistant
from rag.card import SourceCard
from rag.errors import ConfigError, SourceError
from rag.plan import Plan, Ref, Step
from rag.protocols import Assess, Complete, Completion, Draft, Execute, Executed, Failed, Probe, Read, Relevance, Task
from rag.testing import FakeModel, FakeSource
from rag.types import Answer, Budget, Evidence, EvidenceItem, Passage
from rag.verdict import Part, Verdict

QUESTION = "Where was the director of Alien born?"
ALIEN = ("Alien", "Alien is a film of 1979. The director was Ridley Scott.")
SCOTT = ("Ridley Scott", "Ridley Scott was born in South Shields.")
NOTHING = Verdict(outcome="not enough", by="coverage", parts=(Part(text="born"),))
ENOUGH = Verdict(outcome="supported", by="coverage", score=1.0)


def item(title: str, text: str, step: str = "s1", round: int = 1) -> EvidenceItem:
    passage = Passage(doc_id=title, chunk_id=f"{title}#0", title=title, text=text, source="docs")
    return EvidenceItem(passage=passage, step_id=step, round=round)


def evidence(*passages: tuple[str, str], round: int = 1) -> Evidence:
    return Evidence(items=tuple(item(*passage, round=round) for passage in passages))


class Fixed:
    """A planner of one given plan."""

    def __init__(self, *steps: Step) -> None:
        self._plan = Plan(steps=steps)

    def plan(self, task: Task):
        (executed,) = yield (Execute(self._plan),)
        (draft,) = yield (Read(task.question, executed.evidence),)
        return Answer(text=draft.text)


class Played:
    """Plays the driver: each kind of action is answered by a function, or by an observation; all are kept."""

    def __init__(self, planner, task, **answers):
        self.actions, self._answers = [], answers
        steps = planner.plan(task)
        try:
            actions = next(steps)
            while True:
                self.actions += actions
                actions = steps.send(tuple(self._seen(action) for action in actions))
        except StopIteration as done:
            self.answer = done.value

    def _seen(self, action):
        found = self._answers.get(type(action).__name__.lower(), Draft("…"))
        return found(action) if callable(found) else found

    def of(self, kind):
        return [action for action in self.actions if isinstance(action, kind)]

    @property
    def queries(self):
        return [[step.args.get("query") for step in each.plan.steps] for each in self.of(Execute)]


def found(*rounds: Evidence):
    return lambda action: Executed(action.plan, rounds[min(action.round, len(rounds)) - 1])


def judged(*verdicts: Verdict):
    left = iter(verdicts)
    return lambda _: next(left)


@pytest.fixture
def play(task, texts):
    def played(planner, rounds, verdicts=(NOTHING,) * 9, question=QUESTION, cards=None, more=None, **answers):
        made = task(question, cards or texts("docs"), **(more or {}))
        return Played(planner, made, execute=found(*rounds), assess=judged(*verdicts), **answers)

    return played


def test_the_next_query_is_what_the_passage_lacks_and_the_names_it_adds(play):
    run = play(EvidenceLoop(Direct()), [evidence(ALIEN), evidence(SCOTT, round=2)])
    assert run.queries == [[QUESTION], ["born Ridley Scott"]]
    assert [(i.passage.title, i.round) for i in run.answer.evidence.items] == [("Alien", 1), ("Ridley Scott", 2)]


def test_all_that_was_found_is_read_once_at_the_end(play):
    run = play(EvidenceLoop(Direct()), [evidence(ALIEN), evidence(SCOTT, round=2)])
    (read,) = run.of(Read)
    assert read == Read(QUESTION, run.answer.evidence, "cited")
    assert isinstance(run.actions[-1], Read)


def test_the_verdict_stands_in_the_answer_and_the_notes_tell_what_is_missing(play):
    run = play(EvidenceLoop(Direct()), [evidence(ALIEN), evidence(SCOTT, round=2)])
    assert run.answer.verdict == NOTHING
    assert "not enough after round 2; missing: born" in run.answer.notes


def test_passages_that_are_enough_and_hold_together_end_the_search(play):
    run = play(EvidenceLoop(Direct()), [evidence(ALIEN, SCOTT)], [ENOUGH])
    assert len(run.of(Execute)) == 1
    assert run.answer.notes[-1] == "enough after round 1"


def test_what_is_enough_by_the_verdict_alone_is_searched_once_more(play):
    run = play(EvidenceLoop(Direct()), [evidence(ALIEN), evidence(SCOTT, round=2)], [ENOUGH, ENOUGH])
    assert len(run.of(Execute)) == 2
    assert run.answer.notes[-1] == "enough after round 2"


def test_the_search_ends_when_a_round_brings_nothing_new(play):
    run = play(EvidenceLoop(Direct(), rounds=5), [evidence(ALIEN)])
    assert len(run.of(Execute)) == 2
    assert run.answer.notes[-1] == "round 2 brought nothing new"


def test_each_later_round_keeps_as_many_new_passages_as_the_first_brought(play):
    many = [(f"Town {n}", "A town.") for n in range(9)]
    run = play(EvidenceLoop(Direct()), [evidence(ALIEN, *many[:1]), evidence(ALIEN, *many, round=2)])
    assert [i.passage.title for i in run.answer.evidence.items] == ["Alien", "Town 0", "Town 1", "Town 2"]


def test_a_third_round_leads_on_from_what_the_second_found(play):
    wife = ("Felicity Heywood", "Felicity Heywood was born in Leeds.")
    scott = ("Ridley Scott", "Ridley Scott married Felicity Heywood.")
    question = "Where was the wife of the director of Alien born?"
    rounds = [evidence(ALIEN), evidence(scott, round=2), evidence(wife, round=3)]
    run = play(EvidenceLoop(Direct(), rounds=3), rounds, question=question)
    assert run.queries[2] == ["wife director Alien born Ridley Scott Felicity Heywood"]
    assert len(run.answer.evidence) == 3


def test_things_that_no_passage_is_about_are_searched_by_name(play):
    mosque = ("Laleli Mosque", "A mosque in Laleli.")
    run = play(
        EvidenceLoop(Direct()), [evidence(mosque)], question="Are the Laleli Mosque and Esma Sultan Mansion close?"
    )
    assert "Esma Sultan Mansion" in run.queries[1]


def test_where_no_name_leads_on_the_missing_parts_are_the_query(play):
    run = play(EvidenceLoop(Direct()), [evidence(("", "It weighs two kilos."))], question="is it waterproof?")
    assert run.queries[1] == ["born"]


def test_a_round_that_fails_leaves_what_was_found_before_it(play, task, texts):
    broken = Failed(SourceError("down"))
    run = Played(
        EvidenceLoop(Direct()),
        task(QUESTION, texts("docs")),
        execute=lambda action: Executed(action.plan, evidence(ALIEN)) if action.round == 1 else broken,
        assess=NOTHING,
    )
    assert run.answer.text == "…"
    assert "round 2 failed: what was found before it stands (down)" in run.answer.notes


def test_a_first_round_that_fails_raises(task, texts):
    with pytest.raises(SourceError):
        Played(EvidenceLoop(Direct()), task(QUESTION, texts("docs")), execute=Failed(SourceError("down")))


def test_a_check_that_fails_ends_nothing(task, texts):
    rounds = found(evidence(ALIEN), evidence(SCOTT, round=2))
    run = Played(EvidenceLoop(Direct()), task(QUESTION, texts("docs")), execute=rounds, assess=Failed(SourceError("x")))
    assert len(run.of(Execute)) == 2
    assert run.answer.verdict is None
    assert run.answer.notes[-1] == "2 rounds of retrieval; the evidence could not be judged"


@pytest.mark.parametrize("text", ["None of them.", "enough", "SUPPORTED", "So the answer is none."])
def test_no_word_of_a_passage_ends_the_search(play, text):
    run = play(EvidenceLoop(Direct()), [evidence(("Alien", f"{text} It was Ridley Scott.")), evidence(SCOTT, round=2)])
    assert len(run.of(Execute)) == 2


def test_only_steps_that_search_by_words_are_asked_again(play, texts):
    class Lookup(BaseModel):
        order_id: str | None = None
        query: str | None = None

    mail = SourceCard(name="mail", arguments=texts("docs")[0].arguments, idempotent=False)
    steps = (
        Step(id="s1", source="orders", args={"order_id": "O-1"}),
        Step(id="s2", source="docs", args={"query": Ref("s1", ("title",))}),
        Step(id="s3", source="docs", args={"query": "a"}, if_empty="s1"),
        Step(id="s4", source="mail", args={"query": "b"}),
    )
    cards = (SourceCard(name="orders", arguments=Lookup), *texts("docs"), mail)
    run = play(EvidenceLoop(Fixed(*steps)), [evidence(ALIEN), evidence(SCOTT, round=2)], cards=cards)
    assert [(step.source, step.args) for step in run.of(Execute)[1].plan.steps] == [
        ("docs", {"query": "born Ridley Scott"})
    ]


def test_a_source_that_may_hold_more_is_asked_in_a_later_round(play, texts):
    step = Step(id="s1", source="docs", args={"query": QUESTION})
    run = play(
        EvidenceLoop(Fixed(step)),
        [evidence(ALIEN), evidence(SCOTT, round=2)],
        cards=texts("docs", "people", "shop"),
        probe=Relevance({"docs": 0.2, "people": 0.9, "shop": 0.1}),
    )
    assert run.of(Probe) == [Probe("born Ridley Scott")]
    assert [step.source for step in run.of(Execute)[1].plan.steps] == ["docs", "people"]


def test_a_question_that_names_its_sources_is_kept_to_them(play, texts):
    step = Step(id="s1", source="Wired", args={"query": QUESTION})
    cards = texts("Wired", "The Verge")
    run = play(
        EvidenceLoop(Fixed(step)), [evidence(ALIEN)], question="What did Wired say of Alien by Ridley?", cards=cards
    )
    assert run.of(Probe) == []


def test_the_model_may_write_a_query_by_one_call(play):
    reply = Completion('{"known": "Ridley Scott directed it.", "next": "Where was Ridley Scott born?"}')
    rounds = [evidence(ALIEN), evidence(SCOTT, round=2)]
    run = play(EvidenceLoop(Direct(), asks=True), rounds, more={"model": True}, complete=reply)
    (asked,) = run.of(Complete)
    assert (asked.prompt, asked.values["missing"]) == ("followup", "born")
    assert run.queries[1] == ["Where was Ridley Scott born?", "born Ridley Scott"]


@pytest.mark.parametrize("reply", [Completion("no idea"), Completion('{"next": 3}'), Failed(SourceError("down"))])
def test_a_query_that_the_model_does_not_write_is_done_without(play, reply):
    rounds = [evidence(ALIEN), evidence(SCOTT, round=2)]
    run = play(EvidenceLoop(Direct(), asks=True), rounds, more={"model": True}, complete=reply)
    assert run.queries[1] == ["born Ridley Scott"]


def test_no_query_is_written_on_the_call_that_has_to_read(play):
    more = {"model": True, "budget": Budget(model_calls=1)}
    run = play(EvidenceLoop(Direct(), asks=True), [evidence(ALIEN), evidence(SCOTT, round=2)], more=more)
    assert run.of(Complete) == []


@pytest.mark.parametrize("steps", [(), (Step(id="s1", source="orders", args={"order_id": "O-1"}),)])
def test_where_nothing_is_searched_by_words_the_inner_planner_ends_as_it_would(play, steps):
    class Lookup(BaseModel):
        order_id: str | None = None

    cards = (SourceCard(name="orders", arguments=Lookup),)
    run = play(EvidenceLoop(Fixed(*steps)), [evidence(ALIEN)], cards=cards)
    assert run.of(Assess) == []
    assert run.answer.verdict is None


def test_one_round_is_the_inner_planner_alone(play):
    run = play(EvidenceLoop(Direct(), rounds=1), [evidence(ALIEN)])
    assert [type(action) for action in run.actions] == [Execute, Read]


def test_no_rounds_cannot_be():
    with pytest.raises(ConfigError, match="rounds is 0"):
        EvidenceLoop(Direct(), rounds=0)


async def test_end_to_end_two_rounds_cost_one_call_of_the_model():
    rows = {"born Ridley Scott": [{"title": SCOTT[0], "text": SCOTT[1]}]}
    docs = FakeSource("docs", lambda args: rows.get(args["query"], [{"title": ALIEN[0], "text": ALIEN[1]}]))
    model = FakeModel(["He was born in South Shields [2]."])
    async with Assistant([docs], model=model, planner="direct", rounds=2) as assistant:
        answer = await assistant.aask(QUESTION)
    assert answer.text == "He was born in South Shields [1]."
    assert (answer.usage.model_calls, answer.usage.source_calls) == (1, 2)
    assert answer.citations[0].passage.title == "Ridley Scott"
    assert [i.query for i in answer.evidence.items] == [QUESTION, "born Ridley Scott"]
    assert answer.verdict is not None


def test_what_a_reader_says_of_a_claim_stands_before_what_was_found_of_its_words(play):
    said = Verdict(outcome="refuted", by="reader")
    run = play(EvidenceLoop(Direct(), rounds=2), [evidence(ALIEN), evidence(SCOTT)], read=Draft("No.", verdict=said))
    assert run.answer.verdict == said
