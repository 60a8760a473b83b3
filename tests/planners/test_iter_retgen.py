"""Iter-RetGen: the whole draft and the question are the next query; only a round's own passages are read."""

import pytest
from pydantic import BaseModel

from planners.direct import Direct
from planners.iter_retgen import IterRetGen
from rag.card import SourceCard
from rag.errors import BudgetExceeded, ConfigError
from rag.plan import Plan, Ref, Step, text
from rag.protocols import Draft, Execute, Executed, Failed, Planner, Read, Task
from rag.types import Answer, Evidence, EvidenceItem, Passage

QUESTION = "Who wrote it?"


def _found(name: str, round: int = 1) -> Evidence:
    passage = Passage(doc_id=name, chunk_id=f"{name}#0", text=name, source="docs")
    return Evidence(items=(EvidenceItem(passage=passage, step_id="s1", round=round),))


class Fixed:
    """A planner of one given plan."""

    def __init__(self, *steps: Step) -> None:
        self._plan = Plan(steps=steps)

    def plan(self, task: Task):
        (executed,) = yield (Execute(self._plan),)
        (draft,) = yield (Read(task.question, executed.evidence),)
        return Answer(text=draft.text)


@pytest.fixture
def run(task, texts):
    """Plays the driver: what was asked and read in each round, and the answer."""

    def play(planner: Planner, drafts: list, cards=None, evidence=lambda n: _found(f"d{n}", n)):
        steps = planner.plan(task(QUESTION, cards or texts("docs")))
        plans, reads, (action,) = [], [], next(steps)
        try:
            while True:
                if isinstance(action, Execute):
                    plans.append(action)
                    seen = Executed(action.plan, evidence(action.round))
                else:
                    reads.append(action)
                    seen = drafts[len(reads) - 1]
                (action,) = steps.send((seen,))
        except StopIteration as done:
            return plans, reads, done.value

    return play


def _queries(plans: list[Execute]) -> list[object]:
    return [step.args.get("query") for execute in plans for step in execute.plan.steps]


def test_the_whole_draft_and_the_question_are_the_next_query(run):
    drafts = [Draft("It was Mary [1]. So the answer is Mary."), Draft("It was Mary Shelley.")]
    plans, reads, answer = run(IterRetGen(Direct()), drafts)
    assert _queries(plans) == [QUESTION, f"It was Mary. So the answer is Mary. {QUESTION}"]
    assert [execute.round for execute in plans] == [1, 2]
    assert reads == [Read(QUESTION, _found("d1", 1), "chain"), Read(QUESTION, _found("d2", 2), "chain")]
    assert answer.text == "It was Mary Shelley."


def test_the_answer_keeps_the_passages_of_all_rounds(run):
    _, _, answer = run(IterRetGen(Direct(), rounds=3), [Draft("a"), Draft("b"), Draft("c")])
    assert [(item.passage.doc_id, item.round) for item in answer.evidence.items] == [("d1", 1), ("d2", 2), ("d3", 3)]
    assert "3 rounds of retrieval and generation" in answer.notes
    assert answer.plan.steps[0].args == {"query": QUESTION}


def test_one_round_reads_by_the_same_prompt(run):
    plans, reads, answer = run(IterRetGen(rounds=1), [Draft("a")])
    assert (len(plans), reads[0].style, answer.text) == (1, "chain", "a")
    assert "1 round of retrieval and generation" in answer.notes


def test_no_rounds_cannot_be():
    with pytest.raises(ConfigError, match="rounds is 0"):
        IterRetGen(Direct(), rounds=0)


@pytest.mark.parametrize("draft", ["None of them.", "There is none", "I do not know", ""])
def test_no_word_of_a_draft_ends_the_rounds(run, draft):
    plans, _, _ = run(IterRetGen(Direct()), [Draft(draft), Draft("Mary")])
    assert len(plans) == 2


