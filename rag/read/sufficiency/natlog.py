"""A proof in natural logic, run by an automaton: from how each part and its evidence stand to each other to a verdict.

The relations are read from the evidence to the part: forward entailment is evidence that says more than
the part, reverse entailment evidence that says less. Three states:

    S  supported so far   equivalence, forward entailment: S   negation, alternation: R   else: N
    R  refuted so far     equivalence, reverse entailment: R   negation: S                else: N
    N  not enough         stays

This is MacCartney and Manning's join of relations, with equivalence and forward entailment taken together
as S, negation and alternation as R, and all else, from which no join leads back, as N.

Source: An extended model of natural logic, MacCartney and Manning, IWCS 2009; ProoFVer, Krishna et al., TACL
2022, arXiv 2108.11357; as a retriever's stop, AdMIRaL, Aly and Vlachos, EMNLP 2022, arXiv 2212.05276.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import reduce
from typing import Final, Literal, TypeAlias

from rag.verdict import Operator, Outcome

__all__ = ["OUTCOMES", "State", "proved", "step"]

State: TypeAlias = Literal["S", "R", "N"]

OUTCOMES: Final[Mapping[State, Outcome]] = {"S": "supported", "R": "refuted", "N": "not enough"}

_STEPS: Final[Mapping[State, Mapping[Operator, State]]] = {
    "S": {"equivalence": "S", "forward_entailment": "S", "negation": "R", "alternation": "R"},
    "R": {"equivalence": "R", "reverse_entailment": "R", "negation": "S"},
    "N": {},
}


def step(state: State, operator: Operator) -> State:
    """The state after one more part."""
    return _STEPS[state].get(operator, "N")


def proved(operators: Iterable[Operator]) -> State:
    """The state after all parts, in their order; without any, nothing is shown.

    Example:
        >>> proved(["equivalence", "forward_entailment"]), proved(["equivalence", "alternation"])
        ('S', 'R')
        >>> proved(["independence", "equivalence"]), proved([])
        ('N', 'N')
    """
    given = tuple(operators)
    return reduce(step, given, "S") if given else "N"
