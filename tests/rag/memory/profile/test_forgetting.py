"""What is forgotten leaves a profile with its bytes, and killed jobs leave it whole."""

from __future__ import annotations

import threading

import pytest

from rag.memory import Memory
from rag.types import Scope, Turn

ME, BOB = Scope(tenant="acme", user="ann"), Scope(tenant="acme", user="bob")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "chat.db"


def canaries(path):
    return sum(file.read_bytes().count(b"CANARY") for file in path.parent.iterdir())


def filled(memory, scope, word):
    turns = [Turn(turn_id=f"{n}", role="user", text=f"I live in {word}{n} Town. I love jazz.") for n in range(40)]
    for n in range(0, 40, 10):
        memory.add("c", turns[n : n + 10], scope=scope)
        memory.profile.refresh(budget=200, scope=scope)


def test_no_byte_of_forgotten_turns_is_left_of_summaries_and_facts(path):
    with Memory.open(path) as memory:
        filled(memory, ME, "CANARY")
        filled(memory, BOB, "Plain")
        memory.add("c", [Turn(turn_id="last", role="user", text="I live in Rome.")], scope=ME)
        memory.profile.refresh(budget=200, scope=ME)
        assert canaries(path) > 100
        receipt = memory.forget(conversation="c", turns=[f"{n}" for n in range(40)], scope=ME)
        assert receipt.removed["derived"] > 40
        assert memory.verify(receipt)
        assert canaries(path) == 0
        assert str(memory.profile.summary(scope=ME)) == "I live in Rome."
        assert [fact.value for fact in memory.profile.facts(scope=ME)] == ["Rome"]
        assert len(memory.profile.facts("home", closed=True, scope=BOB)) == 40


def test_what_was_edited_by_hand_goes_with_its_user(path):
    with Memory.open(path) as memory:
        for scope in (ME, BOB):
            memory.profile.concepts.upsert("CANARY" if scope == ME else "Rex", info="A dog.", scope=scope)
        memory.profile.concepts.delete("CANARY", scope=ME)
        receipt = memory.forget(whole="user", scope=ME)
        assert (memory.verify(receipt), canaries(path)) == (True, 0)
        assert [one.name for one in memory.profile.concepts.all(scope=BOB)] == ["Rex"]


def test_jobs_that_meet_leave_the_profile_that_one_would(path):
    failures = []

    def refreshed():
        try:
            with Memory.open(path) as memory:
                memory.profile.refresh(budget=200, scope=ME)
        except Exception as error:
            failures.append(error)

    with Memory.open(path) as memory:
        filled(memory, ME, "Plain")
        before = memory.profile.facts(closed=True, scope=ME), memory.profile.summary(scope=ME)
        memory.add("c", [Turn(role="user", text="I love tea.")], scope=ME)
        jobs = [threading.Thread(target=refreshed) for _ in range(4)]
        for job in jobs:
            job.start()
        for job in jobs:
            job.join()
        assert failures == []
        facts = memory.profile.facts(closed=True, scope=ME)
        assert [fact.value for fact in facts if fact not in before[0]] == ["tea"]
        assert "I love tea." in str(memory.profile.summary(scope=ME))
        memory.profile.refresh(budget=200, scope=ME)
        assert memory.profile.facts(closed=True, scope=ME) == facts
