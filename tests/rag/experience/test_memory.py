"""The memory of executed plans: what is kept, what is shown to whom, and what is forgotten."""

import asyncio
import sqlite3
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from rag.card import SourceCard, free_query
from rag.errors import ConfigError, PlanError, StoreError
from rag.experience import ExperienceMemory
from rag.plan import Plan, Step
from rag.types import Scope

RULES, SHOP = (SourceCard(name=name, arguments=free_query()) for name in ("rules", "shop"))
CARDS = (RULES, SHOP)
ANN = Scope(tenant="acme", user="ann")
BOB = Scope(tenant="acme", user="bob")


def plan(*cards, query="leave"):
    steps = tuple(Step(id=f"s{n}", source=card.name, args={"query": query}) for n, card in enumerate(cards, 1))
    return Plan(steps=steps, sources={card.name: card.fingerprint for card in cards})


@pytest.fixture
def path(tmp_path):
    return tmp_path / "experience.db"


@pytest.fixture
def experience():
    with ExperienceMemory.open("sqlite://") as memory:
        yield memory


def questions(memory, question="How long is parental leave?", cards=CARDS, k=9, **how):
    return [example.question for example in memory.examples(question, cards, k, **how)]


def test_an_experience_comes_back_whole_after_a_restart(path):
    made = plan(RULES, SHOP, query="Grüße ✓ $x {{y}}")
    with ExperienceMemory.open(path) as memory:
        memory.add("How long is parental leave?", made, outcome="partial", scope=ANN)
    with ExperienceMemory.open(f"sqlite:///{path}") as memory:
        (example,) = memory.examples("And sick leave?", CARDS, scope=ANN)
    assert (example.question, example.outcome) == ("How long is parental leave?", "partial")
    assert example.plan == made.replace(question="How long is parental leave?")


def test_the_nearest_comes_first_and_k_bounds_them(experience):
    for question in ("Where is my parcel?", "How long is sick leave?", "Do you sell lamps?"):
        experience.add(question, plan(RULES))
    assert questions(experience, k=1) == ["How long is sick leave?"]
    assert questions(experience, k=0) == []
    assert len(questions(experience)) == 3


def test_examples_are_unlike_each_other(experience):
    alike = ["How long is parental leave?", "How long is the parental leave?", "How many days of leave may I take?"]
    for question in alike:
        experience.add(question, plan(RULES))
    assert questions(experience, "May I take parental leave in days?", k=2) == [alike[0], alike[2]]


def test_a_complete_plan_beats_a_partial_one_that_is_as_near(experience):
    experience.add("How long is paternal leave?", plan(RULES), outcome="partial")
    experience.add("How long is maternal leave?", plan(RULES))
    assert questions(experience, "How long is paternal leave?", k=1) == ["How long is maternal leave?"]


def test_a_source_that_changed_or_is_not_there_makes_an_experience_stale(experience):
    changed = SourceCard(name="shop")
    experience.add("How long is parental leave?", plan(RULES, SHOP))
    assert questions(experience, cards=[RULES]) == []
    assert questions(experience, cards=[RULES, changed]) == []
    assert experience.vote("parental leave", [RULES, changed]) == {}
    assert questions(experience, cards=[SHOP, SourceCard(name="more"), RULES]) == ["How long is parental leave?"]


def test_the_same_question_again_takes_the_place_of_the_first(experience):
    experience.add("How long is parental leave?", plan(RULES))
    experience.add("how long is  parental Leave", plan(SHOP))
    (example,) = experience.examples("leave", CARDS)
    assert example.plan.steps[0].source == "shop"


def test_a_partial_plan_takes_the_place_of_a_complete_one_only_when_that_is_stale(experience):
    experience.add("leave?", plan(RULES))
    experience.add("leave?", plan(SHOP), outcome="partial")
    assert [example.outcome for example in experience.examples("leave?", CARDS)] == ["complete"]
    changed = SourceCard(name="rules")
    experience.add("leave?", plan(changed), outcome="partial")
    assert [example.outcome for example in experience.examples("leave?", [changed])] == ["partial"]


@pytest.mark.parametrize("made", [Plan(), Plan(steps=plan(RULES).steps)], ids=["no steps", "no fingerprints"])
def test_a_plan_that_shows_nothing_is_not_kept(experience, made):
    experience.add("How long is parental leave?", made)
    assert questions(experience) == []


def test_a_plan_that_cannot_be_put_in_order_is_refused(experience):
    with pytest.raises(PlanError):
        experience.add("leave?", Plan(steps=(Step(id="s1", source="rules", after=("s9",)),)))


def test_the_oldest_of_a_user_go_first_and_another_users_stay():
    with ExperienceMemory.open("sqlite://", most=2) as memory:
        memory.add("What is old?", plan(RULES), scope=BOB)
        for question in ("What is first?", "What is second?", "What is first?", "What is third?"):
            memory.add(question, plan(RULES), scope=ANN)
        assert sorted(questions(memory, scope=ANN)) == ["What is first?", "What is third?"]
        assert questions(memory, scope=BOB) == ["What is old?"]


SCOPES = [
    Scope(),
    Scope(tenant="acme"),
    Scope(tenant="ACME"),
    Scope(tenant="acme%"),
    ANN,
    BOB,
    Scope(tenant="rival", user="ann"),
    Scope(user="ann"),
    Scope(tenant="acme' OR '1'='1"),
    Scope(tenant="None", user="NULL"),
]


