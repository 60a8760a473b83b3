"""A ledger of what a question has cost, held against its budget."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import NoReturn

from rag.errors import BudgetExceeded
from rag.models.prices import Prices
from rag.run.afford import Excess, Left
from rag.types import Budget, Usage

__all__ = ["Ledger"]


class Ledger:
    """What one question has cost so far; asks for more than its budget allows are refused.

    Seconds are held by the driver's deadline. USD are held where the endpoint tells what a call cost, or
    the prices have its model. What a call of the model may use is held back while it runs, so that calls
    at the same time do not spend the same money.

    Example:
        >>> ledger = Ledger(Budget(model_calls=1))
        >>> with ledger.model_call(wanted=100) as reply_tokens:
        ...     reply_tokens
        100
        >>> with ledger.model_call():
        ...     pass
        Traceback (most recent call last):
            ...
        rag.errors.BudgetExceeded: the budget of 1 model calls is spent
    """

    def __init__(self, budget: Budget, prices: Prices | None = None) -> None:
        self.budget = budget
        self._prices = prices or Prices()
        self._lock = threading.Lock()  # embedders and rerankers work in threads
        self.exceeded: list[BudgetExceeded] = []
        self._calls = 0
        self._spent = Usage()
        self._held_tokens, self._held_usd = 0, 0.0
        self._asked: Counter[str] = Counter()
        self._unpriced = False

    @property
    def usage(self) -> Usage:
        """What was spent, seconds left out."""
        return self._spent.model_copy(update={"model_calls": self._calls, "source_calls": self._asked.total()})

    def left(self, seconds: float) -> Left:
        """What is left for sources, when the question has taken so many seconds."""
        budget = self.budget
        return Left(
            seconds=None if budget.seconds is None else budget.seconds - seconds,
            usd=None if budget.usd is None else budget.usd - (self._spent.usd or 0.0),
            calls_per_source=budget.calls_per_source,
            calls=dict(self._asked),
        )

    @property
    def reached(self) -> tuple[BudgetExceeded, ...]:
        """The limits that cut something short, then those that were overspent since a call cost more than was known."""
        known = {error.limit for error in self.exceeded}
        over = [
            BudgetExceeded(f"the budget of {allowed:g} {limit} is overspent: {spent:g}", limit=limit, spent=spent)
            for limit, allowed, spent in (
                ("tokens", self.budget.tokens, self._spent.tokens),
                ("usd", self.budget.usd, self._spent.usd or 0.0),
            )
            if allowed is not None and spent > allowed and limit not in known
        ]
        return (*self.exceeded, *over)

    @property
    def unheld(self) -> str:
        """What is to be said where a limit could not be held; empty where there is nothing."""
        if self.budget.usd is not None and self._unpriced:
            return f"the budget of {self.budget.usd:g} usd could not be held: what the model costs is not known"
        return ""

    def weighs(self, model: str) -> bool:
        """Whether the size of a prompt matters before it is sent."""
        return self.budget.tokens is not None or (self.budget.usd is not None and self._prices.of(model) is not None)

    @contextmanager
    def model_call(self, prompt_tokens: int = 0, model: str = "", wanted: int | None = None) -> Iterator[int | None]:
        """Count a model call whose prompt has about so many tokens.

        It gives how long the reply may be, in tokens: as long as wanted, or as the budget leaves. As much is
        held back until the call has ended, and what it used is to be entered.

        Raises:
            BudgetExceeded: no call, no money, or not one token of a reply is left.
        """
        with self._lock:
            room = self._room(prompt_tokens, model)
            self._check(room)
            self._calls += 1
            most = min([*room.values(), *([] if wanted is None else [wanted])], default=None)
            tokens, usd = prompt_tokens + (most or 0), self._price(model, prompt_tokens, most or 0)
            self._held_tokens += tokens
            self._held_usd += usd
        try:
            yield most
        finally:
            with self._lock:
                self._held_tokens -= tokens
                self._held_usd -= usd

    def _check(self, room: Mapping[str, int]) -> None:
        budget, spent = self.budget, self._spent
        if budget.model_calls is not None and self._calls >= budget.model_calls:
            self.refuse("model_calls", budget.model_calls, self._calls)
        if budget.tokens is not None and room["tokens"] < 1:
            self.refuse("tokens", budget.tokens, spent.tokens)
        if budget.usd is not None and ((spent.usd or 0.0) >= budget.usd or room.get("usd", 1) < 1):
            self.refuse("usd", budget.usd, spent.usd or 0.0)

    def _room(self, prompt_tokens: int, model: str) -> dict[str, int]:
        """How many tokens of a reply the limits leave after the prompt, where they can be held before a call."""
        room: dict[str, int] = {}
        if self.budget.tokens is not None:
            room["tokens"] = self.budget.tokens - self._spent.tokens - self._held_tokens - prompt_tokens
        if self.budget.usd is not None and (token := self._price(model, 0, 1)):
            left = self.budget.usd - (self._spent.usd or 0.0) - self._held_usd - self._price(model, prompt_tokens, 0)
            room["usd"] = int(left / token)
        return room

    def _price(self, model: str, prompt_tokens: int, reply_tokens: int) -> float:
        """What so many tokens cost in USD, where the money is limited and the price known."""
        price = self._prices.of(model) if self.budget.usd is not None else None
        return price.usd(Usage(prompt_tokens=prompt_tokens, completion_tokens=reply_tokens)) if price else 0.0

    def add(self, usage: Usage, model: str = "") -> Usage:
        """Enter what a counted call of the model used; it comes back with its price."""
        priced = self._prices.priced(model, usage)
        with self._lock:
            self._spent += priced
            self._unpriced |= priced.usd is None
        return priced

    def add_call(self, model: str, usage: Usage) -> None:
        """Count a call that was not asked for here, as a reranker's or an embedder's, and enter what it used."""
        with self._lock:
            self._calls += usage.model_calls
        self.add(usage, model)

    def before_source_call(self, source: str, *, usd: float | None = None) -> None:
        """Count a call of a source, and the money that its card declares for one.

        Raises:
            BudgetExceeded: the source has been called as often as it may be.
        """
        budget, where = self.budget, f" for {source!r}"
        with self._lock:
            asked, spent = self._asked[source], self._spent.usd or 0.0
            if budget.calls_per_source is not None and asked >= budget.calls_per_source:
                self.refuse("calls_per_source", budget.calls_per_source, asked, where)
            if usd is not None and budget.usd is not None and spent + self._held_usd + usd > budget.usd:
                self.refuse("usd", budget.usd, spent, where)
            self._asked[source] += 1
            if usd is not None:
                self._spent += Usage(usd=usd)

    def refuse(self, limit: str, allowed: float, spent: float, where: str = "") -> NoReturn:
        """Note that a limit is reached.

        Raises:
            BudgetExceeded: always.
        """
        error = BudgetExceeded(
            f"the budget of {allowed:g} {limit.replace('_', ' ')} is spent{where}", limit=limit, spent=spent
        )
        self.exceeded.append(error)
        raise error

    def leave_out(self, over: Excess) -> BudgetExceeded:
        """Note that a step of a plan cannot fit, and give the error that says so."""
        error = BudgetExceeded(f"the plan cannot fit its budget: {over}", limit=over.limit, spent=over.needed)
        self.exceeded.append(error)
        return error
