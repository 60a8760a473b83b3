"""A ledger of what a question has cost, held against its budget."""

from __future__ import annotations

import threading
from collections import Counter
from typing import NoReturn

from rag.errors import BudgetExceeded
from rag.models.prices import Prices
from rag.run.afford import Excess, Left
from rag.types import Budget, Usage

__all__ = ["Ledger"]


class Ledger:
    """What one question has cost so far; asks for more than its budget allows are refused.

    Seconds are held by the driver's deadline. USD are held where the endpoint tells what a call cost, or
    the prices have its model.

    Example:
        >>> ledger = Ledger(Budget(model_calls=1))
        >>> ledger.before_model_call()
        >>> ledger.before_model_call()
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
    def unheld(self) -> str:
        """What is to be said where a limit could not be held; empty where there is nothing."""
        if self.budget.usd is not None and self._unpriced:
            return f"the budget of {self.budget.usd:g} usd could not be held: what the model costs is not known"
        return ""

    def weighs(self, model: str) -> bool:
        """Whether the size of a prompt matters before it is sent."""
        return self.budget.tokens is not None or (self.budget.usd is not None and self._prices.of(model) is not None)

    def before_model_call(self, prompt_tokens: int = 0, model: str = "") -> None:
        """Count a model call whose prompt has about so many tokens.

        Raises:
            BudgetExceeded: no call, no money, or not one token of a reply is left.
        """
        budget, spent = self.budget, self._spent
        if budget.model_calls is not None and self._calls >= budget.model_calls:
            self.refuse("model_calls", budget.model_calls, self._calls)
        room = self._room(prompt_tokens, model)
        if budget.tokens is not None and room["tokens"] < 1:
            self.refuse("tokens", budget.tokens, spent.tokens)
        if budget.usd is not None and ((spent.usd or 0.0) >= budget.usd or room.get("usd", 1) < 1):
            self.refuse("usd", budget.usd, spent.usd or 0.0)
        self._calls += 1

    def reply_tokens(self, wanted: int | None, prompt_tokens: int, model: str = "") -> int | None:
        """How long the reply may be, in tokens: as long as wanted, or as the budget leaves."""
        limits = [*self._room(prompt_tokens, model).values(), *([] if wanted is None else [wanted])]
        return min(limits, default=None)

    def _room(self, prompt_tokens: int, model: str) -> dict[str, int]:
        """How many tokens of a reply the limits leave after the prompt, where they can be held before a call."""
        room: dict[str, int] = {}
        if self.budget.tokens is not None:
            room["tokens"] = self.budget.tokens - self._spent.tokens - prompt_tokens
        price = self._prices.of(model) if self.budget.usd is not None else None
        if self.budget.usd is not None and price is not None and price.output:
            prompt = price.usd(Usage(prompt_tokens=prompt_tokens))
            left = self.budget.usd - (self._spent.usd or 0.0) - prompt
            room["usd"] = int(left / price.usd(Usage(completion_tokens=1)))
        return room

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
        limit = self.budget.calls_per_source
        if limit is not None and self._asked[source] >= limit:
            self.refuse("calls_per_source", limit, self._asked[source], f" for {source!r}")
        if usd is not None and self.budget.usd is not None and (self._spent.usd or 0.0) + usd > self.budget.usd:
            self.refuse("usd", self.budget.usd, self._spent.usd or 0.0, f" for {source!r}")
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