@pytest.mark.parametrize("scope", SCOPES, ids=repr)
def test_a_scope_sees_its_own_experiences_and_no_others(experience, scope):
    for other in SCOPES:
        experience.add("What is our secret?", plan(RULES, query=repr(other)), scope=other)
        experience.add(f"What is the secret of {other!r}?", plan(RULES), scope=other)
    assert set(questions(experience, scope=scope)) == {"What is our secret?", f"What is the secret of {scope!r}?"}
    (mine,) = experience.examples("What is our secret?", CARDS, 1, scope=scope)
    assert mine.plan.steps[0].args == {"query": repr(scope)}


@pytest.mark.parametrize("scope", SCOPES, ids=repr)
def test_only_the_own_experiences_vote(experience, scope):
    for other in SCOPES:
        experience.add("What is our secret?", plan(RULES if other == scope else SHOP), scope=other)
    assert set(experience.vote("What is our secret?", CARDS, scope=scope)) == {"rules"}


def test_sharing_is_asked_for_and_ends_at_the_tenant(path):
    with ExperienceMemory.open(path) as memory:
        for scope in (ANN, BOB, Scope(tenant="rival"), Scope(user="ann"), Scope()):
            memory.add(f"What does {scope!r} ask?", plan(RULES), scope=scope)
            memory.add("What does everyone ask?", plan(RULES), scope=scope)
    with ExperienceMemory.open(path, shared=True) as memory:
        seen = questions(memory, scope=Scope(tenant="acme", user="carla"))
        assert sorted(seen) == sorted(["What does everyone ask?", *(f"What does {s!r} ask?" for s in (ANN, BOB))])


def test_as_of_hides_what_was_kept_later(experience):
    experience.add("How long is parental leave?", plan(RULES))
    past = Scope(as_of=datetime.now(UTC) - timedelta(days=1))
    assert questions(experience, scope=past) == []
    assert len(questions(experience, scope=Scope(as_of=datetime.now(UTC)))) == 1


def test_a_user_is_forgotten_alone_and_a_tenant_with_its_users(experience):
    for scope in (ANN, BOB, Scope(tenant="acme"), Scope(tenant="rival"), Scope()):
        experience.add("one?", plan(RULES), scope=scope)
        experience.add("two?", plan(RULES), scope=scope)
    assert experience.forget(ANN, question="One") == 1
    assert experience.forget(ANN) == 1
    assert len(questions(experience, scope=BOB)) == 2
    assert experience.forget(Scope(tenant="acme")) == 4
    assert questions(experience, scope=BOB) == []
    assert len(questions(experience, scope=Scope(tenant="rival"))) == len(questions(experience)) == 2


def test_what_is_forgotten_is_in_no_file(path):
    with ExperienceMemory.open(path) as memory:
        memory.add("Is Xanthippe ill?", plan(RULES, query="Xanthippe"), scope=ANN)
        assert memory.forget(ANN) == 1
        assert not [file.name for file in path.parent.iterdir() if b"anthippe" in file.read_bytes()]


def test_the_vote_is_the_share_of_the_nearest_by_nearness(experience):
    assert experience.vote("How long is parental leave?", CARDS) == {}
    experience.add("How long is parental leave?", plan(RULES, SHOP))
    experience.add("How long is sick leave?", plan(RULES))
    votes = experience.vote("How long is parental leave?", CARDS, 2)
    assert list(votes) == ["rules", "shop"]
    assert votes["shop"] == pytest.approx(0.5, abs=1e-4)
    assert votes["shop"] < votes["rules"] < 1
    assert experience.vote("How long is parental leave?", CARDS, 1) == pytest.approx({"rules": 1, "shop": 1}, abs=1e-4)


class Letters:
    """An embedder that counts letters."""

    name = "letters"
    dimensions = 26

    def embed(self, texts):
        counts = np.array([[text.lower().count(chr(97 + n)) for n in range(26)] for text in texts], dtype=np.float32)
        return counts / np.linalg.norm(counts, axis=1, keepdims=True)


def test_another_embedder_finds_what_was_kept_with_the_first(path):
    with ExperienceMemory.open(path) as memory:
        memory.add("How long is parental leave?", plan(RULES))
    with ExperienceMemory.open(path, embedder=Letters()) as memory:
        memory.add("zzz", plan(RULES))
        assert questions(memory, "zz zz")[0] == "zzz"
    with ExperienceMemory.open(path) as memory:
        assert questions(memory)[0] == "How long is parental leave?"


def test_async_twins_do_the_same(path):
    async def learn():
        async with ExperienceMemory.open(path) as memory:
            await asyncio.gather(*(memory.aadd(f"leave {n}?", plan(RULES), scope=ANN) for n in range(8)))
            shown = await memory.aexamples("leave?", CARDS, 9, scope=ANN)
            return len(shown), await memory.avote("leave?", CARDS, scope=ANN), await memory.aforget(ANN)

    shown, votes, gone = asyncio.run(learn())
    assert (shown, list(votes), gone) == (8, ["rules"], 8)


def test_the_file_is_told_from_other_files(path):
    ExperienceMemory.open(path).close()
    with sqlite3.connect(path) as db:
        assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        db.execute("PRAGMA user_version = 2")
    db.close()
    with pytest.raises(StoreError, match=r"the experience memory .* by a later release"):
        ExperienceMemory.open(path)


def test_conversations_and_experiences_do_not_share_a_file(path):
    from rag.memory import Memory

    Memory.open(path).close()
    with pytest.raises(StoreError, match="something else, with tables"):
        ExperienceMemory.open(path)


def test_a_cap_below_one_is_refused():
    with pytest.raises(ConfigError, match="pass 1 or more"):
        ExperienceMemory.open("sqlite://", most=0)
