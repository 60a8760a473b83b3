import asyncio
import decimal
import functools
import subprocess
import sys
import threading
import typing
from collections.abc import AsyncIterator, Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, Field

from rag.errors import ConfigError, ScopeError, SourceError, SourceTimeout
from rag.sources.function import source
from rag.testing.sources import Owned, check_scope, check_source
from rag.types import Scope

if typing.TYPE_CHECKING:
    from decimal import Decimal


class Review(BaseModel):
    product: str
    stars: int


@dataclass
class Stock:
    product: str
    left: int


class Price(typing.TypedDict):
    product: str
    eur: float


def reviews(product_id: str, since: date | None = None, k: int = 3) -> list[Review]:
    """What buyers wrote
    about a product.

    More on it.

    Args:
        product_id: the product, such as
            P-101.
        since (date): the first day.
    """
    return [Review(product=product_id, stars=k)]


async def called(function, args=None, scope=None, **options):
    return await source("f", function, **options).call(args or {}, scope or Scope())


async def test_the_signature_is_the_argument_model():
    made = source("reviews", reviews)
    assert made.card.signature == "reviews(product_id: string, since?: date, k?: integer)"
    assert made.card.properties["product_id"]["description"] == "the product, such as P-101."
    assert made.card.properties["since"]["description"] == "the first day."
    assert made.card.about == "What buyers wrote about a product."
    assert made.card.output["properties"].keys() == {"product", "stars"}
    assert await made.call({"product_id": "P-1", "since": None}, Scope()) == [{"product": "P-1", "stars": 3}]


def test_what_is_annotated_goes_before_the_docstring():
    def look(query: Annotated[str, Field(description="mine", max_length=3)]) -> str:
        """Look.

        Args:
            query: theirs.
        """

    assert source("f", look).card.properties["query"]["description"] == "mine"
    with pytest.raises(SourceError, match="'query'"):
        asyncio.run(called(look, {"query": "long"}))


@pytest.mark.parametrize(
    ("result", "rows"),
    [
        (None, []),
        ("sold out", [{"text": "sold out"}]),
        (["a", "b"], [{"text": "a"}, {"text": "b"}]),
        ({"n": 1, "day": date(2026, 1, 2)}, [{"n": 1, "day": "2026-01-02"}]),
        (Stock("lamp", 2), [{"product": "lamp", "left": 2}]),
        ((Review(product="x", stars=1), {"y": float("nan")}), [{"product": "x", "stars": 1}, {"y": None}]),
        (iter([{"a": b"\xff"}]), [{"a": "_w=="}]),
    ],
)
async def test_what_a_function_returns_becomes_rows(result, rows):
    async def later() -> Any:
        return result

    assert await called(lambda: result) == rows
    if not isinstance(result, Iterator):
        assert await called(later) == rows


async def test_numbers_of_numpy_are_numbers():
    import numpy as np

    assert await called(lambda: {"n": np.int64(3)}) == [{"n": 3}]


async def test_generators_are_read_to_their_end():
    async def slowly() -> AsyncIterator[str]:
        yield "a"
        yield "b"

    assert await called(slowly) == [{"text": "a"}, {"text": "b"}]


@pytest.mark.parametrize(
    ("kind", "result", "value", "schema"),
    [
        (int, 3, 3, {"type": "integer"}),
        (float | None, 2.5, 2.5, {"type": "number"}),
        (bool, False, False, {"type": "boolean"}),
        (decimal.Decimal, decimal.Decimal("9.90"), "9.90", {"type": "string"}),
        (date, date(2026, 1, 2), "2026-01-02", {"type": "string", "format": "date"}),
    ],
)
async def test_a_scalar_is_a_row_with_the_source_s_name(kind, result, value, schema):
    def left(): ...

    left.__annotations__["return"] = kind
    field = source("left", left).card.output["properties"]["left"]
    assert field | schema == field
    assert await called(lambda: result) == [{"f": value}]


async def test_several_scalars_are_several_rows():
    import numpy as np

    def ages() -> list[int]:
        return [3, 4]

    assert await called(ages) == [{"f": 3}, {"f": 4}]
    assert source("f", ages).card.output["required"] == ["f"]
    assert await called(lambda: np.int64(5)) == [{"f": 5}]


@pytest.mark.parametrize("result", [b"ab", [[1]], object()])
async def test_what_is_no_row_is_refused(result):
    with pytest.raises(SourceError, match="is no row; return"):
        await called(lambda: result)


class Shop:
    def stock(self, product: str) -> Stock:
        return Stock(product, 2)

    async def __call__(self, product: str) -> str:
        return f"called for {product}"


