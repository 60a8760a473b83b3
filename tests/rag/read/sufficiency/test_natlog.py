"""The automaton against what the relations mean: sets of things in a small world."""

from __future__ import annotations

from collections import defaultdict
from functools import cache
from itertools import combinations, product
from typing import get_args

import pytest

from rag.read.sufficiency.natlog import State, proved, step
from rag.verdict import Operator

OPERATORS: tuple[Operator, ...] = get_args(Operator)
WORLD = frozenset(range(4))
# Neither nothing nor everything: those stand in several relations at once.
SETS = [frozenset(each) for size in (1, 2, 3) for each in combinations(sorted(WORLD), size)]


def relation(one: frozenset[int], other: frozenset[int]) -> str:
    """How two sets stand to each other: one of the seven basic relations."""
    if one == other:
        return "equivalence"
    if one < other:
        return "forward_entailment"
    if one > other:
        return "reverse_entailment"
    apart, exhaustive = not one & other, one | other == WORLD
    if apart:
        return "negation" if exhaustive else "alternation"
    return "cover" if exhaustive else "independence"


@cache
def joins() -> dict[tuple[str, str], set[str]]:
    """The relations in which two sets can stand that are related over a third."""
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    for one, middle, other in product(SETS, repeat=3):
        found[relation(one, middle), relation(middle, other)].add(relation(one, other))
    return found


def meant(operators: tuple[Operator, ...]) -> State:
    possible = {"equivalence"}
    for operator in operators:
        possible = set().union(*(joins()[each, operator] for each in possible))
    if possible <= {"equivalence", "forward_entailment"}:
        return "S"
    return "R" if possible <= {"negation", "alternation"} else "N"


@pytest.mark.parametrize(("operator"), OPERATORS)
@pytest.mark.parametrize(
    ("state", "stands_for"),
    [("S", {"equivalence", "forward_entailment"}), ("R", {"negation", "alternation"})],
)
def test_each_step_is_the_join_of_what_the_state_stands_for(
    state: State, stands_for: set[str], operator: Operator
) -> None:
    after = {frozenset(joins()[each, operator]) for each in stands_for}
    certain = [
        name
        for name, kinds in {"S": {"equivalence", "forward_entailment"}, "R": {"negation", "alternation"}}.items()
        if all(each <= kinds for each in after)
    ]
    assert [step(state, operator)] == (certain or ["N"])


@pytest.mark.parametrize("operator", OPERATORS)
def test_from_not_enough_nothing_leads_back(operator: Operator) -> None:
    assert step("N", operator) == "N"


@pytest.mark.parametrize("length", [1, 2, 3, 4])
def test_every_sequence_says_no_more_than_the_relations_do(length: int) -> None:
    for operators in product(OPERATORS, repeat=length):
        state = proved(operators)
        assert state in ("N", meant(operators)), operators


@pytest.mark.parametrize("length", [1, 2, 3, 4])
def test_every_sequence_as_the_rules_are_told(length: int) -> None:
    keeps = {"S": {"equivalence", "forward_entailment"}, "R": {"equivalence", "reverse_entailment"}}
    turns = {"S": {"negation", "alternation"}, "R": {"negation"}}
    for operators in product(OPERATORS, repeat=length):
        state = "S"
        for operator in operators:
            if state == "N" or operator in turns[state]:
                state = {"S": "R", "R": "S"}.get(state, "N")
            elif operator not in keeps[state]:
                state = "N"
        assert proved(operators) == state, operators
