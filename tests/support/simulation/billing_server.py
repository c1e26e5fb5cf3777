"""Simulated billing-service: its real parsing, rules and answers on books in memory; it can crash."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, cast

import aiohttp
import orjson

from billing_service.ledger.books import Books, Changes
from billing_service.ledger.commands import Command, ExpireHold, Outcome
from billing_service.ledger.endpoints import apply_operations
from billing_service.ledger.rows import Wallet
from billing_service.ledger.rules import decide_all
from billing_service.ledger.service import Ledger
from billing_service.prices.rules import Price
from tests.support.simulation.processes import STEP_SECONDS, World

START = datetime(2026, 1, 1, tzinfo=UTC)
PRICES = {
    "predict": Price("predict", 1, 5, 1),
    "batch": Price("batch", 2, 3, 2),
}
LONGEST_OUTAGE = 4.0
# Longer than any hold lasts.
CLOCK_JUMP = timedelta(hours=1)


class Standing(NamedTuple):
    """The charges of one piece of work that were not refunded, and their tokens."""

    charges: int
    tokens: int


class BillingServer:
    """Decides each call at once. A crash loses the calls that wait for it and the answers after it."""

    def __init__(self, world: World, wallets: dict[int, int]) -> None:
        self.world = world
        self.books = Books({user: Wallet(user, user, tokens, 0) for user, tokens in wallets.items()}, PRICES)
        self.broken: list[str] = []
        self._starts, self._up_from, self._clock_error = 0, 0.0, timedelta()

    @property
    def is_up(self) -> bool:
        return self.world.now >= self._up_from

    def crash(self) -> None:
        self.world.log("billing crashed")
        self._starts += 1
        self._up_from = self.world.now + self.world.random.random() * LONGEST_OUTAGE

    def jump(self) -> None:
        """Set the clock forward: holds expire under running work."""
        self.world.log("billing's clock jumps")
        self._clock_error += CLOCK_JUMP
        self.expire_holds()

    def expire_holds(self) -> None:
        """The sweep for holds whose time to live has passed."""
        overdue = [hold.key for hold in self.books.holds.values() if hold.state == "held"]
        self._decide([ExpireHold(key) for key in overdue])

    async def answer(self, body: bytes | None, has_left: Callable[[], bool]) -> bytes:
        """The body of the answer to a call; without a body of its own it reads the prices."""
        self._require_up(self._starts)
        if body is None:
            items = [
                {"action": p.action, "tokens": p.tokens, "per_units": p.per_units} for p in PRICES.values()
            ]
            return orjson.dumps({"items": items})
        # cast: the ledger's one method that is called
        ledger = cast("Ledger", self)
        return bytes((await apply_operations(body, ledger, self._now(), has_left)).body)

    async def post(self, commands: Sequence[Command], is_abandoned: Callable[[], bool]) -> list[Outcome]:
        """In place of that of the ledger: decide in one transaction, and lose it or its answer in a crash."""
        started = self._starts
        await self._wait()
        self._require_up(started)
        outcomes = self._decide(commands, is_abandoned=is_abandoned())
        await self._wait()
        self._require_up(started)
        return outcomes

    def standing(self, resource: str) -> Standing:
        """The charges of the work that names this resource."""
        receipts = [each for each in self.books.receipts.values() if each.resource == resource]
        charged = [each.tokens for each in receipts if each.kind == "charge"]
        refunded = [each.tokens for each in receipts if each.kind == "refund"]
        return Standing(len(charged) - len(refunded), sum(charged) - sum(refunded))

    def _decide(self, commands: Sequence[Command], *, is_abandoned: bool = False) -> list[Outcome]:
        outcomes = decide_all(commands, self.books, self._now(), is_abandoned=is_abandoned)
        self.books.changes = Changes()
        for command, outcome in zip(commands, outcomes, strict=True):
            self.world.log("  billing:", command, "->", outcome)
        for wallet in self.books.wallets.values():
            if min(wallet.available, wallet.held) < 0:
                self.broken.append(f"{wallet} at {self.world.now:.3f}")
        return outcomes

    async def _wait(self) -> None:
        longest = 5.0 if self.world.fault("slow") else STEP_SECONDS
        await self.world.sleep(longest)

    def _require_up(self, start: int) -> None:
        if start != self._starts or not self.is_up:
            raise aiohttp.ServerDisconnectedError

    def _now(self) -> datetime:
        return START + timedelta(seconds=self.world.now) + self._clock_error
