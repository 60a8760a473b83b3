"""Plans as values: read, check, repair, draw, edit, save.

A plan says which sources to ask, with which arguments, and which step needs another's result
(Source: REAPER, Joshi et al. 2024, arXiv 2407.18553).
"""

from rag.plan.check import check, problems
from rag.plan.estimate import Cost, Estimate, Range
from rag.plan.refs import EVERY, ArgValue, Ref, Template, parse_value, references, text, unparse_value
from rag.plan.repair import repair
from rag.plan.schema import plan_schema
from rag.plan.value import Plan, Step
from rag.plan.written import from_model

__all__ = [
    "EVERY",
    "ArgValue",
    "Cost",
    "Estimate",
    "Plan",
    "Range",
    "Ref",
    "Step",
    "Template",
    "check",
    "from_model",
    "parse_value",
    "plan_schema",
    "problems",
    "references",
    "repair",
    "text",
    "unparse_value",
]