async def test_methods_partials_and_callable_objects_work():
    assert await called(Shop().stock, {"product": "x"}) == [{"product": "x", "left": 2}]
    assert await called(Shop(), {"product": "x"}) == [{"text": "called for x"}]
    fixed = functools.partial(reviews, k=5)
    assert source("f", fixed).card.properties.keys() == {"product_id", "since"}
    assert await called(fixed, {"product_id": "x"}) == [{"product": "x", "stars": 5}]
    assert await called(functools.partial(Shop(), "y")) == [{"text": "called for y"}]


def test_parameters_may_be_called_anything():
    def f(schema: str, model_config: int, _x: str = "", copy: bool = False) -> str:
        return f"{schema}{model_config}{_x}{copy}"

    assert asyncio.run(called(f, {"schema": "s", "model_config": 1, "_x": "y"})) == [{"text": "s1yFalse"}]


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda x: x, "'x' of .* has no type hint"),
        (lambda *words: words, r"'\*words' of .* cannot be given by name"),
        (lambda **more: more, r"'\*\*more' of .* cannot be given by name"),
        (Review, "no function"),
        ("reviews", "no function"),
    ],
)
def test_functions_that_cannot_be_called_by_name_are_refused(function, message):
    with pytest.raises(ConfigError, match=message):
        source("f", function)


def positional(x: str, /) -> str: ...
def unresolved(x: "Decimal") -> str: ...
def of_no_json(x: threading.Lock) -> str: ...


@pytest.mark.parametrize(
    ("function", "message"),
    [(positional, "by name"), (unresolved, "cannot be resolved"), (of_no_json, "no JSON form")],
)
def test_signatures_that_planners_cannot_use_are_refused(function, message):
    with pytest.raises(ConfigError, match=message):
        source("f", function)


def test_options_that_cannot_be_are_refused():
    for options in (
        {"name": " "},
        {"name": "two\nlines"},
        {"timeout": 0},
        {"concurrency": 0},
        {"enforces": ["tenants"]},
    ):
        with pytest.raises(ConfigError) as raised:
            source(**{"name": "f", "function": lambda: "", **options})
        assert "\n" not in str(raised.value)
    with pytest.raises(ConfigError, match=r"parameter annotated rag\.Scope"):
        source("f", reviews, enforces={"tenant"})
    with pytest.raises(ConfigError, match="leave out shared or enforces"):
        source("f", reviews, enforces={"tenant"}, shared=True)


async def test_null_is_given_where_it_must_and_else_leaves_the_default():
    def told(must: int | None, may: int | None = 3) -> str:
        return f"{must} {may}"

    assert await called(told, {"must": None, "may": None}) == [{"text": "None 3"}]


@pytest.mark.parametrize("args", [{}, {"product_id": 1}, {"product_id": "x", "k": "many"}, {"product": "x"}])
async def test_arguments_that_do_not_fit_are_source_errors(args):
    with pytest.raises(SourceError, match="'f'"):
        await called(reviews, args)


@pytest.mark.parametrize(
    ("error", "retryable"),
    [
        (TimeoutError("slow"), True),
        (ConnectionResetError("gone"), True),
        (KeyError("k"), False),
        (StopIteration(), False),
        (RuntimeError(""), False),
    ],
)
@pytest.mark.parametrize("is_async", [False, True])
async def test_what_a_function_raises_is_a_source_error(error, retryable, is_async):
    def now() -> str:
        raise error

    async def later() -> str:
        raise error

    if is_async and isinstance(error, StopIteration):
        return  # Python itself makes a RuntimeError of it
    with pytest.raises(SourceError, match=type(error).__name__) as raised:
        await called(later if is_async else now)
    assert raised.value.retryable is retryable
    assert raised.value.__cause__ is error
    assert isinstance(raised.value, SourceTimeout) == isinstance(error, TimeoutError)


async def test_errors_of_ours_come_through():
    def refuse(scope: Scope) -> str:
        raise ScopeError("not yours")

    with pytest.raises(ScopeError, match="not yours"):
        await called(refuse)


async def test_a_scope_is_injected_and_hidden():
    def mine(query: str, scope: "Scope | None" = None) -> str:
        return f"{scope.user}: {query}"

    made = source("f", mine)
    assert made.card.signature == "f(query: string)"
    assert made.card.enforces == {"tenant", "user", "as_of", "labels"}
    assert await made.call({"query": "x"}, Scope(user="ann")) == [{"text": "ann: x"}]
    with pytest.raises(SourceError, match="no argument 'scope'"):
        await made.call({"query": "x", "scope": {"user": "bob"}}, Scope(user="ann"))
    only = source("f", mine, enforces=["user"])
    with pytest.raises(ScopeError, match="tenant"):
        await only.call({"query": "x"}, Scope(tenant="acme"))


