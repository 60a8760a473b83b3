"""The contract of a source: run it over an adapter of your own.

Each check raises an AssertionError that says what was expected of the source, and nothing else does
when all is well:

    async def test_my_source():
        await check_source(my_source, {"query": "lamp"})
        await check_scope(make_my_source, lambda text: {"query": text})
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from rag.errors import ScopeError, SourceError
from rag.protocols import Relevant, Row, Source
from rag.types import Scope

__all__ = ["Owned", "check_scope", "check_source"]

_LONGEST_BLOCK: Final = 1.0  # seconds that a call may keep the event loop from other work
_AT_ONCE: Final = 8

_NEIGHBOURS: Final = (
    "acme", "acme2", "acm", "acme ", " acme", "ACME", "ac_e", "a%", "%", "acme%", "acme' OR '1'='1", "acme\\", "acme/",
)  # fmt: skip
"""Names that are taken for each other by a prefix, a wildcard, letter case, blanks or missing quotes."""


@dataclass(frozen=True, slots=True)
class Owned:
    """A record that belongs to one tenant and user alone, known by its text."""

    tenant: str
    user: str
    text: str


async def check_source(
    source: Source,
    args: Mapping[str, Any],
    *,
    scope: Scope | None = None,
    longest_block: float = _LONGEST_BLOCK,
) -> None:
    """Hold a source to what the runtime relies on: its card, its rows, bad arguments, concurrency, cancellation.

    Args:
        source: the source; it is left open.
        args: arguments that bring at least one row, the same ones each time.
        scope: the scope to ask in.
        longest_block: seconds that a call may keep the event loop from other work.

    Raises:
        AssertionError: the source does not keep the contract; the message says where.
    """
    scope = scope or Scope()
    _check_card(source, args)
    rows = await source.call(args, scope)
    _expect(len(rows) > 0, "these args bring no row; give check_source args that do")
    _check_rows(source, rows)
    for bad in _bad_arguments(source, args):
        await _check_refused(source, bad, scope)
    await _check_concurrency(source, args, scope, longest_block)
    await _check_cancellation(source, args, scope)
    _expect(await source.call(args, scope) == rows, "the source brings other rows after a call was cancelled")


def _check_card(source: Source, args: Mapping[str, Any]) -> None:
    card = source.card
    _expect(isinstance(source, Source), "the source lacks `card` or `call`")
    _expect(card.name.isprintable() and bool(card.name.strip()), f"the name {card.name!r} is not printable text")
    _expect(source.card == card, "the card changes from one look to the next")
    unknown = sorted(args.keys() - card.properties.keys())
    _expect(not unknown, f"the card does not list the arguments {unknown}")
    json.dumps(card.argument_schema, allow_nan=False)
    json.dumps(card.output, allow_nan=False)
    _expect(not (card.shared and card.enforces), "the source is declared shared, and to keep to a scope too")


def _check_rows(source: Source, rows: Sequence[Row]) -> None:
    declared = source.card.output
    for row in rows:
        _expect(isinstance(row, dict), f"a row is a {type(row).__name__}, not a dictionary")
        _expect(all(isinstance(name, str) for name in row), f"a row has names that are not text: {list(row)}")
        try:
            json.dumps(row, allow_nan=False)
        except (TypeError, ValueError) as error:
            raise AssertionError(f"a row has a value without a JSON form: {error}") from error
        if declared and "properties" in declared and not declared.get("additionalProperties"):
            extra = sorted(row.keys() - declared["properties"].keys())
            _expect(not extra, f"rows have the fields {extra}, which the card's output does not declare")


def _bad_arguments(source: Source, args: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    yield {**args, "no such argument": 1}
    for name in source.card.required:
        yield {other: value for other, value in args.items() if other != name}
    for name, schema in source.card.properties.items():
        kinds = {kind.get("type") for kind in schema.get("anyOf", [schema])}
        if None not in kinds and not kinds & {"object"}:
            yield {**args, name: {"an": "object"}}


async def _check_refused(source: Source, bad: Mapping[str, Any], scope: Scope) -> None:
    try:
        await source.call(bad, scope)
    except SourceError:
        return
    except Exception as error:  # whatever else it raises breaks the contract
        raise AssertionError(f"{bad} raised {type(error).__name__}, not a SourceError: {error}") from error
    raise AssertionError(f"{bad} was accepted, although it does not fit the card")


async def _check_concurrency(source: Source, args: Mapping[str, Any], scope: Scope, longest_block: float) -> None:
    expected = await source.call(args, scope)
    gaps: list[float] = []
    while not gaps or (gaps[-1] >= longest_block and len(gaps) < 2):  # twice, since a busy machine may hold one up
        beat = asyncio.create_task(_longest_gap())
        await asyncio.sleep(0)
        found = await asyncio.gather(*(source.call(args, scope) for _ in range(_AT_ONCE)))
        beat.cancel()
        gaps.append(await beat)
        _expect(all(rows == expected for rows in found), f"{_AT_ONCE} calls at once bring other rows than one alone")
    gap = gaps[-1]
    _expect(gap < longest_block, f"a call kept the event loop from other work for {gap:.1f} s; run it in a thread")


async def _longest_gap() -> float:
    """The longest time, in seconds, that this task was kept waiting until it is cancelled."""
    loop = asyncio.get_running_loop()
    longest, last = 0.0, loop.time()
    with suppress(asyncio.CancelledError):
        while True:
            await asyncio.sleep(0.01)
            longest, last = max(longest, loop.time() - last), loop.time()
    return max(longest, loop.time() - last)


async def _check_cancellation(source: Source, args: Mapping[str, Any], scope: Scope) -> None:
    call = asyncio.ensure_future(source.call(args, scope))
    await asyncio.sleep(0)
    if not call.cancel():
        return  # it was done at once
    try:
        await call
    except asyncio.CancelledError:
        return
    except Exception as error:  # whatever it raises instead hides that it was cancelled
        raise AssertionError(f"a cancelled call raised {type(error).__name__} instead: {error}") from error


async def check_scope(
    make_source: Callable[[Sequence[Owned]], Source], args: Callable[[str], Mapping[str, Any]]
) -> None:
    """Hold a source to the scope's tenant and user: what others own must not show, nor be felt.

    A source over everyone's records must show each owner the texts that a source over that owner's
    records alone shows, in the same order and with the same `score`: by `call` and by `relevance`, in
    this event loop and in a thread's own. The sources made are closed, where they have `aclose`.

    Args:
        make_source: makes a source over exactly these records.
        args: the arguments that look for a text.

    Raises:
        AssertionError: the source leaks; the message says what, to whom.
    """
    records = _records()
    together = make_source(records)
    enforced = sorted(together.card.enforces & {"tenant", "user"})
    _expect(bool(enforced), "the source's card enforces neither tenant nor user")
    await _check_no_scope(together, records, args)
    for owner in records:
        scope = Scope(**{field: getattr(owner, field) for field in enforced})
        owned = [record for record in records if _same_owner(record, owner, enforced)]
        alone = make_source(owned)
        _expect(owner.text in str(await alone.call(args(owner.text), scope)), f"{scope} does not find its {owner}")
        for asked in _questions(records, owner):
            await _check_alike(together, alone, args(asked), scope, [record.text for record in records])
            await _check_relevance(together, alone, asked, scope)
        await _close(alone)
    await _close(together)


def _records() -> list[Owned]:
    owners = [(name, "ann") for name in _NEIGHBOURS] + [("acme", name.replace("acme", "ann")) for name in _NEIGHBOURS]
    # One owner has a second record: of one alone, a share of the best score is always 1.
    return [Owned("acme", "ann", "a drawer lies within a drawer")] + [
        Owned(tenant, user, f"the secret{number}q lies in a drawer")
        for number, (tenant, user) in enumerate(dict.fromkeys(owners))
    ]


def _same_owner(record: Owned, owner: Owned, fields: Sequence[str]) -> bool:
    return all(getattr(record, field) == getattr(owner, field) for field in fields)


def _questions(records: Sequence[Owned], owner: Owned) -> list[str]:
    other = next(record for record in reversed(records) if record.text != owner.text)
    return [owner.text, other.text, "secret", "drawer", "%", "_", "secret%", other.tenant, f"{owner.text} {other.text}"]


async def _check_no_scope(source: Source, records: Sequence[Owned], args: Callable[[str], Mapping[str, Any]]) -> None:
    for scope in (Scope(), Scope(tenant="nobody", user="nobody"), Scope(tenant="%", user="%")):
        try:
            rows = await source.call(args(records[0].text), scope)
        except ScopeError:
            continue
        _expect(records[0].text not in json.dumps(list(rows)), f"{scope} sees what {records[0]} owns")


async def _check_alike(
    together: Source, alone: Source, args: Mapping[str, Any], scope: Scope, texts: Sequence[str]
) -> None:
    due = _shown(await alone.call(args, scope), texts)
    here = _shown(await together.call(args, scope), texts)
    _expect(here == due, f"with {dict(args)}, {scope} is shown {here}; over its own records {due}")
    there = _shown(await asyncio.to_thread(lambda: asyncio.run(_called(together, args, scope))), texts)
    _expect(there == due, f"with {dict(args)}, in a thread's loop, {scope} is shown {there}; over its own {due}")


async def _check_relevance(together: Source, alone: Source, asked: str, scope: Scope) -> None:
    if isinstance(together, Relevant) and isinstance(alone, Relevant):
        felt, due = await together.relevance(asked, scope), await alone.relevance(asked, scope)
        _expect(felt == due, f"the relevance of {asked!r} for {scope} is {felt}; over its own records it is {due}")


def _shown(rows: Sequence[Row], texts: Sequence[str]) -> list[tuple[str, list[str]]]:
    """Each row's score, if it has one, and whose texts it shows; ids may differ from source to source."""
    return [(_score(row), [text for text in texts if text in json.dumps(row)]) for row in rows]


def _score(row: Row) -> str:
    score = row.get("score")
    return f"{score:.6g}" if isinstance(score, int | float) else ""


async def _close(source: Source) -> None:
    if hasattr(source, "aclose"):
        await source.aclose()


async def _called(source: Source, args: Mapping[str, Any], scope: Scope) -> Sequence[Row]:
    return await source.call(args, scope)


def _expect(kept: bool, otherwise: str) -> None:
    if not kept:
        raise AssertionError(otherwise)
