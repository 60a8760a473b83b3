"""The contract of sources must fail those that break it."""

import asyncio
import time

import pytest

from rag.card import SourceCard, free_query
from rag.errors import SourceError
from rag.sources.arguments import admit, read_arguments
from rag.testing.sources import check_scope, check_source


class Good:
    """A source that keeps the contract, of which each test breaks one thing."""

    def __init__(self, records=(), **card):
        self.card = SourceCard(name="notes", arguments=free_query(), **card)
        self.records = records

    def seen(self, record, scope):
        return record.tenant == scope.tenant and record.user == scope.user

    async def call(self, args, scope):
        admit(self.card, scope)
        read_arguments(self.card, args)
        if not self.card.enforces:
            return [{"text": "one"}]
        return [{"text": r.text} for r in self.records if self.seen(r, scope) and args["query"] in r.text]


def broken(**methods):
    return type("Broken", (Good,), methods)


async def swallows(self, args, scope):
    read_arguments(self.card, args)
    try:
        await asyncio.sleep(0)
        await asyncio.sleep(0)
    except asyncio.CancelledError:
        raise SourceError("stopped") from None
    return [{"text": "one"}]


async def blocks(self, args, scope):
    read_arguments(self.card, args)
    time.sleep(0.05)
    return [{"text": "one"}]


async def counts(self, args, scope):
    read_arguments(self.card, args)
    self.n = getattr(self, "n", 0) + 1
    return [{"text": str(self.n)}]


async def anything(self, args, scope):
    return [{"text": "one"}]


async def raises(self, args, scope):
    if args != {"query": "x"}:
        raise KeyError("query")
    return [{"text": "one"}]


async def test_a_source_that_keeps_the_contract_passes():
    await check_source(Good(), {"query": "x"})
    await check_scope(lambda records: Good(records, enforces={"tenant", "user"}), lambda text: {"query": text})


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (swallows, "cancelled call raised SourceError"),
        (blocks, "kept the event loop"),
        (counts, "other rows"),
        (anything, "accepted, although"),
        (raises, "KeyError, not a SourceError"),
    ],
)
async def test_calls_that_break_the_contract_fail(call, message):
    with pytest.raises(AssertionError, match=message):
        await check_source(broken(call=call)(), {"query": "x"}, longest_block=0.2)


@pytest.mark.parametrize(
    ("row", "message"),
    [({"a": object()}, "JSON"), ({"a": float("nan")}, "JSON"), (["a"], "dictionary"), ({1: 2}, "not text")],
)
async def test_rows_that_break_the_contract_fail(row, message):
    async def call(self, args, scope):
        return [row]

    with pytest.raises(AssertionError, match=message):
        await check_source(broken(call=call)(), {"query": "x"})


async def test_fields_that_are_not_declared_fail():
    with pytest.raises(AssertionError, match="does not declare"):
        await check_source(Good(output={"type": "object", "properties": {"n": {}}}), {"query": "x"})


@pytest.mark.parametrize(
    "seen",
    [
        lambda self, record, scope: True,
        lambda self, record, scope: record.tenant == scope.tenant,
        lambda self, record, scope: record.tenant.startswith(scope.tenant or "") and record.user == scope.user,
        lambda self, record, scope: record.tenant.strip() == scope.tenant and record.user == scope.user,
        lambda self, record, scope: (record.tenant.lower(), record.user) == ((scope.tenant or "").lower(), scope.user),
        lambda self, record, scope: scope.tenant in (None, record.tenant) and scope.user in (None, record.user),
        lambda self, record, scope: scope.tenant == "%" or (record.tenant, record.user) == (scope.tenant, scope.user),
    ],
)
async def test_sources_that_leak_fail(seen):
    with pytest.raises(AssertionError, match=r"is shown|sees what"):
        await check_scope(
            lambda records: broken(seen=seen)(records, enforces={"tenant", "user"}), lambda text: {"query": text}
        )


async def test_a_relevance_that_tells_of_others_fails():
    async def relevance(self, question, scope):
        return float(any(r.text == question for r in self.records))

    with pytest.raises(AssertionError, match="relevance"):
        await check_scope(
            lambda records: broken(relevance=relevance)(records, enforces={"tenant", "user"}),
            lambda text: {"query": text},
        )


@pytest.mark.parametrize(
    "change",
    [
        lambda rows, records: [{**row, "score": 1 / len(records)} for row in rows],
        lambda rows, records: rows[::-1] if len(records) > 2 else rows,
    ],
)
async def test_scores_and_an_order_that_tell_of_others_fail(change):
    async def call(self, args, scope):
        admit(self.card, scope)
        words = args["query"].split()
        rows = [{"text": r.text} for r in self.records if self.seen(r, scope) and any(w in r.text for w in words)]
        return change(rows, self.records)

    with pytest.raises(AssertionError, match="is shown"):
        await check_scope(
            lambda records: broken(call=call)(records, enforces={"tenant", "user"}), lambda text: {"query": text}
        )


async def test_a_leak_in_another_thread_alone_fails():
    import threading

    def seen(self, record, scope):
        leaking = threading.current_thread() is not threading.main_thread()
        return leaking or Good.seen(self, record, scope)

    with pytest.raises(AssertionError, match="in a thread's loop"):
        await check_scope(
            lambda records: broken(seen=seen)(records, enforces={"tenant", "user"}), lambda text: {"query": text}
        )