def test_a_round_that_finds_nothing_leaves_the_draft_before_it(run):
    _, reads, answer = run(
        IterRetGen(Direct(), rounds=3), [Draft("a")], evidence=lambda n: _found("d1") if n == 1 else Evidence()
    )
    assert (len(reads), answer.text) == (1, "a")
    assert "round 2 found nothing: the draft before it stands" in answer.notes


def test_a_round_that_fails_leaves_the_draft_before_it(run):
    _, _, answer = run(IterRetGen(Direct()), [Draft("a"), Failed(BudgetExceeded("no tokens left"))])
    assert answer.text == "a"
    assert "round 2 failed: the draft before it stands (no tokens left)" in answer.notes


def test_a_first_round_that_fails_raises(run):
    with pytest.raises(BudgetExceeded):
        run(IterRetGen(Direct()), [Failed(BudgetExceeded("no tokens left"))])


class Lookup(BaseModel):
    order_id: str | None = None
    query: str | None = None


def test_lookups_are_not_repeated_nor_are_stand_ins(run, texts):
    cards = (SourceCard(name="orders", arguments=Lookup), *texts("docs"))
    inner = Fixed(
        Step(id="s1", source="orders", args={"order_id": "O-1", "query": "lamp"}),
        Step(id="s2", source="docs", args={"query": text("light of ", Ref("s1", ("title",)))}),
        Step(id="s3", source="docs", args={"query": "light"}, if_empty="s1"),
    )
    plans, _, _ = run(IterRetGen(inner), [Draft("y"), Draft("z")], cards)
    assert [(s.id, s.args) for s in plans[1].plan.steps] == [("s2", {"query": f"y {QUESTION}"})]


def test_what_may_change_something_is_not_done_in_a_later_round(run, texts):
    mail = SourceCard(name="mail", arguments=texts("docs")[0].arguments, idempotent=False)
    steps = (Step(id="s1", source="docs", args={"query": "a"}), Step(id="s2", source="mail", args={"query": "b"}))
    plans, _, _ = run(IterRetGen(Fixed(*steps)), [Draft("a"), Draft("b")], cards=(*texts("docs"), mail))
    assert [[step.source for step in execute.plan.steps] for execute in plans] == [["docs", "mail"], ["docs"]]


def test_a_lookup_whose_rows_another_argument_needs_is_done_again(run):
    class Reviews(BaseModel):
        product_id: str
        query: str

    cards = (SourceCard(name="orders", arguments=Lookup), SourceCard(name="reviews", arguments=Reviews))
    inner = Fixed(
        Step(id="s1", source="orders", args={"order_id": "O-1"}),
        Step(id="s2", source="reviews", args={"product_id": Ref("s1", ("product_id",)), "query": "light"}),
    )
    plans, _, _ = run(IterRetGen(inner), [Draft("y"), Draft("z")], cards)
    assert [step.id for step in plans[1].plan.steps] == ["s1", "s2"]
    assert plans[1].plan.step("s2").args == {"product_id": Ref("s1", ("product_id",)), "query": f"y {QUESTION}"}
    assert len(plans[1].plan.order) == 2


@pytest.mark.parametrize("steps", [(), (Step(id="s1", source="orders", args={"order_id": "O-1"}),)])
def test_where_nothing_is_searched_by_words_the_inner_planner_ends_as_it_would(run, steps):
    plans, reads, answer = run(IterRetGen(Fixed(*steps)), [Draft("a")], (SourceCard(name="orders", arguments=Lookup),))
    assert (len(plans), reads[0].style, answer.text) == (1, "cited", "a")


def test_failures_of_a_later_round_are_told_apart(task, texts):
    steps = IterRetGen(Direct()).plan(task(QUESTION, texts("docs")))
    (first,) = next(steps)
    steps.send((Executed(first.plan, _found("d1")),))
    (second,) = steps.send((Draft("y"),))
    steps.send((Executed(second.plan, _found("d2"), {"s1": "timed out"}),))
    with pytest.raises(StopIteration) as done:
        steps.send((Draft("z"),))
    assert done.value.value.partial
    assert "s1 of round 2 brought nothing: timed out" in done.value.value.notes
