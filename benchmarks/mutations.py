"""Ways in which a plan goes wrong: texts cut and spliced, and parts of its JSON replaced by what nobody expects."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable, Iterator
from typing import Any

__all__ = ["FAMILIES", "HOSTILE", "mutated", "mutated_text"]


def _deep(depth: int, inner: Any = "$s1.title") -> Any:
    for n in range(depth):
        inner = [inner] if n % 2 else {"a": inner}
    return inner


HOSTILE: tuple[Any, ...] = (
    None, True, False, 0, -1, 1.5, 1e308, 10**30, float("nan"), float("inf"), "", " ", "\x00", "\ud800", "٣", "²",
    "\u202e\u200b", "x" * 5000, "$" * 200, "$s1", "$s1.title", "$s1[*].title", "$s1[*]", "$s2[*].items[*].sku",
    "$$s1.x", "$s1.title$", "{{s1.title}}", "<s1.title>", "s1.title", "$s1.0.title", "$s1[-1].x", "$s1[999999999]",
    "$s1[٣].x", '$s1["a\\"b"].c', "$s1['x']", "$s9.title", "$shop.title", "$s1.items.sku", "$s1.nothing", "$s1.",
    "$s1.result.title", "$s1[", "${s1.title", "{{", "s1", ["s1"], {"s1": "s1"}, [], {}, [[[]]],
    ["$s1[*].title", "$s2[*].title"], {"a": ["$s1.title", {"b": "$s2[*].id"}]}, _deep(30), _deep(45), _deep(300),
)  # fmt: skip

_NAMES = (
    "id",
    "source",
    "args",
    "after",
    "if_empty",
    "steps",
    "query",
    "ids",
    "limit",
    "filters",
    "name",
    "arguments",
    "x",
)


def mutated(plan: Any, draw: random.Random) -> str:
    """The text of a plan with some of its parts replaced, moved, renamed or repeated, and sometimes cut."""
    plan = copy.deepcopy(plan)
    for _ in range(draw.choice((1, 1, 2, 3, 6))):
        plan = draw.choice(_CHANGES)(plan, draw)
    text = json.dumps(plan, ensure_ascii=draw.random() < 0.5)
    if draw.random() < 0.05:
        text = text.replace('"id"', '"id": 1e999, "id"', 1)
    return mutated_text(text, draw) if draw.random() < 0.3 else text


def mutated_text(text: str, draw: random.Random) -> str:
    """The text cut, spliced, repeated or surrounded."""
    start, end = sorted((draw.randrange(len(text) + 1), draw.randrange(len(text) + 1)))
    noise = draw.choice(("{", "}", "[", "]", '"', ",", ":", "\\", "$", "null", "NaN", '{"steps": [', "\n", "é", "```"))
    match draw.randrange(7):
        case 0:
            return text[:end]
        case 1:
            return text[:start] + text[end:]
        case 2:
            return text[:start] + noise + text[start:]
        case 3:
            return text[:end] + text[start:]
        case 4:
            return f"Sure! Here is the plan:\n```json\n{text}\n```\nAnything {{else}}?"
        case 5:
            return text[:start] + text[start:end].replace('"', draw.choice(("'", "“"))) + text[end:]
        case _:
            return text + text


def _parts(value: Any) -> Iterator[tuple[Any, Any]]:
    """Each list or object of a value with a place in it."""
    pending = [value]
    while pending:
        part = pending.pop()
        places = list(part) if isinstance(part, dict) else range(len(part)) if isinstance(part, list) else ()
        for place in places:
            yield part, place
            pending.append(part[place])


def _somewhere(plan: Any, draw: random.Random) -> tuple[Any, Any] | None:
    parts = list(_parts(plan))
    return draw.choice(parts) if parts else None


def _replaced(plan: Any, draw: random.Random) -> Any:
    if spot := _somewhere(plan, draw):
        spot[0][spot[1]] = copy.deepcopy(draw.choice(HOSTILE))
    return plan


def _renamed(plan: Any, draw: random.Random) -> Any:
    if (spot := _somewhere(plan, draw)) and isinstance(spot[0], dict):
        name = draw.choice((*_NAMES, "$s1.x", "", "\ud800", "y" * 300))
        spot[0][name] = spot[0].pop(spot[1])
    return plan


def _dropped(plan: Any, draw: random.Random) -> Any:
    if spot := _somewhere(plan, draw):
        del spot[0][spot[1]]
    return plan


def _swapped(plan: Any, draw: random.Random) -> Any:
    one, other = _somewhere(plan, draw), _somewhere(plan, draw)
    if one and other:
        value = copy.deepcopy(other[0][other[1]])
        one[0][one[1]] = value
    return plan


def _starred(plan: Any, draw: random.Random) -> Any:
    """`[*]` on every reference, or a reference in place of every text."""
    text = draw.choice((None, "$s1[*].title", "$s1[*].items[*].sku"))
    for part, place in list(_parts(plan)):
        if isinstance(part, dict) and place in ("id", "source"):
            continue
        if isinstance(part[place], str):
            part[place] = text or part[place].replace(".", "[*].").replace("[0]", "[*]")
    return plan


def _crowded(plan: Any, draw: random.Random) -> Any:
    steps = plan.get("steps") if isinstance(plan, dict) else None
    if isinstance(steps, list) and steps:
        plan["steps"] = [copy.deepcopy(draw.choice(steps)) for _ in range(draw.choice((2, 5, 20, 60)))]
        if draw.random() < 0.7:
            plan["steps"] = [{**s, "id": f"s{n}"} if isinstance(s, dict) else s for n, s in enumerate(plan["steps"], 1)]
    return plan


def _waiting(plan: Any, draw: random.Random) -> Any:
    steps = plan.get("steps") if isinstance(plan, dict) else None
    for step in steps if isinstance(steps, list) else ():
        if isinstance(step, dict):
            name = f"s{draw.randrange(6)}"
            step[draw.choice(("after", "if_empty", "depends_on"))] = draw.choice((name, [name], [name, "s9"], "s1, s2"))
    return plan


_CHANGES: tuple[Callable[[Any, random.Random], Any], ...] = (
    _replaced, _replaced, _replaced, _renamed, _dropped, _swapped, _starred, _crowded, _waiting,
)  # fmt: skip


def _many(n: int, **more: Any) -> str:
    steps = [{"id": f"s{i}", "source": "shop", "args": {}} | {k: f(i) for k, f in more.items()} for i in range(n)]
    return json.dumps({"steps": steps})


def _one(args: Any) -> str:
    return json.dumps({"steps": [{"id": "s1", "source": "shop", "args": args}]})


FAMILIES: dict[str, Callable[[int], str]] = {
    "many steps": lambda n: _many(n // 50),
    "ring of steps": lambda n: _many(n // 50, after=lambda i: [f"s{(i + 1) % (n // 50)}"]),
    "chain of references": lambda n: _many(n // 50, args=lambda i: {"query": f"$s{i - 1}.title"}),
    "strange ids": lambda n: json.dumps({"steps": [{"id": f"step {i}", "source": "shop"} for i in range(n // 50)]}),
    "one id for all": lambda n: json.dumps({"steps": [{"id": "s1", "source": "shop"}] * (n // 50)}),
    "long id": lambda n: json.dumps({"steps": [{"id": "x" * n, "source": "shop", "args": {"query": f"${'x' * n}.a"}}]}),
    "long source": lambda n: json.dumps({"steps": [{"id": "s1", "source": "shop" * (n // 4)}]}),
    "long text": lambda n: _one({"query": "a $s1 {{ <s1 " * (n // 12)}),
    "many references": lambda n: _one({"query": "$s1.title " * (n // 10)}),
    "many dollars": lambda n: _one({"query": "$" * n}),
    "long path": lambda n: _one({"query": "$s1" + ".a" * (n // 2)}),
    "braces in a text": lambda n: _one({"query": "{" * n + "s1.a"}),
    "angles in a text": lambda n: _one({"query": "<s1.a" * (n // 5)}),
    "spaces in braces": lambda n: _one({"query": "{{ " + " " * n + "s1"}),
    "many arguments": lambda n: _one({f"argument{i}": "x" for i in range(n // 10)}),
    "one argument again": lambda n: _one({"x": 1}).replace('"x": 1', '"query": 1, ' * (n // 12) + '"x": 1'),
    "wide list": lambda n: _one({"ids": ["$s1[*].title"] * (n // 15)}),
    "deep list": lambda n: '{"steps": [{"id": "s1", "source": "shop", "args": {"ids": ' + "[" * n + "]" * n + "}}]}",
    "deep objects": lambda n: '{"steps": ' + '{"a":' * (n // 5),
    "open brackets": lambda n: '{"steps": ' + "[" * n,
    "open braces": lambda n: "{" * n,
    "open texts": lambda n: '{"' * (n // 2),
    "broken objects": lambda n: '{"steps": [{"a": 1, ' * (n // 20),
    "digits": lambda n: '{"steps": [{"id": "s1", "source": "shop", "args": {"limit": ' + "9" * n + "}}]}",
    "many plans": lambda n: '{"steps": 1} ' * (n // 13),
}  # fmt: skip
"""Texts of a chosen size (characters, about), each of a kind that a careless reader takes too long over."""