async def test_a_function_that_knows_no_scope_is_refused_in_one():
    with pytest.raises(ScopeError, match="cannot keep to the scope's tenant"):
        await called(reviews, {"product_id": "x"}, Scope(tenant="acme"))
    assert await called(reviews, {"product_id": "x"}, Scope(tenant="acme"), shared=True)


async def test_a_shared_function_may_know_the_scope_and_need_not_keep_to_it():
    def greet(scope: Scope) -> str:
        return f"hello {scope.user}"

    assert source("f", greet, shared=True).card.enforces == frozenset()
    assert await called(greet, {}, Scope(user="ann"), shared=True) == [{"text": "hello ann"}]
    await check_source(source("f", greet, shared=True), {})


async def test_plain_functions_leave_the_loop_free():
    started, told = threading.Event(), threading.Event()

    def wait() -> str:
        started.set()
        return str(told.wait(timeout=20))

    call = asyncio.create_task(called(wait))
    while not started.is_set():
        await asyncio.sleep(0.001)
    told.set()  # from the loop, while the function waits
    assert await call == [{"text": "True"}]


async def test_functions_that_hang_do_not_pile_up():
    running, over = [], threading.Event()

    def hang() -> None:
        running.append(1)
        over.wait(timeout=20)

    made = source("f", hang, concurrency=2)
    for _ in range(6):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(made.call({}, Scope()), 0.05)
    over.set()
    await made.call({}, Scope())
    assert len(running) == 3  # two that hung, and the last


def test_a_function_that_hangs_does_not_keep_the_process_alive():
    code = (
        "import asyncio, time\n"
        "from rag.sources.function import source\n"
        "from rag.types import Scope\n"
        "def hang() -> None: time.sleep(600)\n"
        "async def ask():\n"
        "    try: await asyncio.wait_for(source('f', hang).call({}, Scope()), 0.05)\n"
        "    except TimeoutError: print('gave up')\n"
        "asyncio.run(ask())\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True)
    assert (done.stdout, done.stderr) == ("gave up\n", "")


async def test_the_caller_s_context_is_seen():
    asked = ContextVar("asked")
    asked.set("by ann")

    def who() -> str:
        return asked.get()

    assert await called(who) == [{"text": "by ann"}]


@pytest.mark.parametrize(
    ("returned", "fields"),
    [
        (list[Review], {"product", "stars"}),
        (Review | None, {"product", "stars"}),
        (tuple[Stock, ...], {"product", "left"}),
        (list[Price], {"product", "eur"}),
        (Annotated[Price, "x"], {"product", "eur"}),
        (list[str], {"text"}),
        (str, {"text"}),
        (dict[str, int], None),
        (list[dict[str, Any]], None),
        (Review | Stock, None),
        (Any, None),
    ],
)
def test_the_return_annotation_tells_the_output(returned, fields):
    def f(): ...

    f.__annotations__["return"] = returned
    output = source("f", f).card.output
    assert (output and output["properties"].keys()) == fields


def test_the_output_can_be_given():
    assert source("f", lambda: {}, output=Review).card.output["properties"].keys() == {"product", "stars"}
    assert source("f", lambda: {}, output={"type": "object"}).card.output == {"type": "object"}


async def test_the_contract_of_sources_is_kept():
    async def find(query: str) -> list[Review]:
        return [Review(product=query, stars=1)]

    await check_source(source("reviews", reviews), {"product_id": "P-1"})
    await check_source(source("find", find), {"query": "lamp"})


async def test_nothing_leaks_through_a_function_that_keeps_the_scope():
    def make(records: list[Owned]):
        def find(query: str, scope: Scope) -> list[str]:
            return [r.text for r in records if (r.tenant, r.user) == (scope.tenant, scope.user) and query in r.text]

        return source("notes", find, enforces=["tenant", "user"])

    await check_scope(make, lambda text: {"query": text})


async def test_credentials_in_the_error_of_a_function_are_blotted_out():
    def broken() -> str:
        raise RuntimeError("no postgresql://svc:sekret@10.0.0.5/prod")

    with pytest.raises(SourceError, match=r"no postgresql://\*\*\*@10.0.0.5/prod$"):
        await source("db", broken).call({}, Scope())
