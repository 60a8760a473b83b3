"""Sums that stand in a question, worked out exactly."""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable
from decimal import Decimal, localcontext
from fractions import Fraction

__all__ = ["calculate"]

_NUMBER = r"(?:\d+(?:,\d{3})*(?:\.\d+)?|\.\d+)"
_PERCENT = r"(?:%|\bper ?cent)\s+of\b"
_SIGNS = {
    r"\bplus\b": "+",
    r"\bminus\b|[−–]": "-",
    r"\b(?:times|multiplied by)\b|[×·]": "*",
    r"\bdivided by\b|÷": "/",
    r"\bto the power of\b|\^": "**",
    _PERCENT: "/100*",
    r"(?<=\d),(?=\d{3})": "",
}
_OPERATOR = rf"(?:\*\*|[-+*/]|{'|'.join(pattern for pattern in _SIGNS if pattern[0] != '(')}|{_PERCENT})"
_OPENING = r"(?:[-+(]\s*)*"
_SUM = re.compile(rf"{_OPENING}{_NUMBER}(?:\s*\)|\s*{_OPERATOR}\s*{_OPENING}{_NUMBER})+", re.IGNORECASE)
_ASKED = re.compile(
    r"(?:\A|[.,:;!?]|\bwhat(?:['’]s| is| are)|\bhow much (?:is|are)|\b(?:calculate|compute|solve|work out))"
    r"\s*(?:the (?:sum|result|value) of\s*)?\Z",
    re.IGNORECASE,
)
_DATE = re.compile(r"\d{4}-\d{1,2}-\d{1,2}|\d{1,2}/\d{1,2}/\d{2,4}")

# A question beyond these is no small talk, and a power could take the machine's memory.
_LONGEST = 200
_LARGEST_POWER = 256
_MOST_BITS = 512

_OPERATIONS: dict[type[ast.operator], Callable[[Fraction, Fraction], Fraction]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


def calculate(question: str) -> str | None:
    """The sum that a question asks for, with its result, or None when it asks for none.

    Example:
        >>> calculate("Quick one: what is 3 times 39?")
        '3 times 39 = 117'
        >>> calculate("What is 15% of 80?")
        '15% of 80 = 12'
        >>> calculate("What is order O-1016?") is None
        True
    """
    found = _SUM.search(question) if len(question) <= _LONGEST else None
    if not found or _DATE.search(found[0]):
        return None
    if not _ASKED.search(question[: found.start()]) or re.match(r"\s*(?!please\b)\w", question[found.end() :]):
        return None
    try:
        return f"{found[0].strip()} {_shown(_value(found[0]))}"
    except ZeroDivisionError:
        return f"{found[0].strip()} has no result: nothing can be divided by zero."
    except (SyntaxError, ValueError):
        return None


def _value(written: str) -> Fraction:
    for pattern, sign in _SIGNS.items():
        written = re.sub(pattern, sign, written, flags=re.IGNORECASE)
    return _worked_out(ast.parse(written.strip(), mode="eval").body)


def _worked_out(node: ast.expr) -> Fraction:
    match node:
        case ast.Constant(value=int() | float() as value):
            return Fraction(str(value))
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_worked_out(operand)
        case ast.UnaryOp(op=ast.UAdd(), operand=operand):
            return _worked_out(operand)
        case ast.BinOp(left=left, op=ast.Pow(), right=right):
            return _power(_worked_out(left), _worked_out(right))
        case ast.BinOp(left=left, op=sign, right=right) if type(sign) in _OPERATIONS:
            return _OPERATIONS[type(sign)](_worked_out(left), _worked_out(right))
    raise ValueError("not a sum")


def _power(base: Fraction, exponent: Fraction) -> Fraction:
    bits = max(base.numerator.bit_length(), base.denominator.bit_length())
    if exponent.denominator != 1 or abs(exponent) > _LARGEST_POWER or bits * abs(exponent) > _MOST_BITS:
        raise ValueError("too large a power")
    return base ** int(exponent)


def _shown(value: Fraction) -> str:
    if value.denominator == 1:
        return f"= {value.numerator}"
    with localcontext(prec=12):
        near = Decimal(value.numerator) / Decimal(value.denominator)
    return f"{'=' if Fraction(near) == value else '≈'} {near.normalize():f}"
