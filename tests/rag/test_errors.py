"""The error tree: as drawn, as classes."""

import inspect
import re

import pytest

from rag import errors


def _drawn() -> dict[str, tuple[str, str | None]]:
    """Each drawn error with its parent and the built-in that it also is."""
    drawn, parents = {}, {0: "Exception"}
    for line in (errors.__doc__ or "").splitlines():
        if match := re.match(r"^([\s│├└─]*)([A-Z]\w+)(?: \((\w+)\))?$", line):
            depth = (len(match[1]) - 4) // 4 + 1
            drawn[match[2]] = (parents[depth - 1], match[3])
            parents[depth] = match[2]
    return drawn


def _classes() -> dict[str, type[Exception]]:
    return {n: c for n, c in vars(errors).items() if inspect.isclass(c) and issubclass(c, Exception)}


def test_the_drawing_is_the_tree():
    found = {
        name: (cls.__bases__[0].__name__, cls.__bases__[1].__name__ if len(cls.__bases__) > 1 else None)
        for name, cls in _classes().items()
    }
    assert _drawn() == found


def test_every_error_is_exported():
    assert errors.__all__ == sorted(_classes())


@pytest.mark.parametrize("cls", list(_classes().values()), ids=lambda cls: cls.__name__)
def test_every_error_prints_its_message(cls):
    assert str(cls("what, where, what next")) == "what, where, what next"
